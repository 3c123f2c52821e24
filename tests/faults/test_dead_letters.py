"""F23: what nobody could use waits with its bytes, and can be tried, used or given up; all else flows. C1, C10."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from cdc.change import Change, Op, Snapshot, Transaction
from commands import letters
from commands.letters import LetterRequest
from orders.errors import ConflictError, RejectedError
from orders.facts import Fact
from orders.letters import LetterAction, LetterOutcome
from projections.database import Connection
from projections.isolating import project_one
from projections.projector import Advanced, Projector
from tests.controls import projecting
from tests.controls.projecting import deleted, header, line, order, transaction
from tests.controls.story import MAPPINGS

OPEN = "select id from record.dead_letter where resolved_at is null order by id"
LETTERS = "select tbl, kind, order_id, attempts, resolution, resolved_by from record.dead_letter order by id"
ORDERS = "select number, commercial, customer_po from graph.orders order by number"
FEED = "select order_id, version, type from record.feed order by position"
MENDED = {"77": "20"}


@dataclass(frozen=True)
class Mended:
    """The ERP's mapping, which knows one more code."""

    mapping: Any = MAPPINGS["erp"]
    tables: tuple[str, ...] = field(default=MAPPINGS["erp"].tables)

    def prefixes(self, table: str) -> tuple[str, ...]:
        found: tuple[str, ...] = self.mapping.prefixes(table)
        return found

    def facts(self, change: Change) -> Sequence[Fact]:
        after = dict(change.after or {})
        after["ordsts"] = MENDED.get(after.get("ordsts", ""), after.get("ordsts"))
        facts: Sequence[Fact] = self.mapping.facts(
            Change(
                change.source,
                change.table,
                change.op,
                change.key,
                change.before,
                after if change.after else None,
                change.position,
                change.transaction,
                change.committed_at,
                change.captured_at,
            )
        )
        return facts


class Projected:
    """A graph, with projectors one after the other."""

    def __init__(self, graph: Connection) -> None:
        self.graph = graph
        self.projector = Projector(graph, MAPPINGS)

    async def begin(self, mappings: Mapping[str, Any] = MAPPINGS) -> None:
        """A new projector, which remembers nothing."""
        self.projector = Projector(self.graph, mappings)
        await self.projector.start()

    async def __call__(self, *transactions: Transaction) -> None:
        await self.projector.start()
        for each in transactions:
            assert isinstance(await project_one(self.projector, each), Advanced)
        await projecting.check(self.graph)

    async def ask(self, action: LetterAction, *ids: int, key: str = "k", dry_run: bool = False) -> LetterRequest:
        """Asked, and carried out."""
        asked = await letters.ask(self.graph, "ann", key, action, ids or await self.open(), dry_run=dry_run)
        assert await self.projector.answer_requests()
        return await letters.asked(self.graph, asked.id)

    async def open(self) -> list[int]:
        return [row["id"] for row in await self.graph.fetch(OPEN)]

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.graph.fetch(statement)]


@pytest.fixture
async def projected(graph: Connection) -> Projected:
    found = Projected(graph)
    await found.begin()
    return found


def became(request: LetterRequest) -> list[LetterOutcome]:
    assert request.outcome is not None
    return [each.became for each in request.outcome]


async def test_a_letter_knows_its_order(projected: Projected) -> None:
    """Whether the order is known already or not, and whether the row names it or hangs on what does."""
    await projected(order(1, 1), transaction(2, header(2, ordsts="77")), transaction(3, line(1, Op.UPDATE, qtyord="x")))
    assert await projected.rows(LETTERS) == [
        ("public.ordhdr", "UNMAPPED", "2", 1, None, None),
        ("public.ordlin", "UNMAPPED", "1", 1, None, None),
    ]


async def test_a_letter_of_a_document_below_the_order_knows_it_too(projected: Projected) -> None:
    invoice = ("public.invhdr", Op.CREATE, {"invno": 9}, {**INVOICE, "invamt": "much"})
    entry = (
        "public.invdtl",
        Op.CREATE,
        {"invno": 8, "seqno": 1},
        {"invno": 8, "linno": 1, "qtyinv": "1", "extamt": "?"},
    )
    await projected(order(1, 1), transaction(2, ("public.invhdr", Op.CREATE, {"invno": 8}, {**INVOICE, "invno": 8})))
    await projected(transaction(3, invoice), transaction(4, entry))
    assert [row[2] for row in await projected.rows(LETTERS)] == ["1", "1"]


async def test_a_newer_change_of_the_row_settles_it(projected: Projected) -> None:
    await projected(order(1, 1), transaction(2, header(1, Op.UPDATE, ordsts="77")))
    await projected(transaction(3, line(1, Op.UPDATE)))
    assert len(await projected.open()) == 1
    await projected(transaction(4, header(1, Op.UPDATE, cuspo="PO-4")))
    assert (await projected.rows(LETTERS))[0][4:] == ("SUPERSEDED", None)


async def test_the_row_that_is_deleted_settles_it(projected: Projected) -> None:
    await projected(order(1, 1), transaction(2, line(1, Op.UPDATE, qtyord="x")), transaction(3, deleted(line(1))))
    assert await projected.open() == []


async def test_a_newer_snapshot_settles_all_of_its_source(projected: Projected) -> None:
    await projected(order(1, 1), transaction(2, header(2, ordsts="77")))
    again = transaction(5, header(1, Op.READ), line(1, Op.READ), epoch=2, snapshot=Snapshot.LAST)
    await projected(again)
    assert await projected.open() == []


async def test_what_a_snapshot_brings_unreadable_stays_as_it_was(projected: Projected) -> None:
    """F21: a column was renamed, then all is read anew: the last value is shown, until the letter is replayed."""
    await projected(order(1, 1), order(2, 2))
    rows = [header(1, Op.READ, ordsts="77", cuspo="PO-9"), line(1, Op.READ), header(3, Op.READ, ordsts="77")]
    await projected(transaction(5, *rows, epoch=2, snapshot=Snapshot.LAST))
    assert await projected.rows(ORDERS) == [("1", "ACCEPTED", "PO-1")]
    await projected.begin(MAPPINGS | {"erp": Mended()})
    assert became(await projected.ask(LetterAction.REPLAY)) == [LetterOutcome.REPLAYED] * 2
    assert [row[2] for row in await projected.rows(ORDERS)] == ["PO-9", "PO-1"]
    await projecting.check_with(projected.graph, MAPPINGS | {"erp": Mended()})


async def test_a_replay_behind_a_mended_mapping(projected: Projected) -> None:
    await projected(order(1, 1), transaction(2, header(2, ordsts="77"), line(2)), order(3, 3))
    await projected.begin(MAPPINGS | {"erp": Mended()})
    request = await projected.ask(LetterAction.REPLAY)
    assert became(request) == [LetterOutcome.REPLAYED]
    assert request.outcome
    assert {(d.table, d.key, d.column) for d in request.outcome[0].differences} >= {("orders", "2", None)}
    assert request.outcome[0].events == ["ORDER_ACCEPTED order 2"]
    assert (await projected.rows(LETTERS))[0][3:] == (2, "REPLAYED", "ann")
    assert [row[:2] for row in await projected.rows(ORDERS)] == [(n, "ACCEPTED") for n in "123"]
    assert await projected.rows(FEED) == [
        ("1", 1, "ORDER_ACCEPTED"),
        ("3", 1, "ORDER_ACCEPTED"),
        ("2", 1, "ORDER_ACCEPTED"),
    ]
    assert await projected.graph.fetchval("select dead from record.checkpoint") == 0
    await projected.begin(MAPPINGS | {"erp": Mended()})
    await projected.projector.project([transaction(9, header(2, Op.UPDATE, cuspo="PO-9"))])
    assert (await projected.rows(ORDERS))[1][2] == "PO-9"


async def test_a_dry_run_tells_and_changes_nothing(projected: Projected) -> None:
    await projected(order(1, 1), transaction(2, header(1, Op.UPDATE, ordsts="77", cuspo="PO-2")))
    await projected.begin(MAPPINGS | {"erp": Mended()})
    before = await projecting.dump(projected.graph)
    request = await projected.ask(LetterAction.REPLAY, dry_run=True)
    assert request.outcome
    [outcome] = request.outcome
    assert outcome.became is LetterOutcome.REPLAYED
    [po] = [d for d in outcome.differences if (d.table, d.column) == ("orders", "customer_po")]
    assert (po.before, po.after) == ("PO-1", "PO-2")
    assert await projecting.dump(projected.graph) == before
    assert became(await projected.ask(LetterAction.REPLAY, key="in earnest")) == [LetterOutcome.REPLAYED]
    assert (await projected.rows(ORDERS))[0][2] == "PO-2"
    await projecting.check_with(projected.graph, MAPPINGS | {"erp": Mended()})


async def test_an_old_letter_does_not_undo_what_came_later(projected: Projected) -> None:
    """Two changes of a row nobody could read: the newer one is replayed first."""
    await projected(order(1, 1), *(transaction(n, header(1, Op.UPDATE, ordsts="77", cuspo=f"PO-{n}")) for n in (2, 3)))
    first, second = await projected.open()
    await projected.begin(MAPPINGS | {"erp": Mended()})
    assert became(await projected.ask(LetterAction.REPLAY, second)) == [LetterOutcome.REPLAYED]
    assert became(await projected.ask(LetterAction.REPLAY, first, key="2")) == [LetterOutcome.GONE]
    assert (await projected.rows(ORDERS))[0][2] == "PO-3"


async def test_what_is_still_poison_waits_on(projected: Projected) -> None:
    await projected(order(1, 1), transaction(2, header(2, ordsts="78")), transaction(3, b'{"ordno": 2, "cus'))
    assert became(await projected.ask(LetterAction.REPLAY)) == [LetterOutcome.WAITS] * 2
    assert [row[3] for row in await projected.rows(LETTERS)] == [2, 2]
    await projecting.check(projected.graph)


async def test_one_that_is_discarded_says_by_whom(projected: Projected) -> None:
    await projected(order(1, 1), transaction(2, header(2, ordsts="77")))
    assert became(await projected.ask(LetterAction.DISCARD)) == [LetterOutcome.DISCARDED]
    assert (await projected.rows(LETTERS))[0][4:] == ("DISCARDED", "ann")
    assert became(await projected.ask(LetterAction.REPLAY, 1, 99, key="2")) == [LetterOutcome.GONE] * 2
    await projecting.check(projected.graph)


async def test_the_same_key_asks_once(projected: Projected) -> None:
    await projected(transaction(2, header(2, ordsts="77")))
    first = await projected.ask(LetterAction.DISCARD, 1)
    assert await projected.ask(LetterAction.DISCARD, 1) == first
    with pytest.raises(ConflictError):
        await letters.ask(projected.graph, "ann", "k", LetterAction.REPLAY, [1])
    with pytest.raises(RejectedError):
        await letters.ask(projected.graph, "ann", "none", LetterAction.REPLAY, [])


async def test_a_request_waits_for_the_end_of_a_snapshot(projected: Projected) -> None:
    await projected(order(1, 1), transaction(2, header(2, ordsts="77")))
    await projected(transaction(5, header(1, Op.READ), epoch=2, snapshot=Snapshot.PART))
    await letters.ask(projected.graph, "ann", "k", LetterAction.DISCARD, [1])
    assert not await projected.projector.answer_requests()
    await projected(transaction(6, line(1, Op.READ), epoch=2, snapshot=Snapshot.LAST))
    assert await projected.projector.answer_requests()


async def test_postgres_refuses_one_change_of_many(projected: Projected) -> None:
    """Only the change at fault is out, of a transaction that holds other orders; its bytes are kept."""
    many = [written for n in range(2, 10) for written in (header(n, cuspo="PO\0-1" if n in (3, 8) else "PO"), line(n))]
    await projected(order(1, 1), transaction(2, *many))
    assert [row[0] for row in await projected.rows(ORDERS) if row[1] == "ACCEPTED"] == list("1245679")
    assert [row[:2] for row in await projected.rows(LETTERS)] == [("public.ordhdr", "REFUSED")] * 2
    raw = await projected.graph.fetchval("select convert_from(raw, 'UTF8') from record.dead_letter limit 1")
    assert json.loads(raw)["after"]["cuspo"] == "PO\0-1"


async def test_a_number_too_long_for_an_index(projected: Projected) -> None:
    """10 MB where an identifier is expected: Postgres cannot index it, now or ever."""
    await projected(order(1, 1), transaction(2, ("public.ordhdr", Op.CREATE, {"ordno": LONG}, HUGE), line(2)))
    assert [row[1] for row in await projected.rows(LETTERS)] == ["REFUSED"]
    await projected(order(3, 3))
    assert [row[0] for row in await projected.rows(ORDERS) if row[1] == "ACCEPTED"] == ["1", "3"]


INVOICE = {
    "invno": 9,
    "ordno": 1,
    "invtyp": "I",
    "invsts": "O",
    "invdt": "2026-03-04T10:00:00",
    "duedt": None,
    "paydt": None,
    "invamt": "25.00",
    "curcd": "USD",
}
LONG = "".join(chr(33 + (n * n * 7 + n * 31) % 90) for n in range(10_000_000))
HUGE = {**(header(2)[3] or {}), "ordno": LONG}

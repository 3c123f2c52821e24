"""F23: a change that nobody can use becomes a dead letter with its bytes and a reason; all else flows."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from cdc.change import Change, Op, Snapshot, Transaction
from orders.facts import Fact
from projections.database import Connection
from projections.isolating import project_or_isolate
from projections.mapping import Mappings
from projections.projector import Advanced, Projector
from tests.controls import projecting
from tests.controls.orders import scan
from tests.controls.projecting import header, line, order, transaction, truncated
from tests.controls.story import MAPPINGS

ORDERS = "select id from graph.orders where commercial = 'ACCEPTED' order by id"
KINDS = "select kind, order_id from record.dead_letter where resolved_at is null order by id"
ENDLESS = "9e999999"
_POSTING = {"pstno": 501, "whs": "EA", "whsref": None, "carcd": None, "trkno": None, "shpdt": None}
RAW = "select tbl, reason, raw from record.dead_letter"
DEAD = "select tbl, reason, convert_from(raw, 'UTF8') as raw from record.dead_letter order by id"


async def projected(graph: Connection, *transactions: Transaction, mappings: Mappings = MAPPINGS) -> list[str]:
    """The orders that are there after one batch."""
    projector = Projector(graph, mappings)
    await projector.start()
    assert isinstance(await project_or_isolate(projector, transactions), Advanced)
    await projecting.check_with(graph, mappings)
    return [row["id"] for row in await graph.fetch(ORDERS)]


@pytest.mark.parametrize(
    ("column", "value"),
    [("ordsts", "77"), ("orddt", "31/02/2026"), ("orddt", "9999-12-31T23:59:59"), ("cusno", None)],
)
async def test_a_header_that_cannot_be_read_waits_alone(graph: Connection, column: str, value: Any) -> None:
    bad = {column: value}
    assert await projected(graph, order(1, 1), order(2, 2, **bad), order(3, 3)) == ["1", "3"]
    [[table, reason, raw]] = await graph.fetch(DEAD)
    assert (table, json.loads(raw)["after"][column]) == ("public.ordhdr", value)
    assert f"public.ordhdr.{column} " in reason
    assert await projected(graph, transaction(4, header(2, Op.UPDATE))) == ["1", "2", "3"]


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "ten"])
async def test_a_quantity_that_is_no_number_waits_alone(graph: Connection, quantity: str) -> None:
    bad = transaction(1, header(1), line(1, qtyord=quantity))
    assert await projected(graph, bad, order(2, 2)) == ["1", "2"]
    [[_, reason, _]] = await graph.fetch(DEAD)
    assert reason.startswith(
        f"public.ordlin.qtyord cannot be read: '{quantity}'; the mapping expects a decimal number. "
    )


async def test_what_postgres_refuses_is_out_alone(graph: Connection) -> None:
    assert await projected(graph, order(1, 1), order(2, 2, cuspo="PO\0-1"), order(3, 3)) == ["1", "3"]
    dead = await graph.fetch(DEAD)
    assert [row["tbl"] for row in dead] == ["public.ordhdr"]
    assert all(row["reason"].startswith("Postgres refused it: ") for row in dead)
    assert json.loads(dead[0]["raw"])["after"]["cuspo"] == "PO\0-1"


async def test_a_column_that_is_gone_is_named(graph: Connection) -> None:
    table, op, key, row = header(1)
    gone = {column: value for column, value in (row or {}).items() if column != "curcd"}
    assert await projected(graph, transaction(1, (table, op, key, gone)), order(2, 2)) == ["2"]
    [[_, reason, _]] = await graph.fetch(DEAD)
    assert reason.startswith("public.ordhdr has no column curcd, which the mapping reads: was it dropped or renamed? ")
    assert "mend its mapping and replay the dead letter" in reason


async def test_a_change_of_which_nothing_follows_is_as_if_it_had_not_come(graph: Connection) -> None:
    """Each value can be read; what is derived of them overflows."""
    assert await projected(graph, order(1, 1), transaction(2, line(1, Op.UPDATE, qtyord=ENDLESS))) == ["1"]
    assert await graph.fetchval("select ordered from graph.line") == 10
    assert await projected(graph, transaction(3, header(1, Op.UPDATE, cuspo="PO-2"))) == ["1"]
    assert await graph.fetchval("select customer_po from graph.orders") == "PO-2"
    assert await graph.fetch(KINDS) == [("UNDERIVABLE", "1")]


async def test_two_orders_broken_by_one_transaction(graph: Connection) -> None:
    both = transaction(3, line(1, Op.UPDATE, qtyord=ENDLESS), line(2, Op.UPDATE, qtyord=ENDLESS), header(3))
    assert await projected(graph, order(1, 1), order(2, 2), both) == ["1", "2", "3"]
    assert await graph.fetch(KINDS) == [("UNDERIVABLE", "1"), ("UNDERIVABLE", "2")]


class Misread:
    """The ERP's mapping with a mistake: a milestone that is a text."""

    tables = MAPPINGS["erp"].tables

    def facts(self, change: Change) -> Sequence[Fact]:
        found = MAPPINGS["erp"].facts(change)
        if change.table != "public.shppst":
            return found
        scanned = scan("DELIVERED", 60, code="D1")  # type: ignore[arg-type]  # the mistake
        return [*found, Fact(key="scan/1", doc=found[0].doc, body=scanned)]

    def prefixes(self, table: str) -> tuple[str, ...]:
        return MAPPINGS["erp"].prefixes(table)


async def test_states_can_be_worked_out_but_no_rows_be_made(graph: Connection) -> None:
    """Rows are made of a batch at once; the change at fault is found all the same, and alone is out."""
    posted = ("public.shppst", Op.CREATE, {"pstno": 501}, {**_POSTING, "ordno": 2})
    found = [order(1, 1), order(2, 2), transaction(3, header(2, Op.UPDATE, cuspo="PO-2")), order(4, 3)]
    found += [transaction(5, posted), transaction(6, header(1, Op.UPDATE, cuspo="PO-3"))]
    assert await projected(graph, *found, mappings={"erp": Misread()}) == ["1", "2", "3"]
    assert await graph.fetch("select customer_po from graph.orders order by id") == [("PO-3",), ("PO-2",), ("PO-1",)]
    assert await graph.fetch(KINDS) == [("UNDERIVABLE", None)]
    assert await graph.fetchval("select count(*) from graph.shipment") == 0


async def test_what_was_written_before_rows_could_not_be_made_is_not_written_again(graph: Connection) -> None:
    """A truncation has each transaction of its batch written by itself."""
    posted = ("public.shppst", Op.CREATE, {"pstno": 501}, {**_POSTING, "ordno": 1})
    found = [transaction(1, truncated("public.ordlin")), order(2, 1), transaction(3, posted), order(4, 2)]
    assert await projected(graph, *found, mappings={"erp": Misread()}) == ["1", "2"]
    assert await graph.fetch(KINDS) == [("UNDERIVABLE", None)]
    assert tuple(await graph.fetchrow("select seen, applied, dead, filtered from record.checkpoint")) == (6, 4, 1, 1)


async def test_a_snapshot_that_holds_an_order_of_which_nothing_follows(graph: Connection) -> None:
    """Its end does not fail; the order is missing, said aloud, and comes when its row is right again."""
    bad = transaction(1, header(1), line(1, qtyord=ENDLESS), header(2), line(2), snapshot=Snapshot.LAST)
    assert await projected(graph, bad) == ["2"]
    assert await graph.fetch(KINDS) == [("UNDERIVABLE", "1")]
    assert await projected(graph, transaction(2, header(1, Op.UPDATE, cuspo="PO-2"))) == ["2"]
    assert await projected(graph, transaction(3, line(1, Op.UPDATE))) == ["1", "2"]
    assert await graph.fetchval("select customer_po from graph.orders where id = '1'") == "PO-2"
    assert await graph.fetch(KINDS) == []


async def test_a_nul_that_a_snapshot_brings_waits_alone(graph: Connection) -> None:
    """MariaDB allows it. Its end would show what Postgres refuses, and fail each time."""
    bad = transaction(1, header(1, cuspo="PO\0-1"), header(2, cuspo=r"PO\u0000"), snapshot=Snapshot.PART)
    assert await projected(graph, bad, transaction(2, line(2), snapshot=Snapshot.LAST)) == ["2"]
    assert await graph.fetchval("select customer_po from graph.orders where id = '2'") == r"PO\u0000"
    assert await graph.fetch(KINDS) == [("REFUSED", None)]
    assert await projected(graph, transaction(3, header(1, Op.UPDATE), line(1))) == ["1", "2"]


async def test_a_nul_that_comes_while_a_snapshot_is_taken_waits_alone(graph: Connection) -> None:
    first = transaction(1, header(1), line(1), snapshot=Snapshot.PART)
    meanwhile = transaction(1, header(7, cuspo="PO\0-7"), source="other")
    last = transaction(2, header(2), line(2), snapshot=Snapshot.LAST)
    both = {"erp": MAPPINGS["erp"], "other": MAPPINGS["erp"]}
    assert await projected(graph, first, meanwhile, last, mappings=both) == ["1", "2"]
    assert await graph.fetch(KINDS) == [("REFUSED", None)]


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param(b'{"ordno": 2, "cus', id="torn"),
        pytest.param(b'{"ordno": 2, "cuspo": "\xff\xfe\x80"}', id="no UTF-8"),
        pytest.param(b'{"ordno": 2, "cuspo": "\0"}', id="NUL"),
    ],
)
async def test_what_capture_could_not_read_is_kept_as_it_came(graph: Connection, torn: bytes) -> None:
    assert await projected(graph, order(1, 1), transaction(2, torn), order(3, 3)) == ["1", "3"]
    assert [tuple(row) for row in await graph.fetch(RAW)] == [("public.ordhdr", "it is no JSON", torn)]


async def test_ten_megabytes_wait_alone_where_they_do_not_fit(graph: Connection) -> None:
    """As a number that is looked for by its parts, for which Postgres would take hours; a note may have any length."""
    much = "P" * 10_000_000
    noted = transaction(3, header(3, ordnte=much), line(3))
    assert await projected(graph, order(1, 1), order(2, 2, cuspo=much), noted) == ["1", "3"]
    [[table, reason, raw]] = await graph.fetch(RAW)
    assert (table, json.loads(raw)["after"]["cuspo"]) == ("public.ordhdr", much)
    assert reason.startswith("public.ordhdr.cuspo has 10000000 characters; the mapping expects 1000 at most. ")


async def test_a_dead_letter_that_comes_again_is_one(graph: Connection) -> None:
    bad = order(1, 1, ordsts="77")
    await projected(graph, bad, bad)
    assert len(await graph.fetch(DEAD)) == 1

"""F23: a change that nobody can use becomes a dead letter with its bytes and a reason; all else flows."""

import json
from typing import Any

import pytest

from cdc.change import Op, Snapshot, Transaction
from projections.database import Connection
from projections.projector import Advanced, Projector
from projections.runner import project_or_isolate
from tests.controls import projecting
from tests.controls.projecting import header, line, order, transaction
from tests.controls.story import MAPPINGS

ORDERS = "select id from graph.orders where commercial = 'ACCEPTED' order by id"
KINDS = "select kind, order_id from record.dead_letter where resolved_at is null order by id"
ENDLESS = "9e999999"
DEAD = "select tbl, reason, convert_from(raw, 'UTF8') as raw from record.dead_letter order by id"


async def projected(graph: Connection, *transactions: Transaction) -> list[str]:
    """The orders that are there after one batch."""
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    assert isinstance(await project_or_isolate(projector, transactions), Advanced)
    await projecting.check(graph)
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


async def test_a_snapshot_that_holds_an_order_of_which_nothing_follows(graph: Connection) -> None:
    """Its end does not fail; the order is missing, said aloud, and comes when its row is right again."""
    bad = transaction(1, header(1), line(1, qtyord=ENDLESS), header(2), line(2), snapshot=Snapshot.LAST)
    assert await projected(graph, bad) == ["2"]
    assert await graph.fetch(KINDS) == [("UNDERIVABLE", "1")]
    assert await projected(graph, transaction(2, header(1, Op.UPDATE, cuspo="PO-2"))) == ["2"]
    assert await projected(graph, transaction(3, line(1, Op.UPDATE))) == ["1", "2"]
    assert await graph.fetchval("select customer_po from graph.orders where id = '1'") == "PO-2"
    assert await graph.fetch(KINDS) == []


async def test_what_capture_could_not_read_is_kept_as_it_came(graph: Connection) -> None:
    torn = b'{"ordno": 2, "cus'
    assert await projected(graph, order(1, 1), transaction(2, torn), order(3, 3)) == ["1", "3"]
    assert [tuple(row) for row in await graph.fetch(DEAD)] == [("public.ordhdr", "it is no JSON", torn.decode())]


async def test_a_dead_letter_that_comes_again_is_one(graph: Connection) -> None:
    bad = order(1, 1, ordsts="77")
    await projected(graph, bad, bad)
    assert len(await graph.fetch(DEAD)) == 1

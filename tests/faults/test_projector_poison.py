"""F23: a change that nobody can use becomes a dead letter with its bytes and a reason; all else flows."""

import json
from typing import Any

import pytest

from cdc.change import Op, Transaction
from projections.database import Connection
from projections.projector import Advanced, Projector
from projections.runner import project_or_isolate
from tests.controls import projecting
from tests.controls.projecting import header, line, order, transaction
from tests.controls.story import MAPPINGS

ORDERS = "select id from graph.orders where commercial = 'ACCEPTED' order by id"
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
    assert reason == f"public.ordlin.qtyord cannot be read: '{quantity}'"


async def test_what_postgres_refuses_takes_its_own_transaction_only(graph: Connection) -> None:
    assert await projected(graph, order(1, 1), order(2, 2, cuspo="PO\0-1"), order(3, 3)) == ["1", "3"]
    dead = await graph.fetch(DEAD)
    assert [row["tbl"] for row in dead] == ["public.ordhdr", "public.ordlin"]
    assert all(row["reason"].startswith("Postgres refused it: ") for row in dead)
    assert json.loads(dead[0]["raw"])["after"]["cuspo"] == "PO\0-1"


async def test_a_column_that_is_gone_is_named(graph: Connection) -> None:
    table, op, key, row = header(1)
    gone = {column: value for column, value in (row or {}).items() if column != "curcd"}
    assert await projected(graph, transaction(1, (table, op, key, gone)), order(2, 2)) == ["2"]
    [[_, reason, _]] = await graph.fetch(DEAD)
    assert reason == "public.ordhdr has no column curcd: was it dropped or renamed?"


async def test_what_capture_could_not_read_is_kept_as_it_came(graph: Connection) -> None:
    torn = b'{"ordno": 2, "cus'
    assert await projected(graph, order(1, 1), transaction(2, torn), order(3, 3)) == ["1", "3"]
    assert [tuple(row) for row in await graph.fetch(DEAD)] == [("public.ordhdr", "it is no JSON", torn.decode())]


async def test_a_dead_letter_that_comes_again_is_one(graph: Connection) -> None:
    bad = order(1, 1, ordsts="77")
    await projected(graph, bad, bad)
    assert len(await graph.fetch(DEAD)) == 1

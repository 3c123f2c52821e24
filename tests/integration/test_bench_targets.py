"""How a bench finds out that a database has been filled, and with what."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from bench.sinks import Target, content, watching
from cdc.change import Change, Op, Position
from tests.controls.story import CAPTURED_AT

ITEMS = "create table item (shop int, id int, name char(4), at timestamp, price numeric(9,2), primary key (shop, id))"
ROW = {"shop": 1, "id": 2, "name": "EA", "at": "2026-03-02T09:05:00", "price": "2.50"}
FOUND = "insert into item values (1, 2, 'EA', '2026-03-02 09:05', 2.5)"


def change(op: Op, **other: object) -> Change:
    after = None if op is Op.DELETE else {**ROW, **other}
    return Change(
        "erp", "public.item", op, {"shop": 1, "id": 2}, None, after, Position(1, 1, 1), "1", CAPTURED_AT, CAPTURED_AT
    )


@pytest.fixture
async def db(database: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(database)
    await db.execute(ITEMS)
    yield db
    await db.close()


async def test_a_change_has_arrived_when_its_row_is_as_it_says(database: str, db: asyncpg.Connection) -> None:
    async with watching(database) as watched:
        target = Target(database, watched)
        assert not await target.began()
        assert not await target.arrived(change(Op.CREATE))
        assert await target.arrived(change(Op.DELETE))
        await db.execute(FOUND)
        assert await target.began()
        assert await target.arrived(change(Op.CREATE))
        assert not await target.arrived(change(Op.DELETE))
        assert not await target.arrived(change(Op.UPDATE, price="2.51"))
        assert not await target.arrived(change(Op.UPDATE, at=None))


async def test_content_differs_by_any_value(database: str, db: asyncpg.Connection) -> None:
    async with watching(database) as watched:
        empty = await content(watched)
        await db.execute(FOUND)
        one = await content(watched)
        assert (empty["item"][0], one["item"][0]) == (0, 1)
        assert await content(watched) == one
        await db.execute("update item set price = 2.51")
        assert (await content(watched))["item"] != one["item"]

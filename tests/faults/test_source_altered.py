"""F18: a source is altered so that its log leaves something out. It is said, and read anew what was left out."""

from pathlib import Path

import pytest

from cdc.capture import State
from cdc.database import CapturedDatabase
from tests.controls.capturing import ITEMS, Reader, captured, engine, has, items, put, snapshot_taken
from tests.controls.sql import run
from tests.controls.waiting import until

BOXES = ("create table box (id int primary key, name text)", "insert into box values (1, 'old')")
PARTED = """
create table item (id int, name text, primary key (id)) partition by range (id);
create table item_low partition of item for values from (0) to (100);
create table item_high partition of item for values from (100) to (200);
insert into item values (1, 'old'), (101, 'old')
"""
MADE_ANEW = """
alter table item rename to item_before; create table item (like item_before including all);
insert into item select id, 'copied' from item_before where id > 1
"""


async def test_a_partitioned_table_is_one_table(database: str, data: Path) -> None:
    """Its rows may move from one part to the other; each part has a log of its own in the source."""
    await run(database, PARTED)
    reader, erp = Reader(), items("erp", database)
    async with captured(engine(data, erp), reader):
        await snapshot_taken(reader, "erp")
        await run(database, "update item set id = 102, name = 'moved' where id = 1", "delete from item where id = 101")
        await has(reader, "erp", {102: "moved"})
    async with captured(engine(data, erp), reader):
        await put(database, "new", 2)
        await has(reader, "erp", {102: "moved", 2: "new"})
    assert {each.position.epoch for each in reader.transactions} == {1}


@pytest.mark.parametrize(
    ("harm", "rows"),
    [
        pytest.param(
            ["alter publication milepost_erp set (publish = 'insert')", "delete from item where id = 1"],
            {2: "old", 3: "old"},
            id="operations are left out",
        ),
        pytest.param(
            ["alter publication milepost_erp set table item where (id > 1)", "update item set name = 'new'"],
            {1: "new", 2: "new", 3: "new"},
            id="rows are left out",
        ),
        pytest.param([MADE_ANEW], {2: "copied", 3: "copied"}, id="a table takes its place"),
    ],
)
async def test_its_log_leaves_something_out(
    database: str, data: Path, caplog: pytest.LogCaptureFixture, harm: list[str], rows: dict[int, str]
) -> None:
    """While it is read, and nothing else is wrong."""
    await run(database, ITEMS)
    await put(database, "old", 1, 2, 3)
    reader = Reader()
    async with captured(engine(data, items("erp", database), looks=0.1), reader):
        await snapshot_taken(reader, "erp")
        await run(database, *harm)
        await has(reader, "erp", rows)
        await put(database, "streamed", 4)
        await has(reader, "erp", {*rows, 4})
    assert "publication milepost_erp had other tables, or left something" in caplog.text


async def test_its_log_hides_which_row_is_deleted(database: str, data: Path) -> None:
    """Somebody makes another index a table's identity: capture waits until that is mended, then reads anew."""
    await run(database, "create table item (id int primary key, name text not null unique)")
    await run(database, "insert into item values (1, 'one'), (2, 'two')")
    source, reader = engine(data, items("erp", database), looks=0.1), Reader()

    async def complaint() -> bool:
        (found,) = await source.lag()
        return found.state is State.FAILED and "hides which row is deleted: public.item" in (found.reason or "")

    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        await run(database, "alter table item replica identity using index item_name_key")
        await run(database, "delete from item where id = 1")
        await until(complaint)
        await run(database, "alter table item replica identity default")
        await has(reader, "erp", {2: "two"})


async def test_a_table_that_was_published_before_it_was_read(database: str, data: Path) -> None:
    """Its owner publishes one more table while capture runs; later a mapping names it. What it had is read, too."""
    await run(database, ITEMS, *BOXES)
    await put(database, "old", 1)
    reader = Reader()
    async with captured(engine(data, items("erp", database)), reader):
        await snapshot_taken(reader, "erp")
    await run(database, "alter publication milepost_erp add table box")
    more = CapturedDatabase("erp", database, ("public.item", "public.box"), heartbeat=1.0)
    async with captured(engine(data, more), reader):
        await snapshot_taken(reader, "erp", epoch=2)
    assert reader.table("erp", "public.box") == {1: "old"}


async def test_a_table_that_was_made_anew_while_nobody_read(database: str, data: Path) -> None:
    """Another table has its name, and its place in the publication."""
    await run(database, ITEMS)
    await put(database, "old", 1, 2)
    reader = Reader()
    async with captured(engine(data, items("erp", database)), reader):
        await snapshot_taken(reader, "erp")
    await run(database, "drop table item", ITEMS, "alter publication milepost_erp add table item")
    await put(database, "new", 2)
    async with captured(engine(data, items("erp", database)), reader):
        await has(reader, "erp", {2: "new"})

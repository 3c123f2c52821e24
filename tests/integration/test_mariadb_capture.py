"""The engine on a real MariaDB: snapshot, whole transactions, columns that come, going on after a stop."""

from pathlib import Path

import pytest

from cdc.capture import State
from cdc.change import Change, Snapshot, Transaction
from tests.controls import capturing, sql
from tests.controls.capturing import Reader, captured, has, snapshot_taken
from tests.controls.mariadb import run
from tests.controls.waiting import until
from tests.controls.west import items, put

pytestmark = pytest.mark.mariadb


def streamed(reader: Reader) -> list[Transaction]:
    """Without those of other databases on the server."""
    return [each for each in reader.of("west", Snapshot.NO) if each.changes]


def changes(reader: Reader) -> list[Change]:
    return [change for each in streamed(reader) for change in each.changes if isinstance(change, Change)]


async def has_streamed(reader: Reader, transactions: int) -> None:
    async def there() -> bool:
        return len(streamed(reader)) >= transactions

    await until(there)


async def test_snapshot_then_whole_transactions(west: str, database: str, data: Path) -> None:
    put(west, "first", 1, 2, 3)
    reader, source = Reader(), capturing.engine(data, items(west, database))
    async with captured(source, reader):
        await snapshot_taken(reader, "west")
        assert reader.table("west") == dict.fromkeys((1, 2, 3), "first")
        run(
            west,
            "begin",
            "insert into item values (4, 'new')",
            "update item set name = 'second' where id <= 2",
            "commit",
            "delete from item where id = 3",
            "update item set id = 5 where id = 4",
        )
        await has_streamed(reader, 3)
        assert [each.state for each in await source.lag()] == [State.STREAMING]
    ops = [[change.op.value for change in each.changes if isinstance(change, Change)] for each in streamed(reader)]
    assert ops == [[*"cuu"], [*"d"], [*"dc"]]
    assert [each.seen for each in streamed(reader)] == [3, 1, 2]
    assert reader.table("west") == {1: "second", 2: "second", 5: "new"}
    assert {change.table for change in changes(reader)} == {"item"}


async def test_an_empty_database_ends_its_snapshot(west: str, database: str, data: Path) -> None:
    reader = Reader()
    async with captured(capturing.engine(data, items(west, database)), reader):
        await snapshot_taken(reader, "west")
        put(west, "new", 1)
        await has(reader, "west", {1: "new"})


async def test_a_column_that_comes_while_nobody_reads_is_read(west: str, database: str, data: Path) -> None:
    """What was written before and behind the ALTER is read with the columns of its time, however late, and once."""
    put(west, "old", 1)
    reader = Reader()
    async with captured(capturing.engine(data, items(west, database)), reader):
        await snapshot_taken(reader, "west")
    run(
        west,
        "insert into item values (2, 'before')",
        "alter table item add column weight decimal(9,3) first",
        "insert into item (id, name, weight) values (3, 'behind', 1.5)",
    )
    async with captured(capturing.engine(data, items(west, database)), reader):
        await has(reader, "west", {1: "old", 2: "before", 3: "behind"})
        run(west, "alter table item drop column name", "insert into item (id, weight) values (4, 2)")
        await has_streamed(reader, 3)
    async with captured(capturing.engine(data, items(west, database)), reader):
        run(west, "update item set weight = 3 where id = 4")
        await has_streamed(reader, 4)
    assert [dict(change.after or {}) for change in changes(reader)] == [
        {"id": 2, "name": "before"},
        {"weight": "1.500", "id": 3, "name": "behind"},
        {"weight": "2.000", "id": 4},
        {"weight": "3.000", "id": 4},
    ]
    assert {each.position.epoch for each in reader.transactions} == {1}


async def test_both_kinds_at_once(west: str, database: str, data: Path) -> None:
    """Two machines; each has what is its own."""
    await sql.run(database, capturing.ITEMS)
    reader = Reader()
    source = capturing.engine(data, capturing.items("erp", database), items(west, database))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp", "west")
        await capturing.put(database, "erp", 1)
        put(west, "west", 1)
        await has(reader, "erp", {1: "erp"})
        await has(reader, "west", {1: "west"})
        assert [each.state for each in await source.lag()] == [State.STREAMING] * 2


async def test_another_list_of_tables_asks_for_a_snapshot(west: str, database: str, data: Path) -> None:
    reader = Reader()
    run(west, "create table note (id int primary key, name text)", "insert into note values (1, 'old')")
    async with captured(capturing.engine(data, items(west, database)), reader):
        await snapshot_taken(reader, "west")
    async with captured(capturing.engine(data, items(west, database, "item", "note")), reader):
        await snapshot_taken(reader, "west", epoch=2)
    assert reader.table("west", "note") == {1: "old"}

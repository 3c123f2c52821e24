"""F13, F18 of a MariaDB: what its log does not say, or never ends, is read anew, once that can be right."""

from pathlib import Path

import pytest

from cdc.capture import State
from cdc.engine import EngineSource
from tests.controls import capturing
from tests.controls.capturing import Reader, captured, has, snapshot_taken
from tests.controls.mariadb import run
from tests.controls.waiting import until
from tests.controls.west import ITEMS, items, put

pytestmark = pytest.mark.mariadb

PREPARED = ("xa start 'one'", "insert into item values (2, 'prepared')", "xa end 'one'", "xa prepare 'one'")


async def is_told(source: EngineSource, reason: str) -> bool:
    (found,) = await source.lag()
    return found.state is State.FAILED and reason in (found.reason or "")


@pytest.mark.parametrize(("end", "rows"), [("commit", {1, 2, 3}), ("rollback", {1, 3})])
async def test_a_transaction_in_two_phases(west: str, database: str, data: Path, end: str, rows: set[int]) -> None:
    """Its rows are in the log when it is prepared, and nothing that Debezium says tells how it ended."""
    source, reader = capturing.engine(data, items(west, database)), Reader()
    async with captured(source, reader):
        await snapshot_taken(reader, "west")
        put(west, "new", 1)
        await has(reader, "west", {1})
        run(west, *PREPARED)
        put(west, "new", 3)
        await until(lambda: is_told(source, "1 XA transactions are prepared there"))
        assert set(reader.table("west")) == {1}, "nobody knows yet how it ends"
        run(west, f"xa {end} 'one'")
        await has(reader, "west", rows)
    assert reader.checkpoints["west"].position.epoch == 2


async def test_a_table_that_goes_and_comes_while_it_is_read(west: str, database: str, data: Path) -> None:
    """That its rows are gone, the log tells of no row."""
    put(west, "old", 1, 2)
    source, reader = capturing.engine(data, items(west, database), looks=0.1), Reader()
    async with captured(source, reader):
        await snapshot_taken(reader, "west")
        run(west, "drop table item")
        await until(lambda: is_told(source, "it has no table item"))
        run(west, ITEMS)
        put(west, "new", 2)
        await has(reader, "west", {2: "new"})

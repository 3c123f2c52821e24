"""F13, F16, F18, F19, F20, F23 by the real log: what sessions, large values, keys and whole tables do to it."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
from msgspec import UNSET

from cdc.change import Change, Op, Transaction
from cdc.database import CapturedDatabase
from tests.controls.capturing import ITEMS, Reader, captured, engine, has, put, snapshot_taken
from tests.controls.sql import run
from tests.controls.waiting import until

SESSIONS, EACH = 20, 12
BIG = """
create table big (id int primary key, n int, t text, j jsonb, a text[], b bytea);
alter table big alter t set storage external, alter j set storage external, alter a set storage external,
    alter b set storage external;
insert into big select 1, 0, repeat('t', 9000), jsonb_build_object('k', repeat('j', 9000)),
    array[repeat('a', 9000)], decode(repeat('ab', 9000), 'hex')
"""
FULL = """
create table full_item (id int, name text); alter table full_item replica identity full;
insert into full_item values (1, 'one'), (2, 'two')
"""
AT_ONCE = "select pg_logical_emit_message(false, 'outbox', 'x')"
MESSAGES = """
begin; select pg_logical_emit_message(true, 'outbox', 'x'); insert into item values (40, 'new');
select pg_logical_emit_message(false, 'outbox', 'x'); delete from item; commit
"""
TABLES = ("public.item", "public.big", "public.full_item")


class Log:
    """A database whose log is read, and what came of one table."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def changes(self, table: str) -> list[Change]:
        found = [change for each in self._reader.transactions for change in each.changes]
        return [c for c in found if isinstance(c, Change) and c.table == f"public.{table}" and c.op is not Op.READ]

    async def come(self, table: str, count: int) -> list[Change]:
        async def there() -> Sequence[Change]:
            return found if len(found := self.changes(table)) >= count else ()

        return list(await until(there, 40))

    def streamed(self) -> list[Transaction]:
        return [each for each in self._reader.of("erp") if each.changes]


async def test_what_a_log_can_hold(database: str, data: Path) -> None:
    await run(database, ITEMS, BIG, FULL)
    await put(database, "old", 1, 2, 3)
    reader = Reader()
    log = Log(reader)
    async with captured(engine(data, CapturedDatabase("erp", database, TABLES, heartbeat=1.0)), reader):
        await snapshot_taken(reader, "erp")
        await a_key_changes(database, log)
        await a_value_of_ten_megabytes(database, log)
        await large_values_that_did_not_change(database, log)
        await a_table_whose_identity_is_the_whole_row(database, log)
        await a_table_is_emptied(database, log)
        await messages_of_others(database, reader)
        await sessions_that_overlap(database, reader)


async def a_key_changes(dsn: str, log: Log) -> None:
    await run(dsn, "update item set id = 30 where id = 3")
    gone, made = await log.come("item", 2)
    assert (gone.op, gone.key["id"], made.op, made.key["id"]) == (Op.DELETE, 3, Op.CREATE, 30)
    assert gone.transaction == made.transaction
    assert gone.position < made.position


async def a_value_of_ten_megabytes(dsn: str, log: Log) -> None:
    """It is no more than a value, in the memory that the engine has."""
    await run(dsn, "insert into item select 31, repeat('x', 10000000)", "delete from item where id = 31")
    *_, made, gone = await log.come("item", 4)
    assert made.after is not None
    assert (made.after["id"], len(made.after["name"]), gone.key["id"]) == (31, 10_000_000, 31)


async def large_values_that_did_not_change(dsn: str, log: Log) -> None:
    """In each type's own form they are known to be unknown; a change of one tells that one alone."""
    await run(dsn, "update big set n = 1", "update big set j = '{}', n = 2")
    first, second = await log.come("big", 2)
    assert first.after == {"id": 1, "n": 1, "t": UNSET, "j": UNSET, "a": UNSET, "b": UNSET}
    assert second.after == {"id": 1, "n": 2, "t": UNSET, "j": "{}", "a": UNSET, "b": UNSET}


async def a_table_whose_identity_is_the_whole_row(dsn: str, log: Log) -> None:
    await run(dsn, "update full_item set name = 'uno' where id = 1", "delete from full_item where id = 2")
    changed, gone = await log.come("full_item", 2)
    assert (changed.before, changed.after) == ({"id": 1, "name": "one"}, {"id": 1, "name": "uno"})
    assert (gone.op, gone.before) == (Op.DELETE, {"id": 2, "name": "two"})


async def a_table_is_emptied(dsn: str, log: Log) -> None:
    await run(dsn, "truncate big, full_item")
    for table in ("big", "full_item"):
        emptied = (await log.come(table, 3))[-1]
        assert (emptied.op, emptied.key, emptied.after) == (Op.TRUNCATE, {}, None)


async def messages_of_others(dsn: str, reader: Reader) -> None:
    """Those that wait for no commit stand between transactions and in the middle of them. They are nobody's rows."""
    await run(dsn, AT_ONCE, MESSAGES, f"begin; {AT_ONCE}; rollback")
    await put(dsn, "end", 1, 2, 30, 42)
    await has(reader, "erp", {1, 2, 30, 42})
    await run(dsn, "delete from item where id = 42")
    await has(reader, "erp", {1, 2, 30})
    assert {each.position.epoch for each in reader.transactions} == {1}


async def sessions_that_overlap(dsn: str, reader: Reader) -> None:
    """Each transaction comes whole, at the place of its commit, whenever its rows were written."""
    committed: list[int] = []
    before = len(reader.transactions)
    await asyncio.gather(*(session(dsn, number, committed) for number in range(SESSIONS)))
    wanted = {ident for number in range(SESSIONS) for ident in range(number * 100 + 100, number * 100 + 100 + EACH)}
    await has(reader, "erp", {1, 2, 30} | wanted)
    whole = [each for each in reader.transactions[before:] if each.changes]
    assert [{c.key["id"] // 100 - 1 for c in each.changes if isinstance(c, Change)} for each in whole] == [
        {number} for number in committed
    ]
    assert [len(each.changes) for each in whole] == [EACH] * SESSIONS


async def session(dsn: str, number: int, committed: list[int]) -> None:
    """Writes row by row, beside the others, and notes its commit in the commits' own order."""
    db: Any = await asyncpg.connect(dsn)
    turn = random.Random(number)
    try:
        async with db.transaction():
            for ident in range(number * 100 + 100, number * 100 + 100 + EACH):
                await db.execute("insert into item values ($1, 'new')", ident)
                await db.fetchval("select pg_sleep($1)", turn.random() / 50)
            await db.execute("select pg_advisory_xact_lock(1)")
            committed.append(number)
    finally:
        await db.close()

"""The engine on real databases: snapshot, streaming, whole transactions, several sources, going on after a stop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.postgres import Postgres
from cdc.capture import SourceLag, State
from cdc.change import Change, Snapshot, Transaction
from cdc.database import CapturedDatabase
from cdc.engine import EngineSource
from tests.controls.capturing import ITEMS, Reader, ask, captured, engine, has, items, put, snapshot_taken
from tests.controls.sql import run
from tests.controls.waiting import until

CONFIRMED = "select confirmed_flush_lsn - '0/0' from pg_replication_slots where slot_name = $1"


@pytest.fixture
async def erp(database: str) -> str:
    """An ERP with three items."""
    await run(database, ITEMS, "insert into item select id, 'first' from generate_series(1, 3) id")
    return database


@pytest.fixture
async def east(postgres: Postgres) -> AsyncIterator[str]:
    """A second database, without a row."""
    await postgres.create_database("east_items")
    dsn = postgres.dsn("east_items")
    await run(dsn, "drop table if exists item", ITEMS)
    yield dsn
    await run(
        dsn, "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = 'milepost_east'"
    )
    await run(postgres.dsn("postgres"), "drop database east_items with (force)")


async def lag_of(source: EngineSource, name: str) -> SourceLag:
    return next(each for each in await source.lag() if each.source == name)


async def streams(source: EngineSource, name: str) -> bool:
    return (await lag_of(source, name)).state is State.STREAMING


async def test_snapshot_then_whole_transactions(erp: str, data: Path) -> None:
    reader, source = Reader(), engine(data, items("erp", erp))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        assert reader.table("erp") == {1: "first", 2: "first", 3: "first"}
        await run(
            erp,
            "begin; insert into item values (4, 'new'); update item set name = 'second' where id <= 2; commit",
            "delete from item where id = 3; update item set id = 5 where id = 4",
            "truncate item",
            "insert into item values (6, 'last')",
        )
        await until(lambda: _streamed(reader, 4))
        ops = [[change.op.value for change in each.changes if isinstance(change, Change)] for each in streamed(reader)]
    assert ops == [[*"cuu"], [*"ddc"], [*"t"], [*"c"]]
    assert [each.seen for each in streamed(reader)] == [3, 3, 1, 1]
    assert (
        len({each.transaction for made in streamed(reader) for each in made.changes if isinstance(each, Change)}) == 4
    )


def numbers(transactions: list[Transaction]) -> set[str | None]:
    return {change.transaction for each in transactions for change in each.changes if isinstance(change, Change)}


def streamed(reader: Reader) -> list[Transaction]:
    """Without those that carry only a heartbeat."""
    return [each for each in reader.of("erp", Snapshot.NO) if each.changes]


async def _streamed(reader: Reader, count: int) -> bool:
    return len(streamed(reader)) >= count


async def test_two_databases_at_once_and_an_empty_snapshot_ends(erp: str, east: str, data: Path) -> None:
    reader, source = Reader(), engine(data, items("erp", erp), items("east", east))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp", "east")
        await run(erp, "insert into item values (4, 'erp')")
        await run(east, "insert into item values (1, 'east')")
        await has(reader, "erp", {1, 2, 3, 4})
        await has(reader, "east", {1: "east"})
        assert [each.state for each in await source.lag()] == [State.STREAMING, State.STREAMING]
    assert reader.of("east", Snapshot.PART) == []


async def test_goes_on_behind_the_checkpoint(erp: str, data: Path) -> None:
    """Three times: right behind the snapshot, behind a transaction, and behind nothing new."""
    reader = Reader()
    async with captured(engine(data, items("erp", erp)), reader):
        await snapshot_taken(reader, "erp")
    for ident in (4, 5):
        await put(erp, "while away", ident)
        async with captured(engine(data, items("erp", erp)), reader):
            await has(reader, "erp", set(range(1, ident + 1)))
    async with captured(engine(data, items("erp", erp)), reader):
        await run(erp, "insert into item values (6, 'back')")
        await has(reader, "erp", set(range(1, 7)))
    assert reader.streamed_ids("erp") == [4, 5, 6]
    assert {each.position.epoch for each in reader.transactions} == {1}


async def test_rows_written_during_the_snapshot_come_once(erp: str, data: Path) -> None:
    """Whichever way each came; the newer value always wins."""
    reader = Reader()
    async with captured(engine(data, items("erp", erp)), reader):
        for ident in range(10, 300):
            await put(erp, "a", ident)
            await put(erp, "b", ident)
        await snapshot_taken(reader, "erp")
        await has(reader, "erp", {1: "first", 2: "first", 3: "first"} | dict.fromkeys(range(10, 300), "b"))


async def test_the_source_is_told_what_was_processed_and_no_more(erp: str, data: Path) -> None:
    source, reader = engine(data, items("erp", erp)), Reader()
    async with source.open({}) as batches:
        async for batch in batches:
            acks = reader.take(batch)
            assert await ask(erp, CONFIRMED, "milepost_erp") <= acks[0].position.log
            if batch[-1].snapshot is not Snapshot.NO:
                await source.processed(acks)
            elif 4 in reader.table("erp"):
                break
            else:
                await source.processed(acks)
                await run(erp, "insert into item values (4, 'new') on conflict do nothing")
        held = reader.checkpoints["erp"].position.log
        assert await ask(erp, CONFIRMED, "milepost_erp") < held
        await source.processed([reader.checkpoints["erp"]])
        await until(lambda: _confirmed(erp, held))


async def _confirmed(dsn: str, log: int) -> bool:
    return bool(await ask(dsn, CONFIRMED, "milepost_erp") == log)


async def test_a_resting_source_lets_go_of_the_log(erp: str, data: Path) -> None:
    """Others on its server write; the heartbeat moves its slot on."""
    reader, source = Reader(), engine(data, items("erp", erp, heartbeat=0.2))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        await run(erp, "create table other as select generate_series(1, 20000)")
        written = await ask(erp, "select pg_current_wal_lsn() - '0/0'")
        await until(lambda: _beyond(erp, written))
    assert len(reader.transactions[-1].changes) == 0


async def _beyond(dsn: str, log: int) -> bool:
    return bool(await ask(dsn, CONFIRMED, "milepost_erp") > log)


async def test_a_source_that_is_down_stops_no_other(erp: str, data: Path) -> None:
    reader, down = Reader(), items("east", "postgresql://nobody@127.0.0.1:9/east")
    source = engine(data, items("erp", erp), down)
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        east = await lag_of(source, "east")
        assert east.state is State.FAILED
        assert "127.0.0.1:9/east" in (east.reason or "")
        await until(lambda: streams(source, "erp"))


async def test_says_how_far_a_source_is(erp: str, data: Path) -> None:
    reader, source = Reader(), engine(data, items("erp", erp))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        before = await ask(erp, "select now()")
        await run(erp, "insert into item values (9, 'x')")
        await has(reader, "erp", {1, 2, 3, 9})
        lag = await lag_of(source, "erp")
    assert (lag.epoch, lag.reason) == (1, None)
    assert lag.bytes_behind is not None
    assert lag.last_event_at
    assert lag.last_event_at >= before


async def test_another_list_of_tables_asks_for_a_snapshot(erp: str, data: Path) -> None:
    reader = Reader()
    await run(erp, "create table note (id int primary key, name text)", "insert into note values (1, 'old')")
    async with captured(engine(data, items("erp", erp)), reader):
        await snapshot_taken(reader, "erp")
    more = CapturedDatabase("erp", erp, ("public.item", "public.note"))
    async with captured(engine(data, more), reader):
        await snapshot_taken(reader, "erp", epoch=2)
    assert reader.table("erp", "public.note") == {1: "old"}


async def test_works_for_a_role_without_more_than_it_needs(postgres: Postgres, database: str, data: Path) -> None:
    await postgres.create_role("erp_owner", replication=True)
    await run(database, "grant create on database " + database.rsplit("/", 1)[1] + " to erp_owner")
    await run(database, "grant create on schema public to erp_owner")
    dsn = postgres.dsn(database.rsplit("/", 1)[1], "erp_owner")
    await run(dsn, ITEMS, "insert into item values (1, 'mine')")
    reader = Reader()
    async with captured(engine(data, items("erp", dsn)), reader):
        await snapshot_taken(reader, "erp")
        await run(dsn, "update item set name = 'ours'")
        await has(reader, "erp", {1: "ours"})

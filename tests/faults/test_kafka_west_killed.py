"""A MariaDB behind Kafka Connect: the worker dies within a transaction, the log is gone, columns come meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from cdc.change import Change, Snapshot
from cdc.kafka_topics import forget, history_of
from cdc.mariadb.database import MariaDatabase
from cdc.mariadb.resuming import offset_behind
from tests.controls.capturing import Reader, has, snapshot_taken
from tests.controls.kafka import Kafka
from tests.controls.mariadb import MariaDb, ask, connect, run
from tests.controls.topics import Captured, captured_west, reading
from tests.controls.waiting import until
from tests.controls.west import put

pytestmark = [pytest.mark.kafka, pytest.mark.mariadb]
ROWS = 12_000
MANY = range(100, 100 + ROWS)
WRITTEN = (
    "begin",
    "insert into item select seq, 'many' from seq_100_to_6099",
    "insert into item select seq, 'many' from seq_6100_to_12099",
    "update item set name = 'many, once more' where id = 100",
    "commit",
)
"""A transaction of several statements, so of several events of the log, and rows in each."""


@pytest.fixture
async def wms(kafka: Kafka, west: str) -> AsyncIterator[Captured]:
    async with captured_west(kafka, west) as found:
        yield found


async def grown(wms: Captured, records: int) -> bool:
    return await wms.records() >= records


async def killed(kafka: Kafka) -> None:
    kafka.worker.kill()
    kafka.worker.start()
    await kafka.worker_up()


async def test_the_worker_dies_in_the_middle_of_a_transaction(kafka: Kafka, west: str, wms: Captured) -> None:
    """Twice in the same, the second time while it says it again."""
    reader = Reader()
    async with reading(wms, reader):
        await snapshot_taken(reader, "west")
        put(west, "before", 3)
        await has(reader, "west", [1, 2, 3])
        await wms.snapshot_stored()
        before = await wms.records()
        run(west, *WRITTEN)
        put(west, "behind", 4)
        await until(lambda: grown(wms, before + 4_000), 60)
        await killed(kafka)
        again = await wms.records()
        await until(lambda: grown(wms, again + 2_000), 60)
        await killed(kafka)
        await has(reader, "west", {1, 2, 3, 4, *MANY}, seconds=120)
    counts = [len(each.changes) for each in reader.of("west") if each.position.epoch == 1]
    assert [count for count in counts if count > 2] == [ROWS + 1]
    assert reader.table("west")[MANY[0]] == "many, once more"
    assert sorted(reader.streamed_ids("west")) == [3, 4, *MANY]
    assert {each.position.epoch for each in reader.transactions} == {1}


async def test_it_goes_on_behind_any_commit_that_the_log_still_has(west: str, wms: Captured, mariadb: MariaDb) -> None:
    reader = Reader()
    async with reading(wms, reader):
        put(west, "streamed", 3)
        await has(reader, "west", [1, 2, 3])
        await wms.connect.stop(wms.name)
        put(west, "meanwhile", 4)
        run(mariadb.dsn("mysql"), "flush binary logs")
        put(west, "in another file", 5)
        await wms.connectors.refill(wms.database, reader.checkpoints["west"].position.log, gtid(reader))
        await has(reader, "west", [1, 2, 3, 4, 5])
    assert reader.streamed_ids("west") == [3, 4, 5]
    assert reader.checkpoints["west"].position.epoch == 1


def gtid(reader: Reader) -> str:
    """Of the last transaction with a row."""
    changes = [each for whole in reader.of("west") for each in whole.changes if isinstance(each, Change)]
    return changes[-1].transaction or ""


async def test_a_place_is_compared_with_the_log(west: str, wms: Captured) -> None:
    """Its file is there, something begins there, and what ended behind it is what was read."""
    reader, database = Reader(), wms.database
    assert isinstance(database, MariaDatabase)
    async with reading(wms, reader):
        put(west, "streamed", 3, 4)
        await has(reader, "west", [1, 2, 3, 4])
    log, known = reader.checkpoints["west"].position.log, gtid(reader)
    found = await offset_behind(database, log, known)
    assert found
    assert known in found["gtids"].split(",")
    assert await offset_behind(database, log, "0-7-1000000") is None
    assert await offset_behind(database, log + 1, known) is None
    assert await offset_behind(database, log + 1_000_000_000, known) is None
    assert await offset_behind(database, log + (900 << 32), known) is None


async def test_a_log_that_is_gone_asks_for_a_snapshot(west: str, wms: Captured, mariadb: MariaDb) -> None:
    reader = Reader()
    async with reading(wms, reader):
        put(west, "streamed", 3)
        await has(reader, "west", [1, 2, 3])
        place, known = reader.checkpoints["west"].position.log, gtid(reader)
        await wms.connect.stop(wms.name)
        run(west, "delete from item where id = 1")
        run(mariadb.dsn("mysql"), "reset master")
        await wms.connectors.refill(wms.database, place, known)
        await snapshot_taken(reader, "west", epoch=2)
        put(west, "newer", 4)
        await has(reader, "west", [2, 3, 4])


async def purged(_: Captured, server: str) -> bool:
    """Whether no file of the log is left but the one that is written, once that server may drop them."""
    run(server, f"purge binary logs to '{ask(server, 'show master status')}'")
    with connect(server) as db, db.cursor() as cursor:
        return cursor.execute("show binary logs") == 1


async def reset(_: Captured, server: str) -> bool:
    run(server, "reset master")
    return True


async def forgotten(wms: Captured, _: str) -> bool:
    """How the columns were."""
    await forget(wms.config.bootstrap, history_of(wms.config.topics, "west"))
    return True


@pytest.mark.parametrize("lose", [purged, reset, forgotten])
async def test_what_goes_while_nobody_reads_is_noticed(
    west: str, wms: Captured, mariadb: MariaDb, lose: Callable[[Captured, str], Awaitable[bool]]
) -> None:
    """And healed by a new snapshot, without anybody asking for one."""
    reader = Reader()
    async with reading(wms, reader):
        put(west, "streamed", 3)
        await has(reader, "west", [1, 2, 3])
        await wms.snapshot_stored()
        await wms.connect.stop(wms.name)
        run(west, "delete from item where id = 1")
        run(mariadb.dsn("mysql"), "flush binary logs")
        await until(lambda: lose(wms, mariadb.dsn("mysql")))
        await wms.connect.resume(wms.name)
        await snapshot_taken(reader, "west", epoch=2)
        put(west, "newer", 4)
        await has(reader, "west", [2, 3, 4])


async def test_the_worker_dies_in_the_middle_of_a_snapshot(kafka: Kafka, west: str, wms: Captured) -> None:
    """Whatever it had stored by then, another one is taken whole."""
    reader, many = Reader(), range(100, 9_100)
    async with reading(wms, reader):
        await snapshot_taken(reader, "west")
        run(west, "insert into item select seq, 'old' from seq_100_to_9099")
        await has(reader, "west", {1, 2, *many})
        before = await wms.records()
        await wms.connectors.refill(wms.database, None)
        await until(lambda: grown(wms, before + 2_000), 60)
        await killed(kafka)
        await until(lambda: read_anew(reader), 90)
        put(west, "new", 3)
        await has(reader, "west", {1, 2, 3, *many})


async def read_anew(reader: Reader) -> bool:
    """Whether a later snapshot than the first has ended."""
    return any(each.position.epoch > 1 for each in reader.of("west", Snapshot.LAST))


async def test_columns_come_and_go_while_it_runs_and_while_nobody_reads(kafka: Kafka, west: str, wms: Captured) -> None:
    """What was logged before and behind an ALTER is read with the columns of its time, and by a worker just started."""
    reader = Reader()
    async with reading(wms, reader):
        put(west, "before", 3)
        run(west, "alter table item add column weight decimal(9,3) first")
        run(west, "insert into item (id, name, weight) values (4, 'behind', 1.5)")
        await has(reader, "west", [1, 2, 3, 4])
        await wms.snapshot_stored()
        kafka.worker.kill()
        run(west, "insert into item (id, name, weight) values (5, 'unread', 2)", "alter table item drop column name")
        run(west, "insert into item (id, weight) values (6, 3)")
        kafka.worker.start()
        await kafka.worker_up()
        await until(lambda: streamed(reader, 4), 90)
    assert [dict(each.after or {}) for each in changes(reader)] == [
        {"id": 3, "name": "before"},
        {"weight": "1.500", "id": 4, "name": "behind"},
        {"weight": "2.000", "id": 5, "name": "unread"},
        {"weight": "3.000", "id": 6},
    ]
    assert {each.position.epoch for each in reader.transactions} == {1}


async def test_a_worker_that_dies_before_it_stored_a_place_takes_a_new_snapshot(
    kafka: Kafka, west: str, wms: Captured
) -> None:
    """All that it had stored was that a snapshot begins: it would refuse to go on from there for ever."""
    reader = Reader()
    async with reading(wms, reader):
        await snapshot_taken(reader, "west")
        await wms.connect.stop(wms.name)
        await wms.connect.put_offset(wms.name, {"server": "west"}, {})
        put(west, "meanwhile", 3)
        await wms.connect.resume(wms.name)
        await snapshot_taken(reader, "west", epoch=2)
        await has(reader, "west", [1, 2, 3])


def changes(reader: Reader) -> list[Change]:
    whole = [each for each in reader.of("west") if each.snapshot.value == "no"]
    return [change for each in whole for change in each.changes if isinstance(change, Change)]


async def streamed(reader: Reader, count: int) -> bool:
    return len(changes(reader)) >= count


async def test_the_server_dies_within_a_transaction_that_is_read(west: str, wms: Captured, mariadb: MariaDb) -> None:
    """It begins another file of its log; the connector goes on by itself."""
    reader = Reader()
    async with reading(wms, reader):
        await snapshot_taken(reader, "west")
        await wms.snapshot_stored()
        before = await wms.records()
        run(west, *WRITTEN)
        await until(lambda: grown(wms, before + 2_000), 60)
        mariadb.kill()
        mariadb.start()
        await until(mariadb.answers, 60)
        await asyncio.to_thread(put, west, "behind", 3)
        await has(reader, "west", {1, 2, 3, *MANY}, seconds=120)
    assert sorted(reader.streamed_ids("west")) == [3, *MANY]
    assert {each.position.epoch for each in reader.transactions} == {1}

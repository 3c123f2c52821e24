"""F3, F9 with Kafka: broker and Connect worker die while changes flow, and a connector is lost with its offsets."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from cdc.capture import State
from cdc.database import CapturedDatabase
from cdc.kafka import KafkaSource
from tests.controls.capturing import Reader, has, put, snapshot_taken
from tests.controls.kafka import Kafka
from tests.controls.sql import run
from tests.controls.topics import Captured, captured_items, reading
from tests.controls.waiting import until

pytestmark = pytest.mark.kafka
ROWS = 20_000


@pytest.fixture
async def erp(kafka: Kafka, database: str) -> AsyncIterator[Captured]:
    async with captured_items(kafka, database) as found:
        yield found


async def copy(dsn: str, first: int) -> None:
    db = await asyncpg.connect(dsn)
    await db.copy_records_to_table("item", records=[(ident, "copied") for ident in range(first, first + ROWS)])
    await db.close()


async def test_the_broker_dies_and_comes_back(kafka: Kafka, database: str, erp: Captured) -> None:
    reader = Reader()
    async with reading(erp, reader) as source:
        await put(database, "streamed", 3)
        await has(reader, "erp", [1, 2, 3])
        await erp.snapshot_stored()
        kafka.broker.kill()
        await put(database, "meanwhile", 4, 5)
        await until(lambda: told(source, State.FAILED))
        kafka.broker.start()
        await kafka.broker_up()
        await put(database, "afterwards", 6)
        await has(reader, "erp", [1, 2, 3, 4, 5, 6], seconds=90)
        assert reader.streamed_ids("erp") == [3, 4, 5, 6]
        await until(lambda: told(source, State.STREAMING))


async def told(source: KafkaSource, state: State) -> bool:
    """Nobody may believe that the graph is fresh while it cannot be known."""
    return [lag.state for lag in await source.lag()] == [state]


async def test_the_worker_dies_in_the_middle_of_a_copy(kafka: Kafka, database: str, erp: Captured) -> None:
    """Rows that share an LSN are left out then, and the count at the END does not tell."""
    reader = Reader()
    async with reading(erp, reader):
        await snapshot_taken(reader, "erp")
        before = await erp.records()
        await copy(database, 100)
        await until(lambda: _grown(erp, before + 2_000), 60)
        kafka.worker.kill()
        kafka.worker.start()
        await kafka.worker_up()
        await has(reader, "erp", {1, 2, *range(100, 100 + ROWS)}, seconds=120)
    for whole in reader.of("erp"):
        assert len(whole.changes) in (0, 1, 2, ROWS) or whole.position.epoch > 1
    ids = reader.streamed_ids("erp")
    assert len(ids) == len(set(ids))


async def _grown(erp: Captured, records: int) -> bool:
    return await erp.records() >= records


async def test_a_connector_that_lost_its_offsets_and_slot_says_all_again(database: str, erp: Captured) -> None:
    reader = Reader()
    async with reading(erp, reader):
        await snapshot_taken(reader, "erp")
        await put(database, "new", 3)
        await has(reader, "erp", [1, 2, 3])
        await run(database, "delete from item where id = 1")
        assert (await erp.connectors.restart(erp.database, snapshot=True)).reads
        await snapshot_taken(reader, "erp", epoch=2)
        await put(database, "newer", 4)
        await has(reader, "erp", [2, 3, 4])


async def test_a_connector_goes_on_behind_any_commit_that_its_slot_still_has(database: str, erp: Captured) -> None:
    reader = Reader()
    async with reading(erp, reader):
        await put(database, "streamed", 3)
        await has(reader, "erp", [1, 2, 3])
        await erp.connect.stop(erp.name)
        await put(database, "meanwhile", 4, 5)
        await erp.connectors.refill(erp.database, reader.checkpoints["erp"].position.log)
        await has(reader, "erp", [1, 2, 3, 4, 5])
    assert reader.streamed_ids("erp") == [3, 4, 5]
    assert reader.checkpoints["erp"].position.epoch == 1


async def test_what_a_log_did_not_tell_is_read_anew(database: str, erp: Captured) -> None:
    """F18: deletions that the publication leaves out for a while, and what a table had before it was captured."""
    await run(database, "create table box (id int primary key, name text)", "insert into box values (1, 'old')")
    reader = Reader()
    async with reading(erp, reader):
        await snapshot_taken(reader, "erp")
        assert isinstance(erp.database, CapturedDatabase)
        await run(database, f"alter publication {erp.database.publication} set (publish = 'insert')")
        await run(database, "delete from item where id = 1")
        await has(reader, "erp", [2], seconds=90)
        more = replace(erp.database, tables=("public.item", "public.box"))
        assert (await erp.connectors.apply(more)).reads
        await until(lambda: _knows_boxes(reader), 90)
        await put(database, "new", 3)
        await has(reader, "erp", [2, 3])


async def _knows_boxes(reader: Reader) -> bool:
    return reader.table("erp", "public.box") == {1: "old"}

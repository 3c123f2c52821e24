"""`KafkaSource`: how far it is, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from cdc.capture import State
from cdc.change import RebalancedError
from cdc.kafka import KafkaSource
from orders.errors import StartError, TransientError
from tests.controls.capturing import Reader, captured, has, put
from tests.controls.distributed import topics
from tests.controls.kafka import Kafka
from tests.controls.topics import Captured, captured_items, reading
from tests.controls.waiting import until

pytestmark = pytest.mark.kafka
ROWS = range(10, 210)


@pytest.fixture
async def erp(kafka: Kafka, database: str) -> AsyncIterator[Captured]:
    async with captured_items(kafka, database) as found:
        yield found


async def test_what_a_busy_reader_has_not_done_with_is_counted(database: str, erp: Captured) -> None:
    """A record a row, and BEGIN and END around it."""
    async with erp.source() as source, source.open({}) as batches:
        await anext(batches)
        assert [(lag.source, lag.state, lag.epoch) for lag in await source.lag()] == [("erp", State.STREAMING, 1)]
        await put(database, "new", *ROWS)
        await until(lambda: _waits(source, 3 * len(ROWS)), 60)
    reader = Reader()
    async with reading(erp, reader) as source:
        await has(reader, "erp", [1, 2, *ROWS])
        await until(lambda: _done(source), 60)


async def test_what_a_busy_reader_will_ask_for_is_read_ahead(database: str, erp: Captured) -> None:
    """Of sources that are shared out anew meanwhile, what was read ahead is not handed on."""
    async with erp.source() as source, source.open({}) as batches:
        await anext(batches)
        await _read_ahead(source, database)
        assert source.waiting("erp") >= 3 * len(ROWS), "it is not done with"
        batch = await anext(batches)
        assert sum(len(each.changes) for each in batch) > len(ROWS) / 2, "few of the records are heartbeats"
        await _read_ahead(source, database)
        await source.on_partitions_revoked(())
        with pytest.raises(RebalancedError):
            await anext(batches)


async def _read_ahead(source: KafkaSource, database: str) -> None:
    """As many records as rows make that are written now."""
    before = source._topics["erp"].offset
    await put(database, "new", *ROWS)

    async def reached() -> bool:
        return source._topics["erp"].offset >= before + 3 * len(ROWS)

    await until(reached, 60)


async def test_what_was_shared_out_anew_since_is_not_read(erp: Captured) -> None:
    """Who claims what is assigned, and then reads what is assigned, would read what nobody has claimed."""
    async with erp.source(member="first") as first, erp.source(member="second") as second:
        assert await first.assigned() == ["erp"]
        await asyncio.gather(second.assigned(), _changes(first))
        with pytest.raises(RebalancedError):
            async with first.open({}):
                pass
        mine, others = await first.assigned(), await second.assigned()
        assert sorted(mine + others) == ["erp"]
        async with (first if mine else second).open({}) as batches:
            assert await anext(batches)


async def _changes(source: KafkaSource) -> None:
    """Until the group has shared out anew what this one knows of."""
    before = source._generation

    async def changed() -> bool:
        return source._generation >= before + 2

    await until(changed, 60)


async def test_an_error_of_the_group_is_raised_and_it_goes_on(erp: Captured) -> None:
    """While its sources are being shared out, nobody asks for records; the group's client tells it to no one else."""
    async with erp.source() as source:
        assert await source.assigned() == ["erp"]
        assert source._consumer
        coordinator = source._consumer._coordinator
        await source.on_partitions_revoked(())
        told = asyncio.ensure_future(coordinator._push_error_to_user(KafkaError("the broker was busy")))
        with pytest.raises(TransientError, match="the broker was busy"):
            await asyncio.wait_for(source.assigned(), 60)
        await told
        coordinator.request_rejoin()
        assert await asyncio.wait_for(source.assigned(), 60) == ["erp"]


async def _waits(source: KafkaSource, records: int) -> bool:
    await source.lag()
    return source.waiting("erp") >= records


async def _done(source: KafkaSource) -> bool:
    await source.lag()
    return source.waiting("erp") == 0


async def test_another_topic_than_the_checkpoint_knows_is_read_from_its_begin(database: str, erp: Captured) -> None:
    """As long as it needs to be, or longer, so that only the record before the checkpoint tells."""
    reader = Reader()
    async with reading(erp, reader):
        await put(database, "new", 3, 4)
        await has(reader, "erp", [1, 2, 3, 4])
    other = await erp.copied(ahead=1)
    async with erp.source(other) as source, captured(source, reader):
        await until(lambda: _in_epoch(reader, 2), 60)
        await has(reader, "erp", [1, 2, 3, 4])


async def _in_epoch(reader: Reader, epoch: int) -> bool:
    return reader.checkpoints["erp"].position.epoch == epoch


async def test_a_topic_of_several_partitions_is_refused(kafka: Kafka, erp: Captured) -> None:
    name = topics()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{name}.erp", 2, 1)])
    await admin.close()
    async with KafkaSource([erp.database], kafka.bootstrap, topics=name, group=name) as source:
        with pytest.raises(StartError, match=rf"topic {name}\.erp has 2 partitions"):
            await source.assigned()

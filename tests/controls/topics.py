"""One captured table `item`, through a connector and a topic of its own: of a Postgres `erp`, or a MariaDB `west`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.connectors import Connectors
from app.settings import KafkaConfig
from cdc import kinds
from cdc.connect import Connect
from cdc.kafka import KafkaSource
from cdc.kafka_topics import ensure, topic_of
from cdc.mariadb.database import MariaDatabase
from tests.controls import west
from tests.controls.capturing import ITEMS, Reader, ask, captured, items, put
from tests.controls.distributed import remove, topics
from tests.controls.kafka import CAPTURE_PASSWORD, DEPLOY, Kafka
from tests.controls.sql import run
from tests.controls.waiting import until

_ROLE = "kafka_capture"
_MISSING = f"select not exists (select from pg_roles where rolname = '{_ROLE}')"  # noqa: S608
_MAKE = f"create role {_ROLE} superuser login password '{CAPTURE_PASSWORD}'"


class Captured:
    """A source; `config` and `database` are what its connector is made of."""

    def __init__(self, config: KafkaConfig, database: kinds.Captured) -> None:
        self.config, self.database = config, database
        self.connectors, self.connect = Connectors(config), Connect(config.connect or "")

    @property
    def name(self) -> str:
        """Of the connector, and of the topic."""
        return topic_of(self.config.topics, self.database.name)

    def source(self, topics: str | None = None, member: str = "reader") -> KafkaSource:
        """Of its own topic, or of one of these."""
        name = topics or self.config.topics
        return KafkaSource(
            [self.database],
            self.config.bootstrap,
            topics=name,
            group=name,
            member=member,
            filler=self.connectors,
        )

    async def copied(self, ahead: int) -> str:
        """The name of topics in which the source's holds the same records, behind some that say nothing."""
        name = topics()
        copy = topic_of(name, self.database.name)
        await ensure(self.config.bootstrap, [copy])
        consumer = AIOKafkaConsumer(self.name, bootstrap_servers=self.config.bootstrap, auto_offset_reset="earliest")
        producer = AIOKafkaProducer(bootstrap_servers=self.config.bootstrap)
        async with consumer, producer:
            for _ in range(ahead):
                await producer.send_and_wait(copy, b"{}", partition=0)
            for _ in range(await self.records()):
                record = await consumer.getone()
                await producer.send_and_wait(copy, record.value, record.key, partition=0)
        return name

    async def snapshot_stored(self) -> None:
        """Connect writes down where a connector is once in a while; one that dies before begins with a snapshot."""
        await until(self._streams, 60)

    async def _streams(self) -> bool:
        offset = await self.connect.offset(self.name)
        return bool(offset and "snapshot" not in offset)

    async def records(self) -> int:
        """In its topic."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.config.bootstrap)
        await consumer.start()
        try:
            at = TopicPartition(self.name, 0)
            return int((await consumer.end_offsets([at]))[at])
        finally:
            await consumer.stop()


@asynccontextmanager
async def captured_items(kafka: Kafka, dsn: str) -> AsyncIterator[Captured]:
    """With two rows from before, and a connector that reads."""
    await run(dsn, ITEMS)
    if await ask(dsn, _MISSING):
        await run(dsn, _MAKE)
    config, where = _config(kafka), urlsplit(dsn)
    place = where.netloc.rpartition("@")[2]
    capture = urlunsplit(where._replace(netloc=f"{_ROLE}:{CAPTURE_PASSWORD}@{place}"))
    await put(dsn, "old", 1, 2)
    async with _applied(kafka, Captured(config, items("erp", capture, slot=f"{config.topics}_erp"))) as found:
        yield found


@asynccontextmanager
async def captured_west(kafka: Kafka, dsn: str) -> AsyncIterator[Captured]:
    """With two rows from before, and a connector that reads."""
    config = _config(kafka)
    await asyncio.to_thread(west.put, dsn, "old", 1, 2)
    database = MariaDatabase("west", dsn, ("item",), "", f"{config.topics}_west")
    async with _applied(kafka, Captured(config, database)) as found:
        yield found


def _config(kafka: Kafka) -> KafkaConfig:
    return KafkaConfig(kafka.bootstrap, topics(), kafka.connect, str(DEPLOY / "connect"))


@asynccontextmanager
async def _applied(kafka: Kafka, found: Captured) -> AsyncIterator[Captured]:
    applied = await found.connectors.apply(found.database)
    assert applied.reads, applied
    yield found
    await remove(kafka, [found.name])


@asynccontextmanager
async def reading(found: Captured, reader: Reader) -> AsyncIterator[KafkaSource]:
    """On behind its checkpoints, until the block ends."""
    async with found.source() as source, captured(source, reader):
        yield source

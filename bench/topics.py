"""A story's changes in one Kafka, twice: a topic a source as Milepost reads it, a topic a table for the JDBC sink.

The sink gets what costs it least: rows without an envelope, with the schema that it needs. Both are captured from
before the story by connectors that are gone when anything is measured.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.connectors import Connectors, captured
from app.settings import KafkaConfig, SourceSettings
from bench.machinery import ADAPTERS, MAPPINGS, Bench, connect
from bench.reading import Kept, read
from cdc import kinds
from cdc.change import Change, Op
from cdc.connect import Connect
from cdc.database import CapturedDatabase, connected, drop_slot
from cdc.kafka import KafkaSource
from demo.databases import SourceDatabases
from demo.player import play
from demo.story import Story
from orders.statements import named_statements
from tests.controls.kafka import DEPLOY, Kafka

OPTIONS = ("-Xms256m", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35")
"""As in the start scripts that Kafka brings."""
SINK = Path(__file__).parent / "jdbc_sink"
SUBSCRIPTION: Mapping[str, str] = named_statements("bench", "sql/subscription.sql")
TABLES = tuple(table.partition(".")[2] for source in ADAPTERS for table in MAPPINGS[source].tables)
KEPT = "kept"
"""What slots begin with that stay where the story begins."""
SECONDS = 600.0
"""Longest wait for anything."""


@dataclass(frozen=True)
class Recorded:
    """`changes` is how many there are in each of the two forms, `ends` with what each table's end."""

    place: Bench
    kafka: Kafka
    sources: SourceDatabases
    changes: int
    ends: Mapping[str, Sequence[Change]]

    def source(self, group: str) -> KafkaSource:
        """Milepost's own topics, from their beginning."""
        config = config_of(self.kafka, "milepost", DEPLOY / "connect")
        return KafkaSource(databases(self.sources, config), config.bootstrap, topics=config.topics, group=group)


def config_of(kafka: Kafka, topics: str, connectors: Path) -> KafkaConfig:
    return KafkaConfig(kafka.bootstrap, topics, kafka.connect, str(connectors))


def databases(sources: SourceDatabases, config: KafkaConfig) -> list[CapturedDatabase]:
    dsns = {"erp": sources.erp_capture, "east": sources.east_capture}
    found = (captured(SourceSettings(name, adapter, dsns[name]), config) for name, adapter in ADAPTERS.items())
    return [each for each in found if isinstance(each, CapturedDatabase)]


@asynccontextmanager
async def kafka_running(folder: Path, password: str, *plugins: Path) -> AsyncIterator[Kafka]:
    """In a new folder. The worker knows the sources' password, and loads the plugins whose jars these folders name."""
    kafka = await asyncio.to_thread(make_kafka, folder, password, plugins)
    kafka.start()
    try:
        await kafka.up()
        yield kafka
    finally:
        kafka.stop()


def make_kafka(folder: Path, password: str, plugins: Iterable[Path]) -> Kafka:
    folder.mkdir()
    kafka = Kafka(folder, OPTIONS, password)
    for each in plugins:
        kafka.plug(each)
    return kafka


async def recorded(place: Bench, kafka: Kafka, orders: int) -> Recorded:
    """Play the story, and have it captured in both forms."""
    sources = await place.sources("recorded")
    await keep_slots(place)
    configs = (config_of(kafka, "milepost", DEPLOY / "connect"), config_of(kafka, "sink", SINK))
    for config in configs:
        await apply(config, databases(sources, config))
    played = await play(Story(1, orders), sources.erp, sources.east, rate=None)
    kept = await survey(Recorded(place, kafka, sources, played.changes, {}))
    await until_captured(kafka, played.changes)
    for config in configs:
        await forget(sources, config)
    return Recorded(place, kafka, sources, played.changes, ends(kept))


async def apply(config: KafkaConfig, databases: Iterable[kinds.Captured]) -> None:
    """Until their connectors read. Raises RuntimeError with what keeps one from it."""
    for database in databases:
        found = await Connectors(config).apply(database)
        if not found.reads:
            raise RuntimeError(f"{found.name}: {found.trouble or found.state}")


async def keep_slots(place: Bench) -> None:
    """From which each subscription gets the story from its beginning."""
    for source in ADAPTERS:
        db = await connect(place.postgres.dsn(f"{source}_recorded"))
        try:
            await db.execute(SUBSCRIPTION["keep"], f"{KEPT}_{source}")
        finally:
            await db.close()


async def survey(recorded: Recorded) -> list[Change]:
    """All that is in Milepost's topics."""
    reader = Kept()
    async with asyncio.timeout(SECONDS), recorded.source("survey") as source, source.open({}) as batches:
        await read(source, batches, reader, lambda changes, _: changes >= recorded.changes)
    return [change for each in reader.kept for change in each.changes if isinstance(change, Change)]


async def until_captured(kafka: Kafka, changes: int) -> None:
    """Until the tables' topics have that many. Raises RuntimeError when they have more."""
    topics = [TopicPartition(table, 0) for table in TABLES]
    async with asyncio.timeout(SECONDS), AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as consumer:
        while (found := sum((await consumer.end_offsets(topics)).values())) < changes:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.1)
    if found > changes:
        raise RuntimeError(f"{found} records in the tables' topics for {changes} changes")


async def forget(sources: SourceDatabases, config: KafkaConfig) -> None:
    """The connectors and their slots: nothing reads the log while others are measured."""
    connectors, worker = Connectors(config), Connect(config.connect or "")
    for database in databases(sources, config):
        await worker.stop(connectors.name(database))
        await worker.delete(connectors.name(database))
        async with connected(database) as db:
            await drop_slot(db, database)


def ends(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """By table, the last change; if it deletes, the last one of a row that is still there, too.

    A table's changes are all written, in their order, when what these say is so.
    """
    last: dict[str, Change] = {}
    alive: dict[str, dict[tuple[object, ...], Change]] = defaultdict(dict)
    for each in changes:
        key = tuple(each.key.values())
        last[each.table] = each
        alive[each.table].pop(key, None)  # so that the last one is the last to be put
        if each.op is not Op.DELETE:
            alive[each.table][key] = each
    found: dict[str, list[Change]] = {}
    for table, change in last.items():
        rest = [*alive[table].values()][-1:] if change.op is Op.DELETE else []
        found[table] = [change, *rest]
    return found

"""Where the changes come from: the engine on this machine, or Kafka. Nothing behind it knows which."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from hashlib import sha256
from pathlib import Path
from socket import gethostname
from typing import Protocol

from adapters.registry import adapter
from app.connectors import Connectors, captured
from app.settings import CaptureConfig, KafkaConfig, Settings, SourceSettings, TooMuch
from cdc import kinds
from cdc.advice import MEGABYTE
from cdc.capture import SourceLag
from cdc.change import ChangeSource
from cdc.database import CapturedDatabase
from cdc.engine import EngineSource
from cdc.guard import guarded
from cdc.kafka import KafkaSource
from projections.mapping import SourceMapping


class Capturing(ChangeSource, Protocol):
    """A source that can be asked how it does."""

    async def lag(self, *names: str) -> list[SourceLag]: ...
    def waiting(self, source: str) -> int: ...


def mappings(settings: Settings) -> Mapping[str, SourceMapping]:
    return {source.name: adapter(source.adapter).mapping for source in settings.sources}


def slot_of(source: SourceSettings, kafka: KafkaConfig | None) -> str:
    """The name of its slot; empty where it has none."""
    database = captured(source, kafka)
    return database.slot if isinstance(database, CapturedDatabase) else ""


@asynccontextmanager
async def capturing(settings: Settings, name: str) -> AsyncIterator[tuple[Capturing, KafkaSource | None]]:
    """The source, and once more if it is one that projectors share; `name` is this projector's among them."""
    if settings.kafka is None:
        databases = [
            kinds.captured(s.name, s.dsn, adapter(s.adapter).mapping.tables, graph_dsn=settings.graph_dsn)
            for s in settings.sources
        ]
        folder, logs = settings.data / "run" / "engine", settings.data / "log"
        owner = member_of(settings.data, name)
        source = EngineSource(databases, folder, settings.java_heap_mb, logs=logs, owner=owner)
        async with guarding(source, databases, settings.capture):
            yield source, None
        return
    behind_kafka = [captured(source, settings.kafka) for source in settings.sources]
    async with kafka_source(behind_kafka, settings.kafka, member_of(settings.data, name)) as source:
        yield source, source


def guarding(
    source: EngineSource, databases: Sequence[kinds.Captured], capture: CaptureConfig
) -> AbstractAsyncContextManager[None]:
    """A MariaDB keeps nothing for anybody: it drops its log when it is old."""
    if capture.when_too_much is not TooMuch.DROP:
        return nullcontext()
    slots = [each for each in databases if isinstance(each, CapturedDatabase)]
    return guarded(slots, capture.most_kept_mb * MEGABYTE, source.shed)


def kafka_source(databases: Sequence[kinds.Captured], kafka: KafkaConfig, member: str | None) -> KafkaSource:
    filler = Connectors(kafka) if kafka.connect else None
    topics = kafka.topics
    return KafkaSource(databases, kafka.bootstrap, topics=topics, group=topics, member=member, filler=filler)


def member_of(data: Path, name: str) -> str:
    """Names a projector for group and sources, on this machine and in this data folder, whenever it is started."""
    return f"{gethostname()}.{sha256(str(data).encode()).hexdigest()[:8]}.{name}"

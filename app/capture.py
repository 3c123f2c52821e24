"""Where the changes come from: the engine on this machine, or Kafka. Nothing behind it knows which."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from socket import gethostname
from typing import Protocol

from adapters.registry import adapter
from app.connectors import captured, mend
from app.settings import KafkaConfig, Settings
from cdc.capture import SourceLag
from cdc.change import ChangeSource
from cdc.database import CapturedDatabase
from cdc.engine import EngineSource
from cdc.kafka import KafkaSource
from projections.mapping import SourceMapping


class Capturing(ChangeSource, Protocol):
    """A source that can be asked how it does."""

    async def lag(self) -> list[SourceLag]: ...
    def waiting(self, source: str) -> int: ...


def mappings(settings: Settings) -> Mapping[str, SourceMapping]:
    return {source.name: adapter(source.adapter).mapping for source in settings.sources}


@asynccontextmanager
async def capturing(settings: Settings, name: str) -> AsyncIterator[tuple[Capturing, KafkaSource | None]]:
    """The source, and once more if it is one that projectors share; `name` is this projector's among them."""
    databases = [captured(source, settings.kafka) for source in settings.sources]
    if settings.kafka is None:
        yield EngineSource(databases, settings.data / "run" / "engine", settings.java_heap_mb), None
        return
    async with kafka_source(databases, settings.kafka, member_of(settings.data, name)) as source:
        yield source, source


def kafka_source(databases: Sequence[CapturedDatabase], kafka: KafkaConfig, member: str | None) -> KafkaSource:
    mender = partial(mend, kafka) if kafka.connect else None
    return KafkaSource(databases, kafka.bootstrap, topics=kafka.topics, group=kafka.topics, member=member, mend=mender)


def member_of(data: Path, name: str) -> str:
    """Names a projector for the group, on this machine and in this data folder, whenever it is started."""
    return f"{gethostname()}.{sha256(str(data).encode()).hexdigest()[:8]}.{name}"

"""An installation with Kafka: topics, group and slots of its own, and its connectors in the worker."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from app.connectors import Connectors, captured
from app.postgres import Postgres
from app.runtime import Installation
from app.settings import Config, KafkaConfig, Settings, SourceSettings
from cdc import kinds
from cdc.connect import Connect
from demo.databases import Passwords, create_databases
from tests.controls.files import opened
from tests.controls.kafka import CAPTURE_PASSWORD, DEPLOY, Kafka
from tests.controls.milepost import Installed

_numbers = count(1)


@dataclass(frozen=True)
class Distributed(Installed):
    """`connectors` are those of its sources."""

    kafka: KafkaConfig

    @property
    def connectors(self) -> Connectors:
        return Connectors(self.kafka)

    def database(self, source: str) -> kinds.Captured:
        [found] = [each for each in self.settings.sources if each.name == source]
        return captured(found, self.kafka)

    def written(self, **changed: str) -> Connectors:
        """With a file of its own for the ERP, in the data folder."""
        folder = self.data / "connect"
        folder.mkdir(exist_ok=True)
        known = json.loads((DEPLOY / "connect" / "postgres.json").read_text())
        names = {name.replace("_", "."): value for name, value in changed.items()}
        (folder / "erp.json").write_text(json.dumps({**known, **names}))
        return Connectors(replace(self.kafka, connectors=str(folder)))

    def broken(self) -> Connectors:
        """What no worker notices before it starts the task."""
        return self.written(publication_name="nowhere")

    async def apply(self, *sources: str) -> None:
        """At once, and each reads its log afterwards."""
        names = sources or tuple(each.name for each in self.settings.sources)
        found = await asyncio.gather(*(self.connectors.apply(self.database(name)) for name in names))
        assert all(each.reads for each in found), found


@asynccontextmanager
async def distributed(kafka: Kafka, data: Path, *more: SourceSettings) -> AsyncIterator[Distributed]:
    """Postgres with everything in place, and more sources; no connector yet, and nothing that projects."""
    settings = KafkaConfig(kafka.bootstrap, topics(), kafka.connect, str(DEPLOY / "connect"))

    async def sources(postgres: Postgres) -> Sequence[SourceSettings]:
        return [*await make_sources(postgres), *more]

    installation = Installation(opened(data), Config(kafka=settings), sources)
    postgres = installation.postgres
    assert postgres
    await postgres.start()
    try:
        await installation.settle()
        found = Distributed(Settings.load(data), settings)
        yield found
        await remove(kafka, [found.connectors.name(found.database(each.name)) for each in found.settings.sources])
    finally:
        await postgres.stop()


def topics() -> str:
    """A name that no other test has."""
    return f"t{next(_numbers)}"


async def make_sources(postgres: Postgres) -> Sequence[SourceSettings]:
    """As the demo's, with the password that the worker knows."""
    secret = Passwords(erp="erp-secret", east="east-secret", capture=CAPTURE_PASSWORD)
    made = await create_databases(postgres.dsn("postgres"), secret)
    return [
        SourceSettings("erp", "erp_legacy", made.erp_capture, made.erp),
        SourceSettings("east", "wms_east", made.east_capture, made.east),
    ]


async def remove(kafka: Kafka, names: Sequence[str]) -> None:
    connect = Connect(kafka.connect)
    for name in set(names) & set(await connect.names()):
        await connect.delete(name)

"""Connectors of Kafka Connect: their files, what is put into a worker, and what is wrong with them."""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from adapters.registry import adapter
from app.settings import Config, KafkaConfig, SourceSettings
from cdc.connect import Config as ConnectorConfig
from cdc.connect import Connect
from cdc.database import CapturedDatabase, connected, drop_slot, inspect, publish, release
from cdc.kafka_topics import ensure, topic_of
from cdc.lag import Reading, read_slot
from cdc.topic import Loss
from orders.errors import MilepostError, NotFoundError, RejectedError, StartError

ANY_SOURCE: Final = "postgres.json"
"""The file of each source that has none of its own name."""

RUNNING, FAILED = "RUNNING", "FAILED"
_READS_WITHIN: Final = 60.0
"""Seconds that a connector may take until it reads its source's log: a snapshot comes first."""
_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z_]+)\}")


def captured(source: SourceSettings, kafka: KafkaConfig | None = None) -> CapturedDatabase:
    """As it is captured: with Kafka the slot is the connector's, so that both ways can read the same database."""
    slot = f"{kafka.topics.replace('-', '_')}_{source.name}" if kafka else ""
    return CapturedDatabase(source.name, source.dsn, adapter(source.adapter).mapping.tables, slot)


def connector_name(kafka: KafkaConfig, source: str) -> str:
    return topic_of(kafka.topics, source)


def connector_config(kafka: KafkaConfig, database: CapturedDatabase) -> dict[str, str]:
    """A source's file with its placeholders filled in. Raises StartError."""
    path = _file(kafka, database.name)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise StartError(f"{path}: {error}; it must be a JSON object of texts") from None
    known = _known(kafka, database)
    filled = {key: _PLACEHOLDER.sub(lambda m: _filled(path, m[1], known), value) for key, value in found.items()}
    return {"name": connector_name(kafka, database.name), **filled}


def _file(kafka: KafkaConfig, source: str) -> Path:
    own = Path(kafka.connectors) / f"{source}.json"
    return own if own.exists() else Path(kafka.connectors) / ANY_SOURCE


def _filled(path: Path, name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        raise StartError(f"{path}: ${{{name}}} is not known; use one of {', '.join(known)}")
    return known[name]


def _known(kafka: KafkaConfig, database: CapturedDatabase) -> dict[str, str]:
    return {
        "name": database.name,
        "NAME": database.name.upper(),
        "host": database.host,
        "port": str(database.port),
        "user": database.user,
        "database": database.database,
        "tables": ",".join(re.escape(table) for table in database.tables),
        "slot": database.slot,
        "publication": database.publication,
        "topic": topic_of(kafka.topics, database.name),
    }


class Connector(NamedTuple):
    """What is known of a source's connector. `state` is Kafka Connect's, `trouble` what keeps it from working."""

    source: str
    name: str
    state: str
    trouble: str
    behind: int | None

    @property
    def reads(self) -> bool:
        return self.state == RUNNING and not self.trouble


class Connectors:
    """Those of an installation. Raises StartError without a worker's URL in the settings."""

    def __init__(self, kafka: KafkaConfig) -> None:
        if kafka.connect is None:
            raise StartError('no worker of Kafka Connect is named: add `connect = "http://…"` to [kafka]')
        self._kafka, self._connect = kafka, Connect(kafka.connect)

    async def apply(self, database: CapturedDatabase) -> Connector:
        """Make the publication, the topic and the connector, or change it; then wait until it reads the log.

        Raises RejectedError with a line for each setting that the worker would not take.
        """
        config, name = connector_config(self._kafka, database), self.name(database)
        async with connected(database) as db:
            await publish(db, database, await inspect(db, database))
        await ensure(self._kafka.bootstrap, [topic_of(self._kafka.topics, database.name)])
        if complaints := await self._connect.complaints(config):
            lines = [f"  {setting}: {'; '.join(dict.fromkeys(said))}" for setting, said in complaints.items()]
            raise RejectedError("\n".join([f"connector {name} would not work:", *lines]))
        if await self._changes(name, config):
            await self._connect.put(name, config)
        await self._connect.resume(name)
        return await self._settled(database)

    async def restart(self, database: CapturedDatabase, *, snapshot: bool) -> Connector:
        """It goes on where it was, or first takes a snapshot."""
        if snapshot:
            await self.refill(database, None)
        else:
            await self._connect.stop(self.name(database))
            await self._connect.resume(self.name(database))
        return await self._settled(database)

    async def refill(self, database: CapturedDatabase, behind: int | None) -> None:
        """Say everything behind this LSN once more, by a snapshot if the source does not have it any more."""
        name = self.name(database)
        async with connected(database) as db:
            await inspect(db, database)  # before a connector is stopped that could not go on
        await self._connect.stop(name)
        async with connected(database) as db:
            await release(db, database)
            slot = (await inspect(db, database)).slot
            if behind is None or slot is None or slot.lost or slot.confirmed is None or slot.confirmed > behind:
                await drop_slot(db, database)
                await self._connect.forget_offsets(name)
            else:
                await self._connect.put_offset(name, {"server": database.name}, _offset(behind))
        await self._connect.resume(name)

    async def status(self, database: CapturedDatabase) -> Connector:
        """Asked now, of the worker and of the source."""
        name = self.name(database)
        try:
            status = await self._connect.status(name)
        except NotFoundError:
            return Connector(database.name, name, "ABSENT", "it was never applied", None)
        try:
            slot = await read_slot(database)
        except MilepostError as error:
            return Connector(database.name, name, status.state, status.cause or str(error), None)
        trouble = status.cause or _slot_trouble(database, slot)
        return Connector(database.name, name, status.state, trouble, slot.behind)

    def name(self, database: CapturedDatabase) -> str:
        return connector_name(self._kafka, database.name)

    async def _changes(self, name: str, config: ConnectorConfig) -> bool:
        """Whether it is to be put; one that is there is stopped then, lest its old tasks be taken for the new."""
        try:
            if await self._connect.config(name) == config:
                return False
        except NotFoundError:
            return True
        await self._connect.stop(name)
        return True

    async def _settled(self, database: CapturedDatabase) -> Connector:
        """When it reads, or when it is clear that it will not."""
        deadline = time.monotonic() + _READS_WITHIN
        while True:
            found = await self.status(database)
            if found.reads or found.state == FAILED or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.2)


def _offset(behind: int) -> dict[str, int]:
    """As Debezium's Postgres connector stores it behind a commit."""
    return {"lsn": behind, "lsn_proc": behind, "lsn_commit": behind, "txId": 0, "ts_usec": 0}


def _slot_trouble(database: CapturedDatabase, slot: Reading) -> str:
    if slot.status is None:
        return f"there is no slot {database.slot} yet"
    return "" if slot.active else f"nobody reads its slot {database.slot}"


async def mend(kafka: KafkaConfig, database: CapturedDatabase, loss: Loss) -> None:
    """Have the topic filled again from where it does not hold on."""
    await Connectors(kafka).refill(database, loss.behind)


def connectors_text(found: Sequence[Connector]) -> str:
    """A line for each, and a second one for what is wrong with it."""
    return "\n".join(line for each in found for line in _lines(each))


def _lines(connector: Connector) -> Iterator[str]:
    behind = "" if connector.behind is None else f", {connector.behind:,} bytes of log not confirmed"
    yield f"{connector.source}: connector {connector.name} is {connector.state}{behind}"
    if connector.trouble:
        yield f"  {connector.trouble}"


def chosen(config: Config, names: Sequence[str]) -> tuple[Connectors, list[CapturedDatabase]]:
    """The named sources of a configuration, all of them if none is named. Raises StartError."""
    if config.kafka is None:
        raise StartError("Kafka is not configured: add [kafka] with `bootstrap` and `connect` to milepost.toml")
    known = {source.name: source for source in config.sources}
    if unknown := sorted(set(names) - known.keys()):
        raise StartError(f"there is no source {', '.join(unknown)}: name one of {', '.join(known)}")
    wanted = [source for source in config.sources if not names or source.name in names]
    return Connectors(config.kafka), [captured(source, config.kafka) for source in wanted]

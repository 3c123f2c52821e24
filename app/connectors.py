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
from cdc import kinds
from cdc.connect import Config as ConnectorConfig
from cdc.connect import Connect
from cdc.connecting import give_up_place, look, lost_place, make_ready, place_behind
from cdc.kafka_topics import ensure, exists, forget, history_of, topic_of
from cdc.kinds import Captured
from cdc.mariadb.database import MariaDatabase
from cdc.mariadb.login import MODES
from cdc.mariadb.truststore import PASSWORD
from cdc.topic import Loss
from orders.errors import MilepostError, NotFoundError, RejectedError, StartError

RUNNING, FAILED = "RUNNING", "FAILED"
_READS_WITHIN: Final = 60.0
"""Seconds that a connector may take until it reads its source's log: a snapshot comes first."""
_TABLES: Final = "table.include.list"
_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z_]+)\}")


def captured(source: SourceSettings, kafka: KafkaConfig | None = None) -> Captured:
    """As it is captured: with Kafka slot or replica are the connector's, so that both ways can read at once."""
    reader = f"{kafka.topics.replace('-', '_')}_{source.name}" if kafka else ""
    return kinds.captured(source.name, source.dsn, adapter(source.adapter).mapping.tables, reader=reader)


def connector_name(kafka: KafkaConfig, source: str) -> str:
    return topic_of(kafka.topics, source)


def connector_config(kafka: KafkaConfig, database: Captured) -> dict[str, str]:
    """A source's file with its placeholders filled in; what is left empty by them is left out. Raises StartError."""
    path = _file(kafka, database)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise StartError(f"{path}: {error}; it must be a JSON object of texts") from None
    known = _known(kafka, database)
    filled = {key: _PLACEHOLDER.sub(lambda m: _filled(path, m[1], known), value) for key, value in found.items()}
    told = {key: value for key, value in filled.items() if value or not found[key]}
    return {"name": connector_name(kafka, database.name), **told}


def _file(kafka: KafkaConfig, database: Captured) -> Path:
    """Its own, or that of all sources of its kind."""
    own = Path(kafka.connectors) / f"{database.name}.json"
    return own if own.exists() else Path(kafka.connectors) / f"{database.machine}.json"


def _filled(path: Path, name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        raise StartError(f"{path}: ${{{name}}} is not known; use one of {', '.join(known)}")
    return known[name]


def _known(kafka: KafkaConfig, database: Captured) -> dict[str, str]:
    known = {
        "name": database.name,
        "NAME": database.name.upper(),
        "host": database.host,
        "port": str(database.port),
        "user": database.user,
        "database": database.database,
        "tables": database.table_list,
        "topic": topic_of(kafka.topics, database.name),
    }
    if isinstance(database, MariaDatabase):
        own = {
            "database_pattern": re.escape(database.database),
            "server_id": str(database.server_id),
            "bootstrap": kafka.bootstrap,
            "history": history_of(kafka.topics, database.name),
            "sslmode": MODES[database.tls],
            "truststore": str(Path(database.tls_ca).with_suffix(".p12")) if database.tls_ca else "",
            "truststore_password": PASSWORD if database.tls_ca else "",
        }
    else:
        own = {
            "slot": database.slot,
            "publication": database.publication,
            "sslmode": database.tls,
            "sslrootcert": database.tls_ca,
        }
    return known | own


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

    @property
    def told(self) -> Mapping[str, object]:
        """For programs; sizes in bytes, None for what is not known, and for no trouble."""
        return {
            "source": self.source,
            "connector": self.name,
            "state": self.state,
            "reads": self.reads,
            "lag_bytes": self.behind,
            "trouble": self.trouble or None,
        }


class Connectors:
    """Those of an installation. Raises StartError without a worker's URL in the settings."""

    def __init__(self, kafka: KafkaConfig) -> None:
        if kafka.connect is None:
            raise StartError('no worker of Kafka Connect is named: add `connect = "http://…"` to [kafka]')
        self._kafka, self._connect = kafka, Connect(kafka.connect)

    async def apply(self, database: Captured) -> Connector:
        """Make the source ready, the topic and the connector, or change it; then wait until it reads the log.

        Raises StartError for a source that cannot be captured as it is, RejectedError with a line for each setting
        that the worker would not take.
        """
        config, name = connector_config(self._kafka, database), self.name(database)
        await make_ready(database)
        await ensure(self._kafka.bootstrap, [topic_of(self._kafka.topics, database.name)])
        if complaints := await self._connect.complaints(config):
            lines = [f"  {setting}: {'; '.join(dict.fromkeys(said))}" for setting, said in complaints.items()]
            raise RejectedError("\n".join([f"connector {name} would not work:", *lines]))
        await self._put(database, config)
        await self._connect.resume(name)
        return await self._settled(database)

    async def restart(self, database: Captured, *, snapshot: bool) -> Connector:
        """It goes on where it was, or first takes a snapshot."""
        if snapshot or await self.stuck(database):
            await self.refill(database, None)
        else:
            await self._connect.stop(self.name(database))
            await self._connect.resume(self.name(database))
        return await self._settled(database)

    async def fill(self, database: Captured, loss: Loss) -> None:
        """Have the topic filled again from where it does not hold on."""
        await self.refill(database, loss.behind, loss.gtid)

    async def stuck(self, database: Captured) -> Loss | None:
        """A MariaDB's whose place in the log or schema history is gone, or that was killed before it had a place: it
        refuses to start. A Postgres's whose log does not tell all any more: it reads on all the same.
        """
        name = self.name(database)
        status = await self._connect.status(name)
        if not isinstance(database, MariaDatabase):
            left_out = await kinds.altered(database)
            return Loss(left_out, None) if left_out else None
        if status.state != FAILED:
            return None
        offset = await self._connect.offset(name)
        if offset is None:
            return None
        reason = await lost_place(database, offset)
        if reason is None and not await exists(self._kafka.bootstrap, history_of(self._kafka.topics, database.name)):
            reason = "what was known of its columns is gone"
        return Loss(reason, None) if reason else None

    async def refill(self, database: Captured, behind: int | None, gtid: str = "") -> None:
        """Say everything behind this place in the log once more, by a snapshot if the source has it no more.

        Of a MariaDB it is the place of a row in the transaction `gtid`.
        """
        name = self.name(database)
        # Before a connector is stopped that could not go on.
        await (make_ready if behind is None else kinds.check)(database)
        await self._connect.stop(name)
        offset = None if behind is None else await place_behind(database, behind, gtid)
        if offset is None:
            await self._forget_place(database)
        else:
            await self._connect.put_offset(name, {"server": database.name}, offset)
        await self._connect.resume(name)

    async def status(self, database: Captured) -> Connector:
        """Asked now, of the worker and of the source."""
        name = self.name(database)
        try:
            status = await self._connect.status(name)
        except NotFoundError:
            return Connector(database.name, name, "ABSENT", "it was never applied", None)
        try:
            seen = await look(database, await self._connect.offset(name))
        except StartError as error:  # what it says is plainer than what Java does
            return Connector(database.name, name, status.state, str(error), None)
        except MilepostError as error:
            return Connector(database.name, name, status.state, status.cause or str(error), None)
        return Connector(database.name, name, status.state, status.cause or seen.trouble, seen.behind)

    def name(self, database: Captured) -> str:
        return connector_name(self._kafka, database.name)

    async def _put(self, database: Captured, config: ConnectorConfig) -> None:
        """If it is new. One that is there is stopped then, lest its old tasks be taken for the new."""
        name = self.name(database)
        try:
            known = await self._connect.config(name)
        except NotFoundError:
            await self._connect.put(name, config)
            return
        if known == config:
            return
        await self._connect.stop(name)
        if known.get(_TABLES) != config.get(_TABLES):
            # What a table had before it was one of these, no log tells.
            await self._forget_place(database)
        await self._connect.put(name, config)

    async def _forget_place(self, database: Captured) -> None:
        """Of a connector that is stopped: it begins with a snapshot when it goes on."""
        await give_up_place(database)
        await self._connect.forget_offsets(self.name(database))
        await forget(self._kafka.bootstrap, history_of(self._kafka.topics, database.name))

    async def _settled(self, database: Captured) -> Connector:
        """When it reads, or when it is clear that it will not."""
        deadline = time.monotonic() + _READS_WITHIN
        while True:
            found = await self.status(database)
            if found.reads or found.state == FAILED or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.2)


def connectors_text(found: Sequence[Connector]) -> str:
    """A line for each, and a second one for what is wrong with it."""
    return "\n".join(line for each in found for line in _lines(each))


def _lines(connector: Connector) -> Iterator[str]:
    behind = "" if connector.behind is None else f", {connector.behind:,} bytes of log not confirmed"
    yield f"{connector.source}: connector {connector.name} is {connector.state}{behind}"
    if connector.trouble:
        yield f"  {connector.trouble}"


def chosen(config: Config, names: Sequence[str]) -> tuple[Connectors, list[Captured]]:
    """The named sources of a configuration, all of them if none is named. Raises StartError."""
    if config.kafka is None:
        raise StartError("Kafka is not configured: add [kafka] with `bootstrap` and `connect` to milepost.toml")
    known = {source.name: source for source in config.sources}
    if unknown := sorted(set(names) - known.keys()):
        raise StartError(f"there is no source {', '.join(unknown)}: name one of {', '.join(known)}")
    wanted = [source for source in config.sources if not names or source.name in names]
    return Connectors(config.kafka), [captured(source, config.kafka) for source in wanted]

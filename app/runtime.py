"""Milepost on one machine: Postgres, projector with its engine, worker and gateway under one supervisor."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

from msgspec import structs

from app.child import Child
from app.connectors import captured
from app.folder import open_folder
from app.gateway import connections_of
from app.keys import ensure_keys
from app.postgres import Postgres
from app.preflight import Needs, check_databases, check_machine
from app.schema import GATEWAY_ROLE, prepare_schema
from app.settings import Config, KafkaConfig, Settings, SourceSettings
from app.supervisor import Supervisor
from cdc.database import CapturedDatabase
from gateway.server import listen
from orders.errors import StartError

GRAPH_DATABASE = "milepost"
BACKLOG = 2048
"""Connections that may wait to be accepted."""
OTHERS = 42
"""Connections to the embedded Postgres that are not the gateways'."""

MakeSources = Callable[[Postgres], Awaitable[Sequence[SourceSettings]]]
"""Makes sources in the embedded Postgres; called again when it had to move to another port."""


@asynccontextmanager
async def running(
    data: Path, config: Config, say: Callable[[str], None], make_sources: MakeSources | None = None
) -> AsyncIterator[Supervisor]:
    """Everything up and ready inside the block. Raises StartError before anything is left running."""
    data = open_folder(data)
    if config.graph is not None and make_sources is not None:
        raise StartError("the demo keeps its graph in the embedded Postgres: leave [graph] out of the configuration")
    installation, ready = Installation(data, config, make_sources), False
    async with Supervisor(data, say=say, moved=installation.settle) as supervisor:
        await check_machine(data, config)
        if installation.postgres is not None:
            await supervisor.start_postgres(installation.postgres)
        await installation.settle()
        with closing(listen(config.host, config.port)) as listener:
            # Held here, so that no connection is refused while a gateway is started anew.
            listener.listen(BACKLOG)
            await supervisor.start(*children(data, config, listener.fileno()))
            ready = True
            yield supervisor
    if not ready:
        raise StartError("stopped before everything was ready; the next start goes on where it was")


async def prepared(data: Path, config: Config, process: str) -> tuple[str, ...]:
    """The command of one process by itself, once all is true that it needs. Raises StartError."""
    if config.graph is None:
        raise StartError("a process by itself keeps no Postgres: name the graph's in milepost.toml as [graph] dsn")
    await Installation(open_folder(data), config, None).settle()
    return _command(process, data)


class Installation:
    """What has to be true in the databases before the processes start."""

    def __init__(self, data: Path, config: Config, make_sources: MakeSources | None) -> None:
        self._data = data
        self._config = config
        self._make_sources = make_sources
        connections = OTHERS + connections_of(config.workers)
        self.postgres = Postgres(data, {"max_connections": str(connections)}) if config.graph is None else None

    async def settle(self) -> None:
        """Databases, roles, schemas, keys and the settings file. Safe to repeat. Raises StartError."""
        config = self._config
        if self.postgres is not None and self._make_sources is not None:
            config = structs.replace(config, sources=tuple(await self._make_sources(self.postgres)))
        if not config.sources:
            raise StartError("no source is configured: name one in milepost.toml as [sources.NAME], or try the demo")
        await check_databases(config, {source.name: needs(source, config.kafka) for source in config.sources})
        graph_dsn, gateway_dsn = await self._graph()
        await prepare_schema(graph_dsn)
        ensure_keys(self._data)
        Settings(
            data=self._data,
            graph_dsn=graph_dsn,
            gateway_dsn=gateway_dsn,
            host=config.host,
            port=config.port,
            sources=config.sources,
            java_heap_mb=config.java_heap_mb,
            min_free_mb=config.min_free_mb,
            lag_alert_mb=config.lag_alert_mb,
            capture=config.capture,
            retention=config.retention,
            auth=config.auth,
            limits=config.limits,
            workers=config.workers,
            documents_only=config.documents_only,
            origins=config.origins,
            production=config.production,
            kafka=config.kafka,
        ).save()

    async def _graph(self) -> tuple[str, str]:
        """DSNs of the projector's owner and of the gateway's reader."""
        if self.postgres is None:
            assert self._config.graph is not None
            return self._config.graph.dsn, self._config.graph.gateway_dsn or self._config.graph.dsn
        await self.postgres.create_database(GRAPH_DATABASE)
        await self.postgres.create_role(GATEWAY_ROLE)
        return self.postgres.dsn(GRAPH_DATABASE), self.postgres.dsn(GRAPH_DATABASE, GATEWAY_ROLE)


def needs(source: SourceSettings, kafka: KafkaConfig | None) -> Needs:
    database = captured(source, kafka)
    slot = database.slot if isinstance(database, CapturedDatabase) else ""
    return Needs(database.tables, slot, by_engine=kafka is None)


def children(data: Path, config: Config, listener: int) -> list[Child]:
    child = partial(Child, patience=config.hung_after_s)
    projectors = _names("projector", projectors_of(config))
    serving = _command("gateway", data, "--listener", str(listener))
    return [
        *(child(name, _command("projector", data, "--name", name)) for name in projectors),
        child("worker", _command("worker", data)),
        *(child(name, serving, files=(listener,)) for name in _names("gateway", config.workers)),
    ]


def projectors_of(config: Config) -> int:
    return config.kafka.projectors if config.kafka else 1


def _names(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]


def _command(name: str, data: Path, *more: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"app.{name}", "--data", str(data), *more)

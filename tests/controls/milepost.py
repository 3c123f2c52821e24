"""A whole Milepost over the demo's two source systems, and what is asked of it at the end."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import psutil

from adapters.origins import DirectSource
from app.cluster import free_port
from app.demo import make_sources
from app.keys import token
from app.postgres import Postgres
from app.processes import records
from app.runtime import running
from app.settings import Config, Settings, SourceSettings
from app.verifying import Verdict, verify
from demo.auditing import audit
from demo.statements import STATEMENTS, System
from tests.controls.files import opened
from tests.controls.selling import Statement
from tests.controls.serving import Client
from tests.controls.story import MAPPINGS
from tests.controls.waiting import until

MILEPOST = [sys.executable, "-c", "from app.entry import main; main()"]
"""The command."""
SECONDS = 90
"""Longest wait for anything."""

_AUDITED = "select txid::text, tbl, case op when 'i' then 'c' else op end from audit.change order by id"
_STREAMING = "select count(*), bool_and(not snapshotting) from record.checkpoint"


@dataclass(frozen=True)
class Installed:
    """The databases of one data folder, whatever runs over them."""

    settings: Settings

    @property
    def data(self) -> Path:
        return self.settings.data

    async def write(self, source: System, *statements: Statement) -> None:
        """In one transaction of the source system, as its own users do."""
        [dsn] = [s.write_dsn or s.dsn for s in self.settings.sources if s.name == source]
        db = await asyncpg.connect(dsn)
        try:
            async with db.transaction():
                for name, arguments in statements:
                    await db.execute(STATEMENTS[source][name], *arguments)
        finally:
            await db.close()

    async def fetch(self, statement: str, database: str = "milepost") -> list[asyncpg.Record]:
        """From the graph's or a source's database, as their owner; tried again while Postgres is away."""
        rows: list[asyncpg.Record] = []

        async def asked() -> bool:
            try:
                db = await asyncpg.connect(Settings.load(self.data).graph_dsn, database=database)
            except (OSError, asyncpg.PostgresError):
                return False
            try:
                rows[:] = await db.fetch(statement)
            finally:
                await db.close()
            return True

        await until(asked, SECONDS)
        return rows

    async def audit(self) -> None:
        """Let the sources keep their own account of what is written from now on."""
        for source, mapping in MAPPINGS.items():
            await audit(owner(self.settings, source), mapping.tables)

    async def audited(self, source: str) -> list[tuple[str, ...]]:
        """(transaction, table, operation) of each change by that account, as they were written."""
        return [tuple(row) for row in await self.fetch(_AUDITED, database=source)]

    async def verdict(self) -> Verdict:
        """As `milepost verify` finds, once Postgres is there and nothing moves."""
        await self.fetch("select")
        return await verify(Settings.load(self.data).graph_dsn, self.origins, settle_within=SECONDS)

    @property
    def origins(self) -> list[DirectSource]:
        """The sources, to be read at rest."""
        return [DirectSource(s.name, s.adapter, s.dsn) for s in Settings.load(self.data).sources]


@dataclass(frozen=True)
class Milepost(Installed):
    """One that runs, in the test's own process as far as its supervisor is concerned."""

    client: Client
    said: list[str]

    def pid(self, name: str) -> int:
        """Of the process that has the name now."""
        [found] = [each.pid for each in records(self.data / "run") if each.name == name]
        return found

    def engine(self) -> int:
        """The pid of the Debezium engine, the projector's child, which must be there."""
        [engine] = psutil.Process(self.pid("projector")).children()
        return engine.pid


@asynccontextmanager
async def milepost(data: Path, *more: SourceSettings, **settings: Any) -> AsyncIterator[Milepost]:
    """Running, with both sources of the demo streaming, and those given; `settings` are of its configuration."""
    said: list[str] = []
    config = Config(port=free_port(), **settings)

    async def sources(postgres: Postgres) -> list[SourceSettings]:
        return [*await make_sources(data, postgres), *more]

    async with running(opened(data), config, said.append, sources):
        settings = Settings.load(data)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{config.port}", timeout=SECONDS) as http:
            auth = {"authorization": f"Bearer {token(data, 'tester', 'admin')}"}
            found = Milepost(settings, Client(config.port, http, auth=auth), said)
            await until(partial(streaming, found), SECONDS)
            yield found


async def streaming(found: Installed) -> bool:
    """Whether every source's snapshot is over."""
    [[begun, whole]] = await found.fetch(_STREAMING)
    return bool(begun == len(found.settings.sources) and whole)


def owner(settings: Settings, database: str) -> str:
    """The DSN of the embedded server's owner for one of its databases."""
    return urlunsplit(urlsplit(settings.graph_dsn)._replace(path=f"/{database}"))


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)

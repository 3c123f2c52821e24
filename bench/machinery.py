"""An embedded Postgres with the demo's sources, for one measurement."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncpg

from adapters.registry import adapter
from app.postgres import Postgres
from app.schema import prepare_schema
from cdc.database import CapturedDatabase
from cdc.engine import EngineSource
from demo.databases import Passwords, SourceDatabases, create_databases

Engine = TypeVar("Engine", bound=EngineSource)
PASSWORDS = Passwords(erp="bench", east="bench", capture="bench")
ADAPTERS = {"erp": "erp_legacy", "east": "wms_east"}
MAPPINGS = {source: adapter(name).mapping for source, name in ADAPTERS.items()}


_FORGET = """
select pg_drop_replication_slot(slot_name) from pg_replication_slots
where active_pid is null or pg_terminate_backend(active_pid, 5000)
"""


@dataclass(frozen=True)
class Bench:
    """`data` is a folder for scratch."""

    postgres: Postgres
    data: Path

    async def sources(self, name: str) -> SourceDatabases:
        """Both systems' databases, empty, under names of their own."""
        admin = self.postgres.dsn("postgres")
        return await create_databases(admin, PASSWORDS, erp=f"erp_{name}", east=f"east_{name}")

    def engine(self, name: str, slots: str) -> EngineSource:
        """An engine over those databases, which reads its own slots."""
        return self.engine_of(EngineSource, name, slots)

    def engine_of(self, kind: type[Engine], name: str, slots: str) -> Engine:
        captured = [
            CapturedDatabase(
                source, self.postgres.dsn(f"{source}_{name}"), MAPPINGS[source].tables, *own(source, slots)
            )
            for source in ADAPTERS
        ]
        return kind(captured, self.data / f"engine_{slots}")

    async def forget_slots(self) -> None:
        """Drop all slots, which hold the log back and are counted."""
        await self._execute(_FORGET)

    async def checkpoint(self) -> None:
        """Postgres has nothing left to write of what was before."""
        await self._execute("checkpoint")

    async def graph(self, name: str) -> str:
        """The DSN of a new, empty graph."""
        await self.postgres.create_database(name)
        await prepare_schema(self.postgres.dsn(name))
        return self.postgres.dsn(name)

    async def clone(self, name: str, clone: str) -> None:
        """Another database like this one, to which nobody may be connected."""
        await self._execute(f"create database {clone} template {name} strategy file_copy")

    async def drop(self, name: str) -> None:
        await self._execute(f"drop database {name}")

    async def _execute(self, statement: str) -> None:
        db = await connect(self.postgres.dsn("postgres"))
        try:
            await db.execute(statement)
        finally:
            await db.close()


def own(source: str, slots: str) -> tuple[str, str]:
    return f"bench_{source}_{slots}", f"bench_{source}_{slots}"


@asynccontextmanager
async def bench(**settings: str) -> AsyncIterator[Bench]:
    """`settings` are Postgres's."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        data = Path(name)
        postgres = Postgres(data, settings)
        await postgres.start()
        try:
            yield Bench(postgres, data)
        finally:
            await postgres.stop()


async def connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(dsn, server_settings={"application_name": "milepost bench", "jit": "off"})

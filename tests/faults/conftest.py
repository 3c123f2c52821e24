"""A graph that is empty, and a source on a server of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.postgres import Postgres
from projections.database import Connection
from tests.controls import projecting
from tests.controls.capturing import ITEMS, run


@pytest.fixture
async def graph(database: str) -> AsyncIterator[Connection]:
    """A connection to a database with Milepost's schemas."""
    db = await projecting.connected(database)
    await projecting.create_schemas(db)
    yield db
    await db.close()


@pytest.fixture
async def server(data: Path) -> AsyncIterator[Postgres]:
    """With an empty table `item`; to be killed, replaced or stopped."""
    (data / "source").mkdir()
    server = Postgres(data / "source")
    await server.start()
    await run(server.dsn("postgres"), ITEMS)
    yield server
    await server.stop()

"""A source on a server of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.postgres import Postgres
from tests.controls.capturing import ITEMS
from tests.controls.sql import run


@pytest.fixture
async def server(data: Path) -> AsyncIterator[Postgres]:
    """With an empty table `item`; to be killed, replaced or stopped."""
    (data / "source").mkdir()
    server = Postgres(data / "source")
    await server.start()
    await run(server.dsn("postgres"), ITEMS)
    yield server
    await server.stop()

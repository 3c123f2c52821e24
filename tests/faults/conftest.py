"""A graph that is empty."""

from collections.abc import AsyncIterator

import pytest

from projections.database import Connection
from tests.controls import projecting


@pytest.fixture
async def graph(database: str) -> AsyncIterator[Connection]:
    """A connection to a database with Milepost's schemas."""
    db = await projecting.connected(database)
    await projecting.create_schemas(db)
    yield db
    await db.close()

"""A database with the canonical orders, for gateways."""

import pytest

from tests.controls import serving


@pytest.fixture
async def dsn(database: str) -> str:
    await serving.create_schemas(database)
    await serving.create_rows(database)
    return database

"""The audit of the GraphQL over HTTP specification by npm's graphql-http: every check holds, none with a warning."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.postgres import Postgres
from examples.federation import router
from tests.controls import serving
from tests.controls.node import NEEDED
from tests.controls.serving import Client

pytestmark = [*NEEDED, pytest.mark.asyncio(loop_scope="module")]

CHECKS = 61


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    await postgres.create_database("http_audit")
    dsn = postgres.dsn("http_audit")
    await serving.create_schemas(dsn)
    async with serving.running(dsn, tmp_path_factory.mktemp("gateway")) as client:
        yield client


async def test_every_check_of_the_audit_holds(node: Path, client: Client) -> None:
    url = f"http://127.0.0.1:{client.port}/graphql"
    found: list[dict[str, Any]] = json.loads(await router.node(node, "audit.js", url, serving.token()))
    assert [check for check in found if check["status"] != "ok"] == []
    assert len(found) == CHECKS

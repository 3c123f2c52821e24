"""The audit of the GraphQL over HTTP specification by npm's graphql-http: every check holds, none with a warning."""

import json
from pathlib import Path
from typing import Any

import pytest

from examples.federation import router
from tests.controls import serving
from tests.controls.node import NEEDED
from tests.controls.serving import Client

pytestmark = [*NEEDED, pytest.mark.asyncio(loop_scope="module")]

CHECKS = 61


async def test_every_check_of_the_audit_holds(node: Path, client: Client) -> None:
    url = f"http://127.0.0.1:{client.port}/graphql"
    found: list[dict[str, Any]] = json.loads(await router.node(node, "audit.js", url, serving.token()))
    assert [check for check in found if check["status"] != "ok"] == []
    assert len(found) == CHECKS

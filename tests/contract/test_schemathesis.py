"""Whatever schemathesis makes of the schema, as an operator and as outsiders, is answered, and never by a failure."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio

from tests.controls import serving
from tests.controls.serving import Client
from tests.controls.telling import telling

pytestmark = [
    pytest.mark.schemathesis,
    pytest.mark.skipif(
        find_spec("schemathesis") is None,
        reason="schemathesis is not installed (a group of its own): uv run --group schemathesis pytest -m schemathesis",
    ),
    pytest.mark.asyncio(loop_scope="module"),
]

SECONDS = 20
"""For each role."""
PROGRAM = Path(sys.executable).parent / "schemathesis"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def told(shared_dsn: str) -> AsyncIterator[None]:
    """Orders as they were are asked for, too."""
    async with telling(shared_dsn):
        yield


@pytest.mark.parametrize(("role", "scope"), [("operations", []), ("customer", ["C1"]), ("partner", ["east"])])
async def test_whatever_is_asked_is_answered(client: Client, role: str, scope: list[str], tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{client.port}/graphql"
    token = f"Authorization: {client.as_(role, *scope).auth['authorization']}"
    words = [
        *(
            "--config-file",
            str(Path(__file__).parent / "schemathesis.toml"),
            "run",
            url,
            "--header",
            token,
            "--checks",
            "answers_as_graphql",
            "--max-time",
            str(SECONDS),
        ),
        *("--no-color", "--report-dir", str(tmp_path)),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.controls.schemathesis_checks"}
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *words, cwd=serving.ROOT, env=environment, stdout=PIPE, stderr=STDOUT
    )
    output, _ = await process.communicate()
    print(output.decode())  # noqa: T201
    assert process.returncode == 0

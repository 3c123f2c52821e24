"""The projector process: `python -m app.projector --data DIR`. It owns the process of the engine, if one is used."""

import argparse
import asyncio
import logging
import signal
from functools import partial
from pathlib import Path

import asyncpg

from app.capture import Capturing, capturing, mappings
from app.children import ready, run_child
from app.settings import Settings
from cdc.capture import SourceLag
from projections.database import SQL, Connection
from projections.runner import Runner, State

log = logging.getLogger("milepost.projector")

SESSION = {
    "application_name": "milepost projector",
    "jit": "off",
    # One that hangs in the middle of a batch must not hold the others up for ever.
    "idle_in_transaction_session_timeout": "60s",
}
STATE_EVERY = 0.5
"""Seconds between two looks at how the sources do."""


async def project(data: Path, name: str) -> None:
    """Project until SIGTERM or Ctrl-C. Raises StartError."""
    settings = Settings.load(data)
    known, connecting = mappings(settings), partial(connect, settings.graph_dsn)
    async with capturing(settings, name) as (source, shared):
        runner = Runner(source, known, connecting, partial(on_state, ", ".join(known)), shared)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, runner.stop)
        watching = asyncio.create_task(watch_sources(source, settings.graph_dsn))
        try:
            await runner.run()
        finally:
            watching.cancel()


async def connect(dsn: str) -> Connection:
    return await asyncpg.connect(dsn, server_settings=SESSION)


def on_state(sources: str, state: State) -> None:
    log.info("%s", state)
    if state is State.CATCHING_UP:
        ready(f"projects {sources}")


async def watch_sources(source: Capturing, dsn: str) -> None:
    """Keep record.source_state true, for `status` and the API."""
    while True:
        try:
            db = await connect(dsn)
            while True:
                await put_states(db, source)
                await asyncio.sleep(STATE_EVERY)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            log.warning("cannot tell how the sources do: %s", error)
            await asyncio.sleep(STATE_EVERY)


async def put_states(db: Connection, source: Capturing) -> None:
    rows = [state_row(lag, source.waiting(lag.source)) for lag in await source.lag()]
    await db.executemany(SQL["put_source_state"], rows)


def state_row(lag: SourceLag, waiting: int) -> tuple[str, str, str | None, int | None, int]:
    return lag.source, lag.state.value, lag.reason, lag.bytes_behind, waiting


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.projector", description="Projects changes into the graph.")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--name", default="projector", help="which of several it is")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run_child(partial(project, arguments.data, arguments.name))


if __name__ == "__main__":
    main()

"""The projector process: `python -m app.projector --data DIR`. It owns the Debezium engine's process."""

import argparse
import asyncio
import logging
import signal
from functools import partial
from pathlib import Path

import asyncpg

from adapters.registry import adapter
from app.children import ready, run_child
from app.settings import Settings
from cdc.capture import SourceLag
from cdc.engine import EngineSource
from cdc.kinds import captured
from projections.database import SQL, Connection
from projections.runner import Runner, State

log = logging.getLogger("milepost.projector")

STATE_EVERY = 0.5
"""Seconds between two looks at how the sources do."""


async def project(data: Path) -> None:
    """Project until SIGTERM or Ctrl-C. Raises StartError."""
    settings = Settings.load(data)
    mappings = {source.name: adapter(source.adapter).mapping for source in settings.sources}
    databases = [captured(s.name, s.dsn, mappings[s.name].tables, settings.graph_dsn) for s in settings.sources]
    engine = EngineSource(databases, data / "run" / "engine", settings.java_heap_mb)
    runner = Runner(engine, mappings, partial(connect, settings.graph_dsn), partial(on_state, ", ".join(mappings)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, runner.stop)
    watching = asyncio.create_task(watch_sources(engine, settings.graph_dsn))
    try:
        await runner.run()
    finally:
        watching.cancel()


async def connect(dsn: str) -> Connection:
    return await asyncpg.connect(dsn, server_settings={"application_name": "milepost projector", "jit": "off"})


def on_state(sources: str, state: State) -> None:
    log.info("%s", state)
    if state is State.CATCHING_UP:
        ready(f"projects {sources}")


async def watch_sources(engine: EngineSource, dsn: str) -> None:
    """Keep record.source_state true, for `status` and the API."""
    while True:
        try:
            db = await connect(dsn)
            while True:
                await put_states(db, engine)
                await asyncio.sleep(STATE_EVERY)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            log.warning("cannot tell how the sources do: %s", error)
            await asyncio.sleep(STATE_EVERY)


async def put_states(db: Connection, engine: EngineSource) -> None:
    rows = [state_row(lag, engine.waiting(lag.source)) for lag in await engine.lag()]
    await db.executemany(SQL["put_source_state"], rows)


def state_row(lag: SourceLag, waiting: int) -> tuple[str, str, str | None, int | None, int]:
    return lag.source, lag.state.value, lag.reason, lag.bytes_behind, waiting


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.projector", description="Projects changes into the graph.")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run_child(partial(project, arguments.data))


if __name__ == "__main__":
    main()

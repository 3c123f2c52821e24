"""The projector process: `python -m app.projector --data DIR`. It owns the process of the engine, if one is used."""

import argparse
import asyncio
import logging
import signal
from functools import partial
from pathlib import Path

import asyncpg

from app.capture import capturing, mappings
from app.children import ready, run_child
from app.garbage import search_rarely
from app.settings import Settings
from app.watching import watch
from projections.database import Connection
from projections.historian import answer_for_ever
from projections.runner import Runner, State

log = logging.getLogger("milepost.projector")

SESSION = {
    "application_name": "milepost projector",
    "jit": "off",
    # One that hangs in the middle of a batch must not hold the others up for ever.
    "idle_in_transaction_session_timeout": "60s",
}


async def project(data: Path, name: str) -> None:
    """Project until SIGTERM or Ctrl-C. Raises StartError."""
    settings = Settings.load(data)
    known, connecting = mappings(settings), partial(connect, settings.graph_dsn)
    async with capturing(settings, name) as (source, shared):
        runner = Runner(source, known, connecting, partial(on_state, ", ".join(known)), shared)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, runner.stop)
        beside = (watch(source, settings, connecting), answer_for_ever(connecting, known))
        tasks = [asyncio.create_task(each) for each in beside]
        try:
            await runner.run()
        finally:
            for task in tasks:
                task.cancel()


async def connect(dsn: str) -> Connection:
    return await asyncpg.connect(dsn, server_settings=SESSION)


def on_state(sources: str, state: State) -> None:
    log.info("%s", state)
    if state is State.CATCHING_UP:
        ready(f"projects {sources}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.projector", description="Projects changes into the graph.")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--name", default="projector", help="which of several it is")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    search_rarely()
    run_child(partial(project, arguments.data, arguments.name))


if __name__ == "__main__":
    main()

"""The projector process: `python -m app.projector --data DIR`. It owns the process of the engine, if one is used."""

import argparse
import asyncio
import logging
import signal
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from app.capture import Capturing, capturing, mappings, slot_of
from app.children import ready, run_child
from app.garbage import search_rarely
from app.settings import Settings, TooMuch
from cdc.advice import MEGABYTE, Limits, advice
from cdc.capture import SourceLag
from orders.outages import FAILED
from projections.database import SQL, Connection
from projections.historian import answer_for_ever
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
        beside = (watch_sources(source, settings), answer_for_ever(connecting, known))
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


async def watch_sources(source: Capturing, settings: Settings) -> None:
    """Keep record.source_state true, for `status` and the API; say once what is to be done."""
    watch = Watch(source, settings)
    while True:
        try:
            db = await connect(settings.graph_dsn)
            while True:
                await watch.put(db)
                await asyncio.sleep(STATE_EVERY)
        except FAILED as error:
            log.warning("cannot tell how the sources do: %s", error)
            await asyncio.sleep(STATE_EVERY)


class Watch:
    """Looks at the sources, and remembers what it has warned of."""

    def __init__(self, source: Capturing, settings: Settings) -> None:
        self._source, self._limits = source, limits(settings)
        self._slots = {each.name: slot_of(each, settings.kafka) for each in settings.sources}
        self._said: dict[str, str | None] = {}

    async def put(self, db: Connection) -> None:
        await db.executemany(SQL["put_source_state"], [self._row(lag) for lag in await self._source.lag()])

    def _row(self, lag: SourceLag) -> tuple[Any, ...]:
        told = advice(lag, self._slots[lag.source], self._limits)
        kind = told and told.lstrip("0123456789")
        if kind != self._said.get(lag.source):
            self._said[lag.source] = kind
            if told:
                log.warning("source %s: %s", lag.source, told)
        return *state_row(lag, self._source.waiting(lag.source)), told


def limits(settings: Settings) -> Limits:
    capture = settings.capture
    return Limits(
        settings.lag_alert_mb * MEGABYTE, capture.most_kept_mb * MEGABYTE, capture.when_too_much is TooMuch.DROP
    )


def state_row(lag: SourceLag, waiting: int) -> tuple[Any, ...]:
    slot, healed = lag.slot, lag.healed
    kept = (slot.status, slot.kept, slot.safe, slot.safe_seconds) if slot else (None,) * 4
    since = (healed.at, healed.reason) if healed else (None, None)
    return lag.source, lag.state.value, lag.reason, lag.bytes_behind, waiting, *kept, *since


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

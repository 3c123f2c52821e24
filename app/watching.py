"""How the sources do, kept true in record.source_state, for `status` and the API."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from typing import Any

from app.capture import Capturing, slot_of
from app.settings import Settings, TooMuch
from cdc.advice import MEGABYTE, Limits, advice
from cdc.capture import SourceLag
from orders.outages import FAILED
from projections.database import SQL, Connection

log = logging.getLogger(__name__)

STATE_EVERY = 0.5
"""Seconds between two looks at how the sources do."""


async def watch(source: Capturing, settings: Settings, connecting: Callable[[], Awaitable[Connection]]) -> None:
    """For ever; says once what is to be done about a source."""
    telling = Telling(source, settings)
    while True:
        try:
            db = await connecting()
            with closing(Asking(source, [each.name for each in settings.sources])) as asking:
                while True:
                    rows = [telling.row(lag) for lag in await asking.answered()]
                    await db.executemany(SQL["put_source_state"], rows)
                    await asyncio.sleep(STATE_EVERY)
        except FAILED as error:
            log.warning("cannot tell how the sources do: %s", error)
            await asyncio.sleep(STATE_EVERY)


class Asking:
    """Asks each source by itself: of one that does not answer, what it said last stands and ages, as does no other."""

    def __init__(self, source: Capturing, names: list[str]) -> None:
        self._source, self._names = source, names
        self._asked: dict[str, asyncio.Task[list[SourceLag]]] = {}

    async def answered(self) -> list[SourceLag]:
        """What those say that answer now; they are asked again at the next call."""
        for name in self._names:
            if name not in self._asked:
                self._asked[name] = asyncio.create_task(self._source.lag(name))
        await asyncio.wait(self._asked.values(), timeout=STATE_EVERY)
        return list(self._answers())

    def _answers(self) -> Iterator[SourceLag]:
        for name, task in list(self._asked.items()):
            if task.done():
                del self._asked[name]
                yield from task.result()

    def close(self) -> None:
        """What is answered later would be taken for news."""
        for task in self._asked.values():
            task.cancel()


class Telling:
    """Makes rows, and remembers what it has warned of."""

    def __init__(self, source: Capturing, settings: Settings) -> None:
        self._source, self._limits = source, limits(settings)
        self._slots = {each.name: slot_of(each, settings.kafka) for each in settings.sources}
        self._said: dict[str, str | None] = {}

    def row(self, lag: SourceLag) -> tuple[Any, ...]:
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

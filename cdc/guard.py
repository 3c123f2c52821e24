"""A source is worth more than our place in its log: one that keeps too much of it for us is freed of our slot.

What was not read by then is read anew by a snapshot, once the reader has done with what it has. The look at a source
does not wait for reader or graph, since they are why it keeps so much.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final

from cdc.advice import MEGABYTE
from cdc.database import CapturedDatabase
from cdc.lag import read_slot
from orders.errors import MilepostError

_log = logging.getLogger(__name__)

EVERY: Final = 2.0
"""Seconds between two looks."""

Shed = Callable[[str, str], Awaitable[None]]
"""Gives up the slot of a source, because. Raises MilepostError."""


@asynccontextmanager
async def guarded(databases: Iterable[CapturedDatabase], most: int, shed: Shed) -> AsyncIterator[None]:
    """While the block lasts, a database that keeps more than `most` bytes for its slot is freed of it."""
    guards = [asyncio.create_task(_guard(database, most, shed)) for database in databases]
    try:
        yield
    finally:
        for guard in guards:
            guard.cancel()
        await asyncio.gather(*guards, return_exceptions=True)


async def _guard(database: CapturedDatabase, most: int, shed: Shed) -> None:
    while True:
        # That it does not answer is told where all is told of a source.
        with suppress(MilepostError):
            await _look(database, most, shed)
        await asyncio.sleep(EVERY)


async def _look(database: CapturedDatabase, most: int, shed: Shed) -> None:
    kept = (await read_slot(database)).kept
    if kept is not None and kept > most:
        reason = (
            f"slot {database.slot} was given up: it kept {kept // MEGABYTE} MB of log, {most // MEGABYTE} are allowed"
        )
        _log.error("%s: %s; a snapshot will follow", database.where, reason)
        try:
            await shed(database.name, reason)
        except MilepostError as error:
            _log.error("%s: its slot cannot be dropped yet: %s", database.where, error)

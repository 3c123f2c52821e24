"""Answers what is asked about orders' pasts, beside the projector: the mappings live here, and the gateway has none.

Who asks leaves a request in `command.past_request` and reads the answer there.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import asyncpg

from orders.errors import MilepostError
from orders.outages import BROKEN, FAILED
from projections.database import SQL, Connection
from projections.mapping import Mappings
from projections.past import encoded, order_as_of, order_as_of_occurred

log = logging.getLogger("milepost.projector")

CHANNEL: Final = "milepost_past"
"""Notified when something was asked."""
PAUSE = 1.0
"""Seconds between two tries to connect."""
LONGEST = 2.0
"""Seconds between two answers."""
FORGOTTEN = 60.0
"""Seconds between two looks for answers that nobody waits for any more."""


async def answer_for_ever(connect: Callable[[], Awaitable[Connection]], mappings: Mappings) -> None:
    """On a connection of its own, so that projecting never waits for it."""
    while True:
        try:
            await _session(await connect(), mappings)
        except FAILED as error:
            log.warning("questions about the past wait: %s", error)
            await asyncio.sleep(PAUSE)


async def _session(connection: Connection, mappings: Mappings) -> None:
    asked = asyncio.Event()
    try:
        await connection.add_listener(CHANNEL, lambda *_: asked.set())
        connection.add_termination_listener(lambda _: asked.set())
        while True:
            asked.clear()
            begun = time.monotonic()
            while await answer_one(connection, mappings):
                await asyncio.sleep(min(time.monotonic() - begun, LONGEST))  # half of the time is the projector's
                begun = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), FORGOTTEN)
    finally:
        connection.terminate()


async def answer_one(connection: Connection, mappings: Mappings) -> bool:
    """The oldest request that waits; whether there was one."""
    await connection.execute(SQL["forget_past_requests"])
    await connection.fetch(SQL["await_writer"])  # what is visible at the instant is what had been written by then
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute(SQL["stay"])
            asked = await connection.fetchrow(SQL["take_past_request"])
            if asked is None:
                return False
            answer, problem = await _answered(connection, mappings, asked)
            await connection.execute(SQL["answer_past_request"], asked["id"], answer, problem)
    except asyncpg.SerializationError:
        log.debug("another one took it")
    return True


async def _answered(connection: Connection, mappings: Mappings, asked: asyncpg.Record) -> tuple[str | None, str | None]:
    """The rows as JSON, and why there are none."""
    try:
        async with connection.transaction():
            read = order_as_of_occurred if asked["occurred"] else order_as_of
            return encoded(await read(connection, mappings, asked["order_id"], asked["as_of"])), None
    except MilepostError as error:
        return None, str(error)
    except BROKEN:
        raise
    except Exception:
        log.exception("order %s as of %s cannot be replayed", asked["order_id"], asked["as_of"])
        return None, "its changes cannot be replayed: the projector's log says why"

"""Reading one's own write: a read waits until the effect of a command, or a place in the feed, is visible."""

import asyncio

import asyncpg

from commands.log import CommandState
from gateway.cursors import feed_position, is_feed_cursor
from gateway.database import CONNECT_TIMEOUT, Pool
from gateway.feed import Feed
from gateway.statements import SQL
from orders.errors import RejectedError, TransientError

LONGEST = 30.0
"""Seconds that a read may wait."""

_GLANCE = 0.1
"""Seconds between looks at a command: nothing announces that it was rejected."""

_FRUITLESS = frozenset({CommandState.REJECTED, CommandState.NEEDS_HUMAN})


async def wait_for(pool: Pool, feed: Feed, token: str, seconds: float) -> None:
    """`token` is a command's or a cursor of the feed. Returns at once for a command that will have no effect.

    Raises TransientError after `seconds`, RejectedError for a token that is neither.
    """
    if not 0 <= seconds <= LONGEST:
        raise RejectedError(f"wait 0 to {LONGEST:.0f} seconds, not {seconds}")
    if await _visible(pool, token):
        return
    try:
        async with asyncio.timeout(seconds):
            while not await _visible(pool, token):
                await feed.moved(_GLANCE)
    except TimeoutError:
        raise TransientError(f"it is not visible after {seconds:g} seconds; try again") from None


async def _visible(pool: Pool, token: str) -> bool:
    async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
        if is_feed_cursor(token):
            return bool(await connection.fetchval(SQL["feed_head"]) >= feed_position(token))
        row = await connection.fetchrow(SQL["command_progress"], token)
    return _done(row)


def _done(row: asyncpg.Record | None) -> bool:
    if row is None:
        raise RejectedError("neither the token of a command nor a cursor")
    return bool(row["visible"]) or row["state"] in _FRUITLESS

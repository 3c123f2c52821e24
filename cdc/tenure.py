"""One installation at a time reads a Postgres by a slot: two would take it from each other, and read anew for ever.

Whoever reads holds an advisory lock of that database, in a session of its own whose name says who it is. A server
finds out by itself within half a minute that a session's other end is gone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from cdc.database import SQL, CapturedDatabase, connected
from orders.errors import TransientError

_ALIVE: Final = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


@asynccontextmanager
async def tenure(database: CapturedDatabase, owner: str) -> AsyncIterator[None]:
    """While the block lasts, no other `owner` reads by the slot, as far as the session holds.

    Whoever is left of the same owner is ended. Raises TransientError while another has it, and as `connected`.
    """
    async with connected(database, application_name=_name(owner), **_ALIVE) as db:
        if not await db.fetchval(SQL["hold"], database.slot):
            await _take_over(db, database, owner)
        yield


def _name(owner: str) -> str:
    return f"milepost {owner}"[:63]


async def _take_over(db: asyncpg.Connection, database: CapturedDatabase, owner: str) -> None:
    holder = await db.fetchrow(SQL["holder"], database.slot)
    if holder and holder["name"] == _name(owner):
        await db.execute(SQL["end"], holder["pid"])
    if not await db.fetchval(SQL["hold"], database.slot):
        who = f"{holder['name']}, from {holder['address']}" if holder else "somebody"
        raise TransientError(
            f"{database.where}: another Milepost reads it by slot {database.slot} ({who}): "
            "stop that one, or name this source otherwise"
        )

"""How a source does, asked where its log is."""

from datetime import datetime
from typing import NamedTuple

from cdc.capture import SourceLag, State
from cdc.database import SQL, CapturedDatabase, connected
from orders.errors import MilepostError


class Reading(NamedTuple):
    """Of a slot: whether somebody reads it, and the bytes of log behind what was confirmed."""

    active: bool
    behind: int | None


async def read_slot(database: CapturedDatabase) -> Reading | None:
    """None when there is no slot. Raises StartError and TransientError as `connected`."""
    async with connected(database) as db:
        row = await db.fetchrow(SQL["lag"], database.slot)
    return Reading(row["active"], row["bytes"]) if row else None


async def measured(
    database: CapturedDatabase, state: State, reason: str, epoch: int, last_event_at: datetime | None
) -> SourceLag:
    """As its reader sees it, unless the source does not answer or nobody reads its slot."""
    slot = None
    try:
        slot = await read_slot(database)
    except MilepostError as error:
        state, reason = State.FAILED, str(error)
    if slot and state is State.STREAMING and not slot.active:
        state, reason = State.STARTING, f"nobody reads its slot {database.slot}"
    return SourceLag(database.name, state, reason or None, epoch, slot and slot.behind, last_event_at)

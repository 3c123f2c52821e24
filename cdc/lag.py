"""How a source does, asked where its log is."""

import time
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from cdc.capture import Capture, Healed, Pace, SlotHealth, SourceLag, State
from cdc.change import Position
from cdc.database import SQL, CapturedDatabase, connected
from cdc.mariadb.database import MariaDatabase, bytes_behind, readers
from orders.errors import MilepostError


class Reading(NamedTuple):
    """Of a slot: whether somebody reads it, the bytes of log behind what was confirmed, and what the source keeps.

    `log_end` is the source's. Without a slot, `status` is None.
    """

    active: bool
    status: str | None
    log_end: int
    behind: int | None
    kept: int | None
    safe: int | None

    def health(self, pace: Pace) -> SlotHealth:
        rate = pace.see(time.monotonic(), self.log_end)
        seconds = max(0, self.safe) / rate if self.safe is not None and rate else None
        return SlotHealth(self.status or "absent", self.kept, self.safe, seconds)


async def read_slot(database: CapturedDatabase) -> Reading:
    """Raises StartError and TransientError as `connected`."""
    async with connected(database) as db:
        row = await db.fetchrow(SQL["lag"], database.slot)
    assert row is not None
    return Reading(bool(row["active"]), row["wal_status"], row["log_end"], row["behind"], row["kept"], row["safe"])


async def measured(
    database: CapturedDatabase,
    state: State,
    reason: str,
    epoch: int,
    last_event_at: datetime | None,
    pace: Pace,
    healed: Healed | None = None,
) -> SourceLag:
    """As its reader sees it, unless the source does not answer or nobody reads its slot."""
    health = behind = None
    try:
        slot = await read_slot(database)
    except MilepostError as error:
        state, reason = State.FAILED, str(error)
    else:
        health, behind = slot.health(pace), slot.behind
        if state is State.STREAMING and not slot.active:
            state, reason = State.STARTING, f"nobody reads its slot {database.slot}"
        elif state is State.STARTING and slot.active and slot.behind is None:
            reason = (
                f"its slot {database.slot} is being made, which waits for the transactions that were open there: the "
                "first ones of pg_stat_activity by xact_start"
            )
    return SourceLag(database.name, state, reason or None, epoch, behind, last_event_at, health, healed)


async def lag_of(capture: Capture) -> SourceLag:
    """Of a source that an engine captures."""
    if isinstance(capture.database, MariaDatabase):
        last = capture.checkpoint.position if capture.checkpoint else Position(capture.epoch, 0, 0)
        found = await measured_log(capture.database, capture.state, capture.reason, last, capture.last_event_at)
        return replace(found, epoch=capture.epoch, healed=capture.healed)
    lag = await measured(
        capture.database,
        capture.state,
        capture.reason,
        capture.epoch,
        capture.last_event_at,
        capture.pace,
        capture.healed,
    )
    return replace(lag, given_up=bool(capture.given_up))


async def measured_log(
    database: MariaDatabase,
    state: State,
    reason: str,
    last: Position,
    last_event_at: datetime | None,
    *,
    by_connector: bool = False,
) -> SourceLag:
    """Nobody confirms anything to a MariaDB: what lies behind the last that its reader knows is what counts."""
    behind = None
    try:
        behind = await bytes_behind(database, last.log)
        if by_connector and state is State.STREAMING and not await readers(database):
            state, reason = State.STARTING, f"nobody reads its log as {database.user}"
    except MilepostError as error:
        state, reason = State.FAILED, str(error)
    return SourceLag(database.name, state, reason or None, last.epoch, behind, last_event_at)

"""What a connector of Kafka Connect needs of its source, and what the source knows of it, by the kind of database."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from cdc import database
from cdc.binlog import binlog_log
from cdc.database import connected
from cdc.kinds import Captured
from cdc.lag import read_slot
from cdc.mariadb import database as mariadb
from cdc.mariadb.database import MariaDatabase, begin_log, bytes_behind, readers
from cdc.mariadb.resuming import offset_behind

Offset = Mapping[str, Any]
"""Where a connector goes on, as it stores it."""


class Seen(NamedTuple):
    """What keeps a connector from reading the log, and how many bytes of it lie behind what it has read."""

    trouble: str
    behind: int | None


async def make_ready(captured: Captured) -> None:
    """For a connector that begins with a snapshot. Raises StartError when the source cannot be captured as it is."""
    if isinstance(captured, MariaDatabase):
        await mariadb.inspect(captured)
        await mariadb.check_settled(captured)
        await begin_log(captured)
        return
    async with connected(captured) as db:
        server = await database.inspect(db, captured)
        database.check_sight(captured, server)
        await database.publish(db, captured, server)


async def place_behind(captured: Captured, log: int, gtid: str) -> Offset | None:
    """Where a connector, which is stopped, goes on behind the transaction that ended there.

    None when the source does not have what follows. A MariaDB knows of a row of the transaction, and of its GTID.
    """
    if isinstance(captured, MariaDatabase):
        return await offset_behind(captured, log, gtid)
    async with connected(captured) as db:
        await database.release(db, captured)
        slot = (await database.inspect(db, captured)).slot
    if slot is None or slot.lost or slot.confirmed is None or slot.confirmed > log:
        return None
    return {"lsn": log, "lsn_proc": log, "lsn_commit": log, "txId": 0, "ts_usec": 0}


async def lost_place(captured: MariaDatabase, offset: Offset) -> str | None:
    """Why a connector cannot go on from what it has stored, as far as that is the log's fault; None if it can."""
    if "file" not in offset:
        # Of the begin of a snapshot no place is stored.
        return "its connector has stored no place in the log"
    server = await mariadb.inspect(captured)
    return await mariadb.gap(captured, server, mariadb.identity(captured, server), msgspec.json.encode(offset))


async def give_up_place(captured: Captured) -> None:
    """Nothing is kept there for a connector, which is stopped; its next snapshot begins anew."""
    if isinstance(captured, MariaDatabase):
        await begin_log(captured)
        return
    async with connected(captured) as db:
        await database.drop_slot(db, captured)


async def look(captured: Captured, offset: Offset | None) -> Seen:
    """Asked now; `offset` is what the connector stored last. Raises StartError and TransientError."""
    if isinstance(captured, MariaDatabase):
        return await _look_at_log(captured, offset)
    slot = await read_slot(captured)
    if slot.status is None:
        return Seen(f"there is no slot {captured.slot} yet", slot.behind)
    return Seen("" if slot.active else f"nobody reads its slot {captured.slot}", slot.behind)


async def _look_at_log(captured: MariaDatabase, offset: Offset | None) -> Seen:
    await mariadb.inspect(captured)
    trouble = "" if await readers(captured) else f"nobody reads its log as {captured.user}"
    if not offset or "file" not in offset:
        return Seen(trouble, None)
    return Seen(trouble, await bytes_behind(captured, binlog_log(offset["file"], offset["pos"])))

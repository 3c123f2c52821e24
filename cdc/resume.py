"""Go on behind a checkpoint, or take a new snapshot: the decision, and what a checkpoint keeps for it."""

import zlib
from typing import NamedTuple

import msgspec

from cdc.change import Checkpoint, Position
from cdc.database import CapturedDatabase, Server, altered, publishes


class Identity(NamedTuple):
    """Which log a position is a place in: a server's identifier and its timeline; and the tables that were read of it.

    `tables` stands for their names and OIDs, 0 where nobody knows them.
    """

    system: str
    timeline: int
    tables: int = 0


class _Resume(msgspec.Struct):
    system: str
    timeline: int
    offset: msgspec.Raw
    tables: int = 0


class _Offset(msgspec.Struct):
    """Of an engine's offset: the last transaction, in 32 bits."""

    txId: int | None = None  # noqa: N815 (Debezium's name)


class Continue(NamedTuple):
    """Stream on from this offset of the engine, JSON."""

    offset: bytes


class Anew(NamedTuple):
    """Take a new snapshot, because. `expected` tells a first start from a loss."""

    reason: str
    expected: bool = False


def sealed(identity: Identity, offset: bytes) -> bytes:
    """A checkpoint's `resume`: the offset, and the log it belongs to."""
    system, timeline, tables = identity
    return msgspec.json.encode(_Resume(system, timeline, msgspec.Raw(offset), tables))


def identity(server: Server) -> Identity:
    tables = zlib.crc32(repr(sorted(server.tables.items())).encode())
    return Identity(server.system, server.timeline or 0, tables)


class Known(NamedTuple):
    """What a checkpoint keeps: the place, the log that it is a place in, and the engine's offset, JSON."""

    position: Position
    identity: Identity
    offset: bytes


def known(checkpoint: Checkpoint | None) -> Known | Anew:
    """What the checkpoint keeps, or why nobody can go on behind it."""
    if checkpoint is None:
        return Anew("it is captured for the first time", expected=True)
    if checkpoint.snapshotting:
        return Anew("its snapshot was not taken whole")
    if checkpoint.resume is None:
        return Anew("somebody asked for a new one", expected=True)
    try:
        resume = msgspec.json.decode(checkpoint.resume, type=_Resume)
    except msgspec.DecodeError as error:
        return Anew(f"its checkpoint cannot be read ({error})")
    return Known(checkpoint.position, Identity(resume.system, resume.timeline, resume.tables), bytes(resume.offset))


def decide(database: CapturedDatabase, server: Server, checkpoint: Checkpoint | None) -> Continue | Anew:
    """Whether the source still has everything behind the checkpoint. Position and slot are compared as LSNs."""
    before = known(checkpoint)
    if isinstance(before, Anew):
        return before
    reason = _gap(database, server, before)
    return Anew(reason) if reason else Continue(before.offset)


def _gap(database: CapturedDatabase, server: Server, before: Known) -> str | None:
    slot, known = server.slot, before.identity
    last = msgspec.json.decode(before.offset, type=_Offset).txId
    if known.system != server.system:
        return f"it is another server: {server.system} instead of {known.system}"
    if known.timeline != server.timeline:
        return f"its timeline moved from {known.timeline} to {server.timeline}"
    if (server.log_end or 0) < before.position.log:
        return f"its log ends before the checkpoint {before.position}: it was restored from an older backup"
    if last is not None and (last - server.next_transaction) % 2**32 < 2**31:
        return f"it has not come to transaction {last} yet, which is known here: it was restored from an older backup"
    if slot is None:
        return f"its slot {database.slot} is gone"
    if slot.lost or slot.confirmed is None:
        return f"its slot {database.slot} lost the log it needs"
    if slot.confirmed > before.position.log:
        return f"its slot {database.slot} is ahead of the checkpoint {before.position}"
    if reason := untold(database, server, known):
        return reason
    if not publishes(database, server):
        return f"its publication {database.publication} had other tables"
    return None


def untold(database: CapturedDatabase, server: Server, known: Identity) -> str | None:
    """Why the log does not tell all of the tables any more, though it did; None if it does."""
    if reason := altered(database, server):
        return reason
    if known.tables not in (0, identity(server).tables):
        return "its tables are not those that were read so far: one is new, or was made anew"
    return None

"""The command log: what clients asked to be changed in a source system, and what became of it."""

import hashlib
import re
import secrets
import time
from datetime import datetime
from enum import StrEnum

import asyncpg
import msgspec
from msgspec import Struct

from commands.ports import EffectKey, HoldReason
from commands.statements import SQL, Connection
from orders.crash import CrashPoint, crash_here
from orders.errors import ConflictError, NotFoundError, RejectedError

CHANNEL = "milepost_command"
"""Notified when a command was accepted; workers listen to it."""

KEY_LENGTH = 200
NOTE_LENGTH = 2000


class CommandKind(StrEnum):
    HOLD_ORDER = "HOLD_ORDER"
    RELEASE_HOLD = "RELEASE_HOLD"


class CommandState(StrEnum):
    """ACCEPTED → SENDING → APPLIED (the source has it) → SETTLED (its change is in the graph), or one of the ends
    REJECTED and NEEDS_HUMAN. A change may come back before APPLIED is marked, or after NEEDS_HUMAN: then SETTLED."""

    ACCEPTED = "ACCEPTED"
    SENDING = "SENDING"
    APPLIED = "APPLIED"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"
    NEEDS_HUMAN = "NEEDS_HUMAN"


class HoldOrder(Struct, frozen=True, tag="HOLD_ORDER"):
    """Nothing more is released to a warehouse until the hold is released."""

    reason: HoldReason
    note: str | None = None


class ReleaseHold(Struct, frozen=True, tag="RELEASE_HOLD"):
    note: str | None = None


Payload = HoldOrder | ReleaseHold


class CommandRequest(Struct, frozen=True):
    """`key` is the client's idempotency key, 1 to 200 characters; `requested_by` the person or program behind it."""

    client: str
    key: str
    kind: CommandKind
    order_id: str
    payload: Payload
    requested_by: str


class Command(Struct, frozen=True):
    """`source` owns the order and calls it `order_number`. `outcome` says why it was rejected, needs a human or is
    not through yet. `settled_position` is the feed position behind which its effect is visible."""

    id: EffectKey
    seq: int
    client: str
    key: str
    kind: CommandKind
    order_id: str
    source: str
    order_number: str
    payload: Payload
    state: CommandState
    outcome: str | None
    attempts: int
    requested_by: str
    accepted_at: datetime
    sent_at: datetime | None
    applied_at: datetime | None
    settled_at: datetime | None
    settled_position: int | None


async def accept(connection: Connection, request: CommandRequest) -> Command:
    """Store the request durably and wake a worker, or find what the same client's same key stored before.

    Raises ConflictError when that was another request, NotFoundError for an unknown order, RejectedError for a
    bad key or payload.
    """
    _check(request)
    async with connection.transaction():
        await connection.execute(SQL["lock_order"], request.order_id)
        row = await connection.fetchrow(SQL["accept"], *_values(request))
        if row is None:
            return await _accepted_before(connection, request)
        await connection.execute(SQL["notify"])
    crash_here(CrashPoint.COMMAND_ACCEPTED)
    return command_of(row)


async def get(connection: Connection, command_id: str) -> Command:
    """Raises NotFoundError."""
    row = await connection.fetchrow(SQL["get"], command_id)
    if row is None:
        raise NotFoundError(f"no command {command_id}")
    return command_of(row)


def command_of(row: asyncpg.Record) -> Command:
    """A row of command.command."""
    return msgspec.convert({**row, "payload": msgspec.json.decode(row["payload"])}, Command)


def new_id() -> EffectKey:
    """Sortable by the millisecond, else unguessable: the layout of a UUIDv7."""
    random = secrets.randbits(74)
    value = (time.time_ns() // 1_000_000) << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & ((1 << 62) - 1)
    return EffectKey(f"cmd_{value:032x}")


def digest(request: CommandRequest) -> str:
    """What the same key must repeat: kind, order and payload; not who pressed the button."""
    return hashlib.sha256(msgspec.json.encode((request.kind, request.order_id, request.payload))).hexdigest()


async def _accepted_before(connection: Connection, request: CommandRequest) -> Command:
    row = await connection.fetchrow(SQL["by_key"], request.client, request.key)
    if row is None:
        raise NotFoundError(f"no order {request.order_id}")
    if row["digest"] != digest(request):
        raise ConflictError("this idempotency key was used for another request")
    return command_of(row)


def _values(request: CommandRequest) -> tuple[str, ...]:
    payload = msgspec.json.encode(request.payload).decode()
    head = (new_id(), request.client, request.key, request.kind, request.order_id)
    return (*head, payload, digest(request), request.requested_by)


def _check(request: CommandRequest) -> None:
    if request.payload.__struct_config__.tag != request.kind:
        raise RejectedError(f"the payload is not one of {request.kind}")
    check_texts(request.key, request.payload.note, request.order_id)


def check_texts(key: str, note: str | None, *others: str) -> None:
    """What a client writes into a request. Raises RejectedError."""
    if not 0 < len(key) <= KEY_LENGTH:
        raise RejectedError(f"an idempotency key has 1 to {KEY_LENGTH} characters")
    if len(note or "") > NOTE_LENGTH:
        raise RejectedError(f"a note has at most {NOTE_LENGTH} characters")
    if not all(map(_storable, (key, note or "", *others))):
        raise RejectedError("a text holds a character that is not valid: NUL or half of a surrogate pair")


def _storable(text: str) -> bool:
    return not re.search("[\0\ud800-\udfff]", text)

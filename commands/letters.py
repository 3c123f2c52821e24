"""What people ask about dead letters. It is kept, with who asked; the projector carries it out."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec
from msgspec import Struct

from commands.log import check_texts
from commands.statements import SQL, Connection
from orders.errors import ConflictError, NotFoundError, RejectedError
from orders.letters import LetterAction, Outcome

MOST = 100
"""Letters in one request."""


class LetterRequest(Struct, frozen=True):
    """`outcome` is there once it was carried out."""

    id: int
    action: LetterAction
    dry_run: bool
    letters: Sequence[int]
    note: str | None
    requested_by: str
    requested_at: datetime
    done_at: datetime | None
    outcome: Sequence[Outcome] | None


async def ask(
    connection: Connection,
    by: str,
    key: str,
    action: LetterAction,
    letters: Sequence[int],
    *,
    dry_run: bool = False,
    note: str | None = None,
) -> LetterRequest:
    """Store the request and wake the projector, or find what the same person's same key stored before.

    Raises ConflictError when that was another request, RejectedError for one that cannot be.
    """
    check_texts(key, note)
    if not 0 < len(letters) <= MOST:
        raise RejectedError(f"name 1 to {MOST} dead letters, not {len(letters)}")
    wanted = (action.value, dry_run, list(letters), note)
    async with connection.transaction():
        row = await connection.fetchrow(SQL["ask_about_letters"], by, key, *wanted, by)
        if row is None:
            row = await connection.fetchrow(SQL["asked_before"], by, key)
            if row is None or (row["action"], row["dry_run"], row["letters"], row["note"]) != wanted:
                raise ConflictError("this idempotency key was used for another request")
        await connection.execute(SQL["notify_letters"])
    return request_of(row)


async def asked(connection: Connection, request_id: int) -> LetterRequest:
    """Raises NotFoundError."""
    row = await connection.fetchrow(SQL["asked"], request_id)
    if row is None:
        raise NotFoundError(f"no request {request_id}")
    return request_of(row)


def request_of(row: asyncpg.Record) -> LetterRequest:
    """A row of command.dead_letter_request."""
    outcome = row["outcome"]
    return msgspec.convert({**row, "outcome": outcome and msgspec.json.decode(outcome)}, LetterRequest)

"""One attempt at one command: read back if it was tried before, send, and mark what came of it."""

import asyncio
import logging
from datetime import timedelta
from typing import TypeAlias, assert_never

import asyncpg
import msgspec

from commands.log import Command, HoldOrder, ReleaseHold, command_of
from commands.policy import Policy
from commands.ports import Applied, OrderHolds, Outcome, Rejected
from commands.statements import SQL
from orders.crash import CrashPoint, crash_here

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

_log = logging.getLogger(__name__)


async def claim(pool: Pool, source: str, policy: Policy) -> Command | None:
    """Take the next due command of `source`: it is SENDING and counted, durably, before anything is sent.

    None when nothing is due, and for a command that cannot be read: that one is a person's then.
    """
    row = await pool.fetchrow(SQL["claim"], source, timedelta(seconds=policy.lease))
    if row is None:
        return None
    try:
        return command_of(row)
    except msgspec.ValidationError as error:
        await pool.execute(SQL["needs_human"], row["id"], row["attempts"], f"this version cannot read it: {error}")
        return None


async def attempt(pool: Pool, holds: OrderHolds, command: Command, policy: Policy) -> None:
    """Bring a claimed command to APPLIED or REJECTED, or leave it to a later attempt or to a person.

    Every mark is void when the command has moved on meanwhile: settled, or claimed by another worker.
    """
    crash_here(CrashPoint.COMMAND_SENDING)
    try:
        async with asyncio.timeout(policy.attempt):
            outcome = await _outcome(holds, command)
    except Exception as error:
        await _postpone(pool, command, error, policy)
    else:
        crash_here(CrashPoint.COMMAND_SENT)
        await _mark(pool, command, outcome)
        crash_here(CrashPoint.COMMAND_MARKED)


async def _outcome(holds: OrderHolds, command: Command) -> Outcome:
    # An attempt before this one may have reached the source, whatever its worker saw of it.
    found = await holds.find(command.id) if command.attempts > 1 else None
    return found or await _send(holds, command)


async def _send(holds: OrderHolds, command: Command) -> Outcome:
    match command.payload:
        case HoldOrder(reason, note):
            return await holds.hold(command.order_number, command.id, reason, note, command.requested_by)
        case ReleaseHold(note):
            return await holds.release(command.order_number, command.id, note, command.requested_by)
        case _:
            assert_never(command.payload)


async def _mark(pool: Pool, command: Command, outcome: Outcome) -> None:
    match outcome:
        case Applied(at):
            await pool.execute(SQL["applied"], command.id, at)
        case Rejected(reason):
            await pool.execute(SQL["rejected"], command.id, command.attempts, reason)
        case _:
            assert_never(outcome)


async def _postpone(pool: Pool, command: Command, error: Exception, policy: Policy) -> None:
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    if command.attempts >= policy.attempts:
        _log.error("command %s needs a person after %d attempts: %s", command.id, command.attempts, reason)
        await pool.execute(SQL["needs_human"], command.id, command.attempts, reason)
    else:
        _log.warning("command %s, attempt %d: %s", command.id, command.attempts, reason)
        await pool.execute(SQL["retry"], command.id, command.attempts, reason, policy.delay(command.attempts))

"""Writing to the legacy ERP's database, as its own programs do: the log of holds and the header in one transaction."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias

import asyncpg

from adapters.erp_legacy.codes import HOLD_CODES, OFFICE_ZONE
from commands.ports import Applied, EffectKey, HoldReason, Outcome, Rejected, UnknownOutcomeError
from orders.errors import TransientError
from orders.outages import CUT, FAILED
from orders.statements import named_statements

SQL = named_statements("adapters.erp_legacy", "holds.sql")

HOLD, RELEASE = "H", "R"
CLOSED = {"60": "complete", "90": "cancelled", "95": "rejected"}
NOTE_LENGTH, USER_LENGTH = 200, 20

TIMEOUT = 3.0
"""Seconds for connecting, and for each statement."""

_NUMBER = re.compile(r"[0-9]{1,9}")
_SESSION = {
    "application_name": "milepost",
    "lock_timeout": "2000",
    "statement_timeout": "3000",
    # A transaction of ours whose end never arrives must not hold the order for the ERP's own users.
    "idle_in_transaction_session_timeout": "5000",
}
_REFUSED = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, asyncpg.RaiseError)

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Entry(NamedTuple):
    """What a call asks for, in the ERP's terms: HOLD with a code, or RELEASE without."""

    order: str
    command: EffectKey
    action: str
    code: str | None
    note: str | None
    user: str


class ErpHolds:
    """`OrderHolds` of the ERP behind `dsn`. Each call has a connection of its own: commands are rare, ERPs restart.

    The ERP keeps 20 characters of the user's name and 200 of a note: a longer name is cut, a longer note rejected.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def hold(
        self, order_number: str, command: EffectKey, reason: HoldReason, note: str | None, user: str
    ) -> Outcome:
        return await self._write(Entry(order_number, command, HOLD, HOLD_CODES[reason], note, user))

    async def release(self, order_number: str, command: EffectKey, note: str | None, user: str) -> Outcome:
        return await self._write(Entry(order_number, command, RELEASE, None, note, user))

    async def find(self, command: EffectKey) -> Applied | None:
        async with _session(self._dsn) as erp:
            return await _find(erp, command)

    async def _write(self, entry: Entry) -> Outcome:
        try:
            async with _session(self._dsn) as erp, erp.transaction():
                return await _apply(erp, entry)
        except _REFUSED as error:
            return Rejected(f"the ERP refused it: {_line(error)}")


def refusal(entry: Entry, order: Mapping[str, str | None] | None) -> str | None:
    """Why the ERP's rules forbid it, else None; `order` has the columns ordsts and hldcd of its header."""
    if order is None:
        return f"the ERP has no order {entry.order}"
    if closed := CLOSED.get(order["ordsts"] or ""):
        return f"order {entry.order} is {closed}"
    if entry.action == HOLD and order["hldcd"]:
        return f"order {entry.order} is already on hold ({order['hldcd']})"
    if entry.action == RELEASE and not order["hldcd"]:
        return f"order {entry.order} is not on hold"
    if len(entry.note or "") > NOTE_LENGTH:
        return f"the ERP keeps notes of at most {NOTE_LENGTH} characters"
    return None


async def _apply(erp: Session, entry: Entry) -> Outcome:
    order = await erp.fetchrow(SQL["lock_order"], _number(entry.order))
    # Before the rules: what this command did itself is no reason to refuse it.
    if done := await _find(erp, entry.command):
        return done
    if reason := refusal(entry, dict(order) if order else None):
        return Rejected(reason)
    return await _enter(erp, entry)


async def _enter(erp: Session, entry: Entry) -> Outcome:
    values = (_number(entry.order), entry.action, entry.code, entry.note, entry.user[:USER_LENGTH], entry.command)
    logged = await erp.fetchrow(SQL["log"], *values, OFFICE_ZONE)
    if logged is None:
        return Rejected(f"the ERP has {entry.command} on another order")
    await _mark(erp, entry, logged["hlddt"])
    return Applied(logged["at"])


async def _mark(erp: Session, entry: Entry, at: datetime) -> None:
    if entry.action == HOLD:
        await erp.execute(SQL["hold"], _number(entry.order), entry.code, at)
    else:
        await erp.execute(SQL["release"], _number(entry.order), at)


async def _find(erp: Session, command: EffectKey) -> Applied | None:
    at = await erp.fetchval(SQL["find"], command, OFFICE_ZONE)
    return Applied(at) if at else None


def _number(order: str) -> int | None:
    """None, which matches no row, for what cannot be one of the ERP's."""
    return int(order) if _NUMBER.fullmatch(order) else None


@contextlib.asynccontextmanager
async def _session(dsn: str) -> AsyncIterator[Session]:
    erp = await _connect(dsn)
    try:
        yield erp
    except _REFUSED:
        raise
    except CUT as error:
        raise UnknownOutcomeError(f"the connection to the ERP was lost or slow: {_line(error)}") from error
    except asyncpg.PostgresError as error:
        raise TransientError(f"the ERP did not do it: {_line(error)}") from error
    finally:
        with contextlib.suppress(Exception):
            await erp.close(timeout=1)


async def _connect(dsn: str) -> Session:
    try:
        return await asyncpg.connect(
            dsn, timeout=TIMEOUT, command_timeout=TIMEOUT, statement_cache_size=0, server_settings=_SESSION
        )
    except FAILED as error:
        raise TransientError(f"the ERP cannot be reached: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:300]

"""`milepost deadletters`: changes that nobody could use, for people, and what they ask about them."""

import getpass
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, TypeAlias

import asyncpg
import msgspec

from cdc.change import Position
from commands.letters import LetterRequest, ask, asked, request_of
from orders.errors import NotFoundError, TransientError
from orders.letters import Difference, LetterAction, LetterOutcome, Outcome
from orders.statements import named_statements

SECONDS = 20.0
"""How long the projector may take to carry out a request."""

SQL = named_statements("app", "sql/deadletters.sql")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def letters_text(dsn: str, source: str | None, order: str | None, *, resolved: bool, json: bool) -> str:
    """A line for each, or one JSON object a line."""
    async with _connected(dsn) as db:
        rows = await db.fetch(SQL["letters"], source, order, resolved)
    if json:
        return "\n".join(msgspec.json.encode(_shown(row)).decode() for row in rows)
    return "\n".join(map(_line, rows)) or "no dead letter waits"


async def letter_text(dsn: str, ident: int, *, json: bool) -> str:
    """All of one. Raises NotFoundError."""
    async with _connected(dsn) as db:
        row = await db.fetchrow(SQL["letter"], ident)
        requests = [request_of(each) for each in await db.fetch(SQL["requests"], ident)]
    if row is None:
        raise NotFoundError(f"no dead letter {ident}: `milepost deadletters list --all` has all there are")
    shown, raw = _shown(row), row["raw"].decode(errors="backslashreplace")
    if json:
        return msgspec.json.encode(shown | {"requests": requests, "raw": raw}).decode()
    lines = [f"{name:<12} {value}" for name, value in shown.items() if value is not None]
    return "\n".join([*lines, *map(_asked_line, requests), raw])


async def replay(dsn: str, idents: Sequence[int], note: str | None, *, dry_run: bool) -> LetterRequest:
    """As it was carried out. Raises TransientError when no projector answers."""
    return await _carried_out(dsn, LetterAction.REPLAY, idents, note, dry_run=dry_run)


async def discard(dsn: str, idents: Sequence[int], note: str) -> LetterRequest:
    """As `replay`."""
    return await _carried_out(dsn, LetterAction.DISCARD, idents, note, dry_run=False)


def replayed_text(request: LetterRequest) -> str:
    outcomes = request.outcome or ()
    return "\n".join(line for each in outcomes for line in _outcome_lines(each, dry_run=request.dry_run))


def discarded_text(request: LetterRequest) -> str:
    return "\n".join(f"{each.letter}: {_became(each)}" for each in request.outcome or ())


def all_used(request: LetterRequest) -> bool:
    return all(each.became is not LetterOutcome.WAITS for each in request.outcome or ())


async def _carried_out(
    dsn: str, action: LetterAction, idents: Sequence[int], note: str | None, *, dry_run: bool
) -> LetterRequest:
    by, deadline = f"{getpass.getuser()} (command line)", time.monotonic() + SECONDS
    async with _connected(dsn) as db:
        request = await ask(db, by, token_hex(8), action, idents, dry_run=dry_run, note=note)
        while request.done_at is None:
            if time.monotonic() > deadline:
                raise TransientError(
                    f"request {request.id} is kept, but no projector has carried it out yet: it runs with "
                    "`milepost up`, and leaves what was asked for behind a snapshot's end"
                )
            await db.fetchval("select pg_sleep(0.05)")
            request = await asked(db, request.id)
    return request


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    db = await asyncpg.connect(dsn, timeout=5)
    try:
        yield db
    finally:
        await db.close()


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    """Its columns but for its bytes, with the place in one."""
    hidden = {"epoch", "log", "ordinal", "raw", "tbl"}
    shown = {name: value for name, value in row.items() if name not in hidden}
    place = Position(row["epoch"], row["log"], row["ordinal"])
    return {"id": row["id"], "source": row["source"], "table": row["tbl"], "position": str(place)} | shown


def _line(row: asyncpg.Record) -> str:
    whose = row["order_id"] and f"order {row['order_id']}"
    ended = f" {row['resolution'].lower()}" if row["resolution"] else ""
    parts = [str(row["id"]), row["source"], row["tbl"], whose or row["doc"] or "-", f"×{row['attempts']}{ended}"]
    return f"{'  '.join(parts)}  {row['reason']}"


def _asked_line(request: LetterRequest) -> str:
    kind = f"{request.action.value.lower()}{' (dry run)' if request.dry_run else ''}"
    note = f": {request.note}" if request.note else ""
    return f"{kind} asked by {request.requested_by} at {request.requested_at:%Y-%m-%d %H:%M:%S%z}{note}"


def _outcome_lines(outcome: Outcome, *, dry_run: bool) -> list[str]:
    would = "would be " if dry_run and outcome.became not in (LetterOutcome.WAITS, LetterOutcome.GONE) else ""
    head = f"{outcome.letter}: {would}{_became(outcome)}"
    reason = f": {outcome.reason}" if outcome.reason else ""
    events = [f"  event {event}" for event in outcome.events]
    return [head + reason, *map(difference_line, outcome.differences), *events]


def _became(outcome: Outcome) -> str:
    if outcome.became is LetterOutcome.GONE:
        return "gone: no letter of this number waits"
    return outcome.became.value.lower()


def difference_line(difference: Difference) -> str:
    place = f"  {difference.table} {difference.key}"
    if difference.column is None:
        return f"{place}: {'comes' if difference.before is None else 'goes'}"
    return f"{place} {difference.column}: {difference.before} → {difference.after}"

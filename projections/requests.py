"""Carries out what people ask about dead letters: replay one, tell what a replay would change, discard one.

The projector does it, between two batches, since it alone knows and writes the graph.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import asyncpg
import msgspec

from cdc.change import Change, Checkpoint, Op, Snapshot
from cdc.envelope import Line, Unreadable, change, decode
from orders.facts import Doc, Fact
from orders.graph import Identity, Row
from orders.letters import Difference, LetterAction, LetterOutcome, Outcome
from orders.view import View
from projections.batch import Batch, Entry
from projections.burying import unmapped
from projections.database import SQL, Connection, committed
from projections.events import Delta, Stated
from projections.letters import Letters
from projections.loader import Loader, position
from projections.mapping import Mappings
from projections.replay import change_of
from projections.sharing import FencedError
from projections.text import text_doc
from projections.writer import write

CHANNEL: Final = "milepost_letters"
"""Notified when something was asked."""
_MOST: Final = 1_000
"""Differences that one outcome tells."""


class StillPoisonError(Exception):
    """The change cannot be used now either; nothing was written."""


class Desk(NamedTuple):
    """What the work is done with: the projector's own."""

    connection: Connection
    mappings: Mappings
    loader: Loader
    letters: Letters
    checkpoints: Mapping[str, Checkpoint]
    take_turn: Callable[[Collection[str]], Awaitable[None]]


async def carry_out(desk: Desk) -> bool:
    """The oldest request that waits, in one transaction; whether there was one."""
    outcomes: list[Outcome] = []
    mended: set[Doc] = set()
    try:
        async with desk.connection.transaction():
            await desk.take_turn(())  # whoever of several hears it first does it, by what is stored
            asked = await desk.connection.fetchrow(SQL["take_request"])
            if asked is None:
                return False
            async with committed(desk.connection, undone=asked["dry_run"]):
                outcomes += [each async for each in _outcomes(desk, asked, mended)]
            await desk.connection.execute(SQL["answer_request"], asked["id"], msgspec.json.encode(outcomes).decode())
    finally:
        # Whatever was tried and taken back must not stay in memory.
        desk.loader.forget()
    if not asked["dry_run"]:
        desk.loader.fold.underivable -= mended
    return True


async def _outcomes(desk: Desk, asked: asyncpg.Record, mended: set[Doc]) -> AsyncIterator[Outcome]:
    rows = {row["id"]: row for row in await desk.connection.fetch(SQL["letters_asked"], asked["letters"])}
    for ident in [*rows, *(set(asked["letters"]) - rows.keys())]:
        if ident not in rows or rows[ident]["resolved_at"] is not None:
            yield Outcome(ident, LetterOutcome.GONE)
        elif asked["action"] == LetterAction.DISCARD:
            await desk.connection.execute(
                SQL["resolve_letter"], ident, LetterOutcome.DISCARDED, asked["requested_by"], 0
            )
            yield Outcome(ident, LetterOutcome.DISCARDED)
        else:
            yield await _tried(desk, rows[ident], asked["requested_by"], mended)


async def _tried(desk: Desk, letter: asyncpg.Record, by: str, mended: set[Doc]) -> Outcome:
    try:
        async with desk.connection.transaction():
            batch, outcome = await _replayed(desk, letter, by)
            mended |= batch.mended
            return outcome
    except (StillPoisonError, asyncpg.DataError, asyncpg.ProgramLimitExceededError) as error:
        desk.loader.forget()
        await desk.connection.execute(SQL["try_letter"], letter["id"], str(error))
        return Outcome(letter["id"], LetterOutcome.WAITS, str(error))


async def _replayed(desk: Desk, letter: asyncpg.Record, by: str) -> tuple[Batch, Outcome]:
    batch, ledger = Batch(), await desk.connection.fetchrow(SQL["ledger_of"], letter["source"], *position(letter))
    told = _change(letter, ledger)
    stated = [Stated(told, _facts(desk.mappings, told))] if told else []
    delta, differences = await _folded(desk, letter, stated, batch)
    became = LetterOutcome.SUPERSEDED if delta.superseded else LetterOutcome.REPLAYED
    if told:
        await _count(desk, batch, told, ledger, became, used=bool(stated[0].facts))
    await write(desk.connection, batch, desk.loader.fold.store.settle())
    await desk.letters.write(batch)
    await desk.connection.execute(SQL["resolve_letter"], letter["id"], became.value, by, 1)
    events = [f"{e.happening.type.value} {e.happening.subject} {e.happening.subject_id}" for e in delta.events]
    return batch, Outcome(letter["id"], became, None, differences, events)


def _change(letter: asyncpg.Record, ledger: asyncpg.Record | None) -> Change | None:
    """The letter's change; None for one about a whole document."""
    if ledger is not None:
        return change_of(dict(ledger))
    if not letter["raw"]:
        return None
    lines = decode(letter["raw"])
    match lines:
        case [Line(is_row=True) as line]:
            return change(letter["source"], line, position(letter))
        case [Unreadable(reason=reason)]:
            raise StillPoisonError(reason)
    raise StillPoisonError("its bytes are no row's")


def _facts(mappings: Mappings, told: Change) -> Sequence[Fact]:
    try:
        return mappings[told.source].facts(told)
    except Exception as error:
        raise StillPoisonError(unmapped(told, error).reason) from error


async def _folded(
    desk: Desk, letter: asyncpg.Record, stated: list[Stated], batch: Batch
) -> tuple[Delta, list[Difference]]:
    fold, docs = desk.loader.fold, {text_doc(letter["doc"])} if letter["doc"] and not stated else set()
    await desk.loader.load(desk.connection, stated)
    await desk.loader.load_components(desk.connection, docs, set())
    with fold.thoroughly():
        old = rows_of(fold.look(fold.nearby(stated) | docs).values())
        delta = fold.apply(stated, docs)
    if delta.rejected:
        raise StillPoisonError(f"what follows from it cannot be derived: {delta.rejected[0][1]}")
    if docs and not delta.mended:
        raise StillPoisonError(f"still nothing can be derived of {letter['doc']}")
    batch.add(delta)
    batch.show(fold.drain())
    return delta, list(differences(old, batch.rows))[:_MOST]


async def _count(
    desk: Desk, batch: Batch, told: Change, ledger: asyncpg.Record | None, became: LetterOutcome, *, used: bool
) -> None:
    """The change's place among those that were not dead: it enters the ledger now."""
    applied, lost = used and became is LetterOutcome.REPLAYED, used and became is LetterOutcome.SUPERSEDED
    counts = (int(applied), int(lost), int(not used))
    reached = desk.checkpoints[told.source].position
    if (await desk.connection.execute(SQL["recount"], told.source, *counts, *reached)).endswith(" 0"):
        raise FencedError(told.source)
    outcome = "applied" if applied else "superseded"
    if ledger is not None and used and told.op is Op.READ:
        await desk.connection.execute(SQL["mend_ledger"], ledger["id"], outcome)
        return
    if ledger is not None:
        await desk.connection.execute(SQL["leave_ledger"], ledger["id"])
    if used:
        batch.ledger.append(Entry(told, outcome, Snapshot.NO))


def rows_of(views: Iterable[View]) -> dict[Identity, Row]:
    return {identity: row for view in views for identity, row in view.rows.items()}


def differences(old: Mapping[Identity, Row], new: Mapping[Identity, Row | None]) -> Iterator[Difference]:
    """Of the rows in `new`, where None stands for one that goes, to what they were."""
    for identity, row in sorted(new.items()):
        table, key, before = identity[0], "/".join(identity[1:]), old.get(identity)
        if before is None or row is None:
            yield Difference(table, key, None, _text(before), _text(row))
        else:
            for column in row.__struct_fields__:
                one, other = getattr(before, column), getattr(row, column)
                if one != other:
                    yield Difference(table, key, column, _text(one), _text(other))


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode().strip('"')

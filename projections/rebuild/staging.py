"""Changes as facts of the graph that is being made, by way of a table beside it: the newest of each key, set by set."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import asyncpg

from cdc.change import Change
from orders.crash import CrashPoint, crash_here
from orders.errors import RejectedError
from orders.facts import Fact
from projections.database import Connection
from projections.known import Key, Known, completed, same_place
from projections.mapping import Mappings, SourceMapping
from projections.rebuild.beside import BESIDE, NEXT, SQL
from projections.rebuild.crew import Hand, Job
from projections.replay import change_of
from projections.text import doc_text, encode_fact
from projections.writer import FACT_COLUMNS

COLUMNS = ("page", *FACT_COLUMNS)


class Entered(NamedTuple):
    """A ledger row."""

    id: int
    change: Change
    dead: bool


def entered(row: asyncpg.Record) -> Entered:
    return Entered(row["id"], change_of(row), row["outcome"] == "dead")


class Versions:
    """Of facts, as changes state them: the newest of each key, and those that were in another place before it."""

    def __init__(self) -> None:
        self.newest: dict[Key, Known] = {}
        self._left = list[tuple[Key, Known]]()

    def take(self, change: Change, facts: Sequence[Fact]) -> None:
        for fact in facts:
            key = (change.source, fact.key)
            old = self.newest.get(key)
            if old is None or old.position < change.position:
                if old is not None and not same_place(old.fact, fact):
                    self._left.append((key, old))
                whole = completed(fact, old.fact.body if old else None) if fact.partial else fact
                self.newest[key] = Known(whole, change.position)
            elif fact.body is not None and not same_place(old.fact, fact):
                self._left.append((key, Known(fact, change.position)))

    def rows(self, page: int) -> Iterator[tuple[Any, ...]]:
        for key, known in chain(self._left, self.newest.items()):
            fact = known.fact
            yield page, *key, *known.position, doc_text(fact.doc) if fact.doc else None, encode_fact(fact)


class Page(NamedTuple):
    """What became of a part of the ledger: its last row, how many, and which of them are `held` back, by id."""

    last: int
    changes: int
    held: Sequence[int]


async def stage_page(after: int, upto: int, hand: Hand) -> Page:
    """What the changes of a part of the ledger state; held back are those that need to know what came before them."""
    rows = await hand.connection.fetch(SQL["ledger_between"], after, upto, None)
    versions, held = whole(hand.mappings, [entered(row) for row in rows if row["outcome"] != "dead"])
    await stage(hand.connection, versions, upto)
    crash_here(CrashPoint.REBUILD_STAGED)
    return Page(upto, len(rows), held)


def staged_page(after: int, upto: int) -> Job[Page]:
    return partial(stage_page, after, upto)


def whole(mappings: Mappings, alive: Sequence[Entered]) -> tuple[Versions, list[int]]:
    """Without the changes that tell a fact in part, or without any if these do not come by their positions."""
    versions, held, in_order, last = Versions(), list[int](), True, dict[str, Any]()
    for entry in alive:
        change, facts = entry.change, facts_of(mappings, entry)
        if any(fact.partial for fact in facts):
            held.append(entry.id)
        else:
            versions.take(change, facts)
        in_order = in_order and change.position > last.get(change.source, (0,))
        last[change.source] = change.position
    return (versions, held) if in_order or not held else (Versions(), [entry.id for entry in alive])


async def stage(connection: Connection, versions: Versions, page: int) -> None:
    rows = list(versions.rows(page))
    if rows:
        await connection.copy_records_to_table("staged", schema_name=NEXT.schema, columns=COLUMNS, records=rows)


async def merge_part(after: int, upto: int, part: int, parts: int, hand: Hand) -> None:
    """Of what the ledger's rows between say, the facts whose keys fall to this part."""
    for name in ("leave_merged", "merge_facts"):
        await hand.connection.execute(BESIDE[name], after, upto, part, parts)


def merged(after: int, upto: int, part: int, parts: int) -> Job[None]:
    return partial(merge_part, after, upto, part, parts)


def mapping_of(mappings: Mappings, change: Change) -> SourceMapping:
    if change.source not in mappings:
        raise RejectedError(f"the ledger holds changes of {change.source}, which is no source any more")
    return mappings[change.source]


def facts_of(mappings: Mappings, entry: Entered) -> Sequence[Fact]:
    """What a change states that was applied before. Raises RejectedError."""
    change = entry.change
    mapping = mapping_of(mappings, change)
    try:
        return mapping.facts(change)
    except Exception as error:
        row = "/".join([change.source, change.table, *map(str, change.key.values())])
        raise RejectedError(
            f"the mapping cannot read what it could before: {row} at {change.position}, ledger {entry.id}: {error}"
        ) from error

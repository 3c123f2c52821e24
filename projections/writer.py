"""Writes a batch: facts, graph rows, ledger, dead letters, feed, wake-up; all within the caller's transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import starmap
from typing import Any

import asyncpg
import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from cdc.change import UNAVAILABLE, Checkpoint
from orders.facets import Facets
from orders.graph import TABLES, Identity, Row
from projections.batch import Batch, Entry, Tally
from projections.database import LIVE, SQL, Connection, Graph, columns
from projections.edges import Edge, Moved
from projections.events import Event
from projections.known import Key, Known, Unsaved
from projections.revisions import move_on
from projections.text import doc_text, encode_fact, ident_text

FACT_COLUMNS = ("source", "key", "epoch", "log", "ordinal", "doc", "fact")
LEDGER_COLUMNS = (
    "source",
    "epoch",
    "log",
    "ordinal",
    "transaction",
    "snapshot",
    "tbl",
    "op",
    "key",
    "before",
    "after",
    "outcome",
    "committed_at",
    "captured_at",
)
FEED_COLUMNS = (
    "position",
    "order_id",
    "version",
    "type",
    "key",
    "subject",
    "subject_id",
    "detail",
    "occurred_at",
    "facets",
    "snapshot",
    "command_id",
    "cause_source",
    "cause_table",
    "cause_op",
    "cause_key",
    "cause_position",
    "cause_transaction",
    "cause_committed_at",
    "cause_captured_at",
    "cause_ordinals",
)
MOST_BEHIND = 500
"""Changes that are named behind one event."""


async def write_rows(connection: Connection, rows: Mapping[Identity, Row | None], graph: Graph = LIVE) -> None:
    puts: dict[str, list[Row]] = defaultdict(list)
    gone: dict[str, list[Sequence[str]]] = defaultdict(list)
    for identity, row in rows.items():
        if row is None:
            gone[identity[0]].append(identity[1:])
        else:
            puts[identity[0]].append(row)
    for kind in TABLES:
        if kind.table in gone:
            await connection.execute(graph.deletes[kind.table], *columns(gone[kind.table], len(kind.key)))
        if kind.table in puts:
            await connection.execute(graph.upserts[kind.table], msgspec.json.encode(puts[kind.table]).decode())


async def add_rows(connection: Connection, rows: Iterable[Row], graph: Graph) -> None:
    """Rows that are not there yet, or into tables that have no keys. Raises asyncpg.DataError."""
    records: dict[type[Row], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        records[type(row)].append(astuple(row))
    for kind, found in records.items():
        try:
            await append(connection, f"{graph.schema}.{kind.table}", kind.__struct_fields__, found)
        except (OverflowError, ValueError) as error:  # it is not even sent then
            raise asyncpg.DataError(f"{kind.table}: {error}") from error


async def write_facts(connection: Connection, facts: Unsaved, graph: Graph = LIVE) -> None:
    if facts.added:
        await append(connection, f"{graph.schema}.fact", FACT_COLUMNS, starmap(fact_row, facts.added))
    if facts.changed:
        await connection.execute(graph.sql["change_facts"], *columns(starmap(fact_row, facts.changed), 7))
    await write_edges(connection, facts.claims, "claims", graph)
    await write_edges(connection, facts.links, "links", graph)
    if facts.left:
        places = [(doc_text(doc), source, *position) for doc, source, position in facts.left]
        await connection.execute(graph.sql["put_past_places"], *columns(places, 5))


def fact_row(key: Key, known: Known) -> tuple[Any, ...]:
    fact = known.fact
    return *key, *known.position, doc_text(fact.doc) if fact.doc else None, encode_fact(fact)


async def write_edges(connection: Connection, moved: Moved, name: str, graph: Graph) -> None:
    if moved.put:
        await connection.execute(graph.sql[f"put_{name}"], *edge_columns(moved.put))
    if moved.dropped:
        gone = edge_columns(moved.dropped)
        await connection.execute(graph.sql[f"drop_{name}"], *gone)
        await connection.execute(graph.sql[f"put_past_{name}"], *gone)


def edge_columns(edges: Iterable[Edge]) -> list[list[Any]]:
    return columns([(ident_text(ident), doc_text(doc)) for ident, doc in edges], 2)


async def append(connection: Connection, table: str, names: Sequence[str], records: Iterable[tuple[Any, ...]]) -> None:
    """Rows that are not there yet; they may be made while Postgres takes in those before them."""
    schema, _, name = table.partition(".")
    await connection.copy_records_to_table(name, schema_name=schema, columns=names, records=records)


async def write_ledger(connection: Connection, entries: Sequence[Entry]) -> None:
    if entries:
        await append(connection, "record.ledger", LEDGER_COLUMNS, map(ledger_row, entries))


def ledger_row(entry: Entry) -> tuple[Any, ...]:
    change = entry.change
    return (
        change.source,
        *change.position,
        change.transaction,
        entry.snapshot,
        change.table,
        change.op,
        json_text(change.key),
        json_text(change.before),
        json_text(change.after),
        entry.outcome,
        change.committed_at,
        change.captured_at,
    )


def left_out(value: Any) -> str:
    """A value that the source's log left out is written as Debezium writes it."""
    if value is UNSET:
        return UNAVAILABLE
    raise TypeError(f"a column of {type(value)}")


_columns = msgspec.json.Encoder(enc_hook=left_out)


def json_text(value: Any) -> str | None:
    return None if value is None else _columns.encode(value).decode()


async def write_feed(connection: Connection, events: Sequence[Event]) -> int | None:
    """The feed position behind the events, None when there are none."""
    if not events:
        return None
    first: int = await connection.fetchval(SQL["take_feed_positions"], len(events))
    rows = ((first + place, *feed_row(event)) for place, event in enumerate(events, 1))
    await append(connection, "record.feed", FEED_COLUMNS, rows)
    last = first + len(events)
    commands = [e.happening.command for e in events if e.happening.command]
    if commands:
        await connection.execute(SQL["settle"], commands, last)
    await connection.execute(SQL["wake_feed"], str(last))
    return last


def feed_row(event: Event) -> tuple[Any, ...]:
    happening, cause = event.happening, event.cause
    return (
        event.order_id,
        event.version,
        happening.type,
        happening.key,
        happening.subject,
        happening.subject_id,
        happening.detail,
        happening.occurred_at,
        facets_text(event.facets),
        event.snapshot,
        happening.command,
        cause.source,
        cause.table,
        cause.op,
        json_text(cause.key),
        str(cause.position),
        cause.transaction,
        cause.committed_at,
        cause.captured_at,
        [place.ordinal for place in event.behind[:MOST_BEHIND]] or [cause.position.ordinal],
    )


@lru_cache(maxsize=1_000)
def facets_text(facets: Facets) -> str:
    """Few of all that could be together ever are."""
    named = msgspec.structs.asdict(facets)
    named["return"] = named.pop("return_state")
    return msgspec.json.encode(named).decode()


async def write_checkpoint(connection: Connection, old: Checkpoint | None, new: Checkpoint, tally: Tally) -> bool:
    """False when another projector has moved the checkpoint."""
    place = (new.source, *new.position, new.resume, new.snapshotting)
    counts: tuple[int | datetime | None, ...] = (
        tally.seen,
        tally.applied,
        tally.superseded,
        tally.dead,
        tally.filtered,
        tally.committed_at,
    )
    if old is None:
        status = await connection.execute(SQL["add_checkpoint"], *place, *counts)
    else:
        status = await connection.execute(SQL["advance_checkpoint"], *place, *counts, *old.position)
    return status.endswith(" 1")


async def write(connection: Connection, batch: Batch, facts: Unsaved) -> None:
    """All but the checkpoints."""
    await write_facts(connection, facts)
    await write_rows(connection, batch.rows)
    await write_ledger(connection, batch.ledger)
    await write_feed(connection, batch.events)
    await move_on(connection, batch.subjects)

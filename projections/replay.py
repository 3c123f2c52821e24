"""Replays the ledger from scratch, in memory, and reads the graph as it is stored, so that the two can be compared."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from cdc.change import UNAVAILABLE, Change, Op, Position
from orders.facts import Doc, Fact
from orders.graph import TABLES, Identity, Row, by_identity
from orders.lifecycle import derive
from projections.database import LIVE, SQL, Connection, Graph
from projections.mapping import Mappings, SourceMapping, keys_of
from projections.store import FactStore

CHUNK = 2_000
Rows = dict[Identity, Row]


class Sweep(NamedTuple):
    """A snapshot of `source` ended at `position`, behind the ledger row `after`."""

    source: str
    position: Position
    after: int


async def replayed(connection: Connection, mappings: Mappings) -> Rows:
    """The graph that the ledger alone gives. Takes memory for all facts."""
    store = FactStore()
    sweeps = [Sweep(r["source"], place(dict(r)), r["ledger_id"]) for r in await connection.fetch(SQL["sweeps"])]
    async for ledger_id, change, outcome in ledger(connection):
        while sweeps and sweeps[0].after < ledger_id:
            sweep(store, sweeps.pop(0))
        if outcome != "dead":
            state(store, mappings, change)
        elif change.op is Op.READ:
            spare(store, mappings, change)
    for left in sweeps:
        sweep(store, left)
    roots = {store.root(doc) for doc in store.docs}
    return {identity: row for root in roots for identity, row in rows_of(store, root)}


def rows_of(store: FactStore, root: Doc) -> Iterable[tuple[Identity, Row]]:
    """None of a tree of which nothing can be derived: the graph does not show it either."""
    try:
        return derive(root, store.tree(root)).rows.items()
    except Exception:  # a dead letter tells of it
        return ()


def state(store: FactStore, mappings: Mappings, change: Change) -> None:
    for fact in facts(store, mappings[change.source], change):
        store.put(change.source, fact, change.position)


def facts(store: FactStore, mapping: SourceMapping, change: Change) -> Sequence[Fact]:
    """What the change states; of a truncation, that all facts of its table are gone."""
    if change.op is not Op.TRUNCATE:
        return mapping.facts(change)
    prefixes = mapping.prefixes(change.table)
    return [Fact(key=key) for source, key in store.known if source == change.source and key.startswith(prefixes)]


def sweep(store: FactStore, found: Sweep) -> None:
    old = [
        key
        for (source, key), known in store.known.items()
        if source == found.source and known.position.epoch < found.position.epoch
    ]
    for key in old:
        store.put(found.source, Fact(key=key), found.position)


def spare(store: FactStore, mappings: Mappings, change: Change) -> None:
    """Of a row that a snapshot brought and nobody could read, the fact stays as it was."""
    for key in keys_of(mappings[change.source], change):
        store.spare(change.source, key, change.position.epoch)


async def ledger(connection: Connection) -> AsyncIterator[tuple[int, Change, str]]:
    """The changes in the order in which they were projected, with what became of them."""
    after = 0
    while rows := await connection.fetch(SQL["ledger_after"], after, CHUNK):
        for row in rows:
            yield row["id"], change_of(dict(row)), row["outcome"]
        after = rows[-1]["id"]


def change_of(row: Mapping[str, Any]) -> Change:
    """A ledger row as the change it was."""
    return msgspec.convert(
        {
            "source": row["source"],
            "table": row["tbl"],
            "op": row["op"],
            "key": columns_of(row["key"]),
            "before": columns_of(row["before"]),
            "after": columns_of(row["after"]),
            "position": place(row),
            "transaction": row["transaction"],
            "committed_at": row["committed_at"],
            "captured_at": row["captured_at"],
        },
        Change,
    )


def columns_of(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    row: dict[str, Any] = msgspec.json.decode(text)
    if UNAVAILABLE in text:
        return {column: UNSET if value == UNAVAILABLE else value for column, value in row.items()}
    return row


def place(row: Mapping[str, Any]) -> Position:
    return Position(row["epoch"], row["log"], row["ordinal"])


async def stored(connection: Connection, graph: Graph = LIVE) -> Rows:
    """The graph as Postgres has it. The session's time zone must be UTC."""
    found: Rows = {}
    for kind in TABLES:
        rows = await connection.fetch(f"select row_to_json(t)::text from {graph.schema}.{kind.table} t")  # noqa: S608  # our own names
        decoder = msgspec.json.Decoder(kind)
        found.update(by_identity(decoder.decode(r[0]) for r in rows))
    return found

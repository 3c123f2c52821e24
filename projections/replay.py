"""Replays the ledger from scratch, in memory, and reads the graph as it is stored, so that the two can be compared."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec
from msgspec import UNSET

from cdc.change import UNAVAILABLE, Change, Op, Position
from orders.facts import Doc, Fact
from orders.graph import TABLES, Identity, Row, by_identity
from orders.lifecycle import derive
from projections.database import LIVE, SQL, Connection, Graph
from projections.mapping import Mappings, keys_of
from projections.store import FactStore

CHUNK = 2_000
_OPS = {op.value: op for op in Op}
Rows = dict[Identity, Row]


class Sweep(NamedTuple):
    """A snapshot of `source` ended at `position`, behind the ledger row `after`."""

    source: str
    position: Position
    after: int
    at: datetime


class Replay:
    """Takes the ledger's changes in its order, and does what snapshots swept at its place among them."""

    def __init__(self, mappings: Mappings, sweeps: Sequence[Sweep]) -> None:
        self.store = FactStore()
        self._mappings = mappings
        self._sweeps = deque(sweeps)

    def take(self, ledger_id: int, change: Change, outcome: str) -> None:
        while self._sweeps and self._sweeps[0].after < ledger_id:
            self._sweep(self._sweeps.popleft())
        if outcome != "dead":
            for fact in self._facts(change):
                self.put(change.source, fact, change.position, change.committed_at)
        elif change.op is Op.READ:
            self._spare(change)

    def end(self) -> None:
        """No more changes follow."""
        while self._sweeps:
            self._sweep(self._sweeps.popleft())

    def put(self, source: str, fact: Fact, position: Position, committed_at: datetime | None) -> None:
        self.store.put(source, fact, position)

    def rows(self) -> Rows:
        roots = {self.store.root(doc) for doc in self.store.docs}
        return {identity: row for root in roots for identity, row in rows_of(self.store, root)}

    def _facts(self, change: Change) -> Sequence[Fact]:
        """What the change states; of a truncation, that all facts of its table that are there are gone."""
        mapping = self._mappings[change.source]
        if change.op is not Op.TRUNCATE:
            return mapping.facts(change)
        prefixes = mapping.prefixes(change.table)
        return [
            Fact(key=key)
            for (source, key), known in self.store.known.items()
            if source == change.source and key.startswith(prefixes) and known.fact.doc is not None
        ]

    def _sweep(self, found: Sweep) -> None:
        old = [
            key
            for (source, key), known in self.store.known.items()
            if source == found.source and known.position.epoch < found.position.epoch
        ]
        for key in old:
            self.put(found.source, Fact(key=key), found.position, found.at)

    def _spare(self, change: Change) -> None:
        """Of a row that a snapshot brought and nobody could read, the fact stays as it was."""
        for key in keys_of(self._mappings[change.source], change):
            self.store.spare(change.source, key, change.position.epoch)


async def replayed(connection: Connection, mappings: Mappings, until: datetime | None = None) -> Rows:
    """The graph that the ledger alone gives, of what was projected until then. Takes memory for all facts."""
    replay = Replay(mappings, await sweeps(connection, until))
    async for ledger_id, change, outcome in ledger(connection, until):
        replay.take(ledger_id, change, outcome)
    replay.end()
    return replay.rows()


async def sweeps(connection: Connection, until: datetime | None) -> Sequence[Sweep]:
    rows = await connection.fetch(SQL["sweeps"], until)
    return [Sweep(row["source"], place(dict(row)), row["ledger_id"], row["swept_at"]) for row in rows]


def rows_of(store: FactStore, root: Doc) -> Iterable[tuple[Identity, Row]]:
    """None of a tree of which nothing can be derived: the graph does not show it either."""
    try:
        return derive(root, store.tree(root)).rows.items()
    except Exception:  # a dead letter tells of it
        return ()


async def ledger(connection: Connection, until: datetime | None = None) -> AsyncIterator[tuple[int, Change, str]]:
    """The changes in the order in which they were projected, with what had become of them by then."""
    after = 0
    while rows := await connection.fetch(SQL["ledger_after"], after, CHUNK, until):
        for row in rows:
            yield row["id"], change_of(dict(row)), row["outcome"]
        after = rows[-1]["id"]


def change_of(row: Mapping[str, Any] | asyncpg.Record) -> Change:
    """A ledger row as the change it was."""
    return Change(
        source=row["source"],
        table=row["tbl"],
        op=_OPS[row["op"]],
        key=columns_of(row["key"]) or {},
        before=columns_of(row["before"]),
        after=columns_of(row["after"]),
        position=place(row),
        transaction=row["transaction"],
        committed_at=row["committed_at"],
        captured_at=row["captured_at"],
    )


def columns_of(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    row: dict[str, Any] = msgspec.json.decode(text)
    if UNAVAILABLE in text:
        return {column: UNSET if value == UNAVAILABLE else value for column, value in row.items()}
    return row


def place(row: Mapping[str, Any] | asyncpg.Record) -> Position:
    return Position(row["epoch"], row["log"], row["ordinal"])


async def stored(connection: Connection, graph: Graph = LIVE) -> Rows:
    """The graph as Postgres has it. The session's time zone must be UTC."""
    found: Rows = {}
    for kind in TABLES:
        rows = await connection.fetch(f"select row_to_json(t)::text from {graph.schema}.{kind.table} t")  # noqa: S608  # our own names
        decoder = msgspec.json.Decoder(kind)
        found.update(by_identity(decoder.decode(r[0]) for r in rows))
    return found

"""An order as it was: the ledger's changes of all that ever hung under it, replayed.

What the whole ledger's replay up to the instant would give of the order, without the rest of the ledger.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import json
from msgspec.structs import replace

from cdc.change import Position
from orders.errors import MilepostError
from orders.facts import Doc, DocKind, Fact, Ident
from orders.graph import LineRow, OrderRow, Row, ShipmentLineRow
from orders.lifecycle import MASTER_DATA, derive
from orders.occurred import Version, happened_by
from orders.view import EMPTY, View
from projections.database import SQL, Connection
from projections.known import Key, completed
from projections.mapping import Mappings
from projections.replay import Replay, Sweep, change_of, sweeps
from projections.store import FactStore
from projections.text import doc_text, ident_text, text_doc

MOST_DOCUMENTS, MOST_CHANGES = 5_000, 50_000
"""Of one order: more is refused."""
AT_ONCE = 100
"""Changes that are replayed before others get their turn."""
_INSTANT = timedelta(microseconds=1)
Rows = Mapping[str, list[Row]]
"""Table → rows."""


class TooMuchError(MilepostError):
    """An order has more of a past than is replayed for one question."""


class DroppedError(MilepostError):
    """The ledger no longer tells of the instant."""


async def order_as_of(connection: Connection, mappings: Mappings, order_id: str, at: datetime) -> Rows | None:
    """The order as everybody could see it at the instant, with its customer and articles; None of an order that nobody
    knew. Raises TooMuchError and DroppedError.

    The connection is in a transaction that sees one state of the database.
    """
    shown = await known_at(connection, at)
    store = await replay_of(connection, mappings, await documents(connection, order_id), shown)
    order = order_in(store, order_id)
    if order is None:
        return None
    beside = await replay_of(connection, mappings, master_data(mappings, order.rows.values()), shown)
    return by_table([*order.rows.values(), *master_rows(beside)])


async def order_as_of_occurred(connection: Connection, mappings: Mappings, order_id: str, at: datetime) -> Rows | None:
    """The order as it had happened by the instant, by what is known now; None of one that was not there yet.

    As `order_as_of`.
    """
    await known_at(connection, at)
    known = await shown_at(connection, await connection.fetchval("select clock_timestamp()"))
    told = await told_of(connection, mappings, await documents(connection, order_id), known)
    order = order_in(told.happened_by(at), order_id)
    if order is None:
        return None
    beside = await told_of(connection, mappings, master_data(mappings, order.rows.values()), known)
    return by_table([*order.rows.values(), *master_rows(beside.happened_by(at))])


class Told(Replay):
    """Remembers all that was ever said of each fact."""

    def __init__(self, mappings: Mappings, sweeps: Sequence[Sweep]) -> None:
        super().__init__(mappings, sweeps)
        self._said: dict[Key, dict[Position, Version]] = defaultdict(dict)

    def put(self, source: str, fact: Fact, position: Position, committed_at: datetime | None) -> None:
        super().put(source, fact, position, committed_at)
        self._said[source, fact.key].setdefault(position, Version(fact, committed_at))

    def happened_by(self, at: datetime) -> FactStore:
        store = FactStore()
        for (source, _), said in self._said.items():
            fact = happened_by(whole([said[position] for position in sorted(said)]), at)
            if fact is not None:
                store.put(source, fact, max(said))
        return store


def whole(said: Iterable[Version]) -> list[Version]:
    """With the fields that a change left out as they were."""
    found: list[Version] = []
    for each in said:
        before = found[-1].fact.body if found else None
        found.append(replace(each, fact=completed(each.fact, before)) if each.fact.partial else each)
    return found


async def told_of(connection: Connection, mappings: Mappings, docs: Collection[Doc], until: datetime) -> Told:
    told = Told(mappings, await sweeps(connection, until))
    await replay_into(told, connection, docs, until, latest=False)
    return told


async def known_at(connection: Connection, at: datetime) -> datetime:
    """As `shown_at`. Raises DroppedError."""
    shown, since = await shown_at(connection, at), await connection.fetchval(SQL["known_since"])
    if since is not None and shown < since:
        raise DroppedError(f"the ledger tells of {since.isoformat()} and later; what was before was dropped")
    return shown


async def shown_at(connection: Connection, at: datetime) -> datetime:
    """As of when readers saw the graph: while a snapshot is being taken, as of before."""
    while (begun := await connection.fetchval(SQL["snapshot_since"], at)) is not None:
        at = begun - _INSTANT
    return at


async def documents(connection: Connection, order_id: str) -> list[Doc]:
    """All that ever hung together with the order."""
    rows = await connection.fetch(
        SQL["past_documents"], ident_text(Ident("order_number", order_id)), MOST_DOCUMENTS + 1
    )
    if len(rows) > MOST_DOCUMENTS:
        raise TooMuchError(f"more than {MOST_DOCUMENTS:,} documents have hung together with order {order_id}")
    return [text_doc(row["doc"]) for row in rows]


async def replay_of(connection: Connection, mappings: Mappings, docs: Collection[Doc], until: datetime) -> FactStore:
    """The facts of the documents as they were known; others may be there in part."""
    replay = Replay(mappings, await sweeps(connection, until))
    await replay_into(replay, connection, docs, until, latest=True)
    return replay.store


async def replay_into(
    replay: Replay, connection: Connection, docs: Collection[Doc], until: datetime | None, *, latest: bool
) -> None:
    """With only the `latest` changes of each row what was before them is left out. Raises TooMuchError."""
    asked = [doc_text(doc) for doc in docs]
    rows = await connection.fetch(SQL["past_ledger"], asked, until, latest, MOST_CHANGES + 1)
    if len(rows) > MOST_CHANGES:
        raise TooMuchError(f"more than {MOST_CHANGES:,} changes tell of it")
    for number, row in enumerate(rows, 1):
        replay.take(row["id"], change_of(dict(row)), row["outcome"])
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
    replay.end()


def order_in(store: FactStore, order_id: str) -> View | None:
    """The order's view, if there is one."""
    claimants = store.claims.docs(Ident("order_number", order_id))
    views = [view_of(store, root) for root in sorted({store.root(doc) for doc in claimants})]
    return next((view for view in views if view.order_id == order_id), None)


def view_of(store: FactStore, root: Doc) -> View:
    try:
        return derive(root, store.tree(root))
    except Exception:  # nobody saw it either
        return EMPTY


def master_data(mappings: Mappings, rows: Iterable[Row]) -> list[Doc]:
    """The documents of the customer and of the articles, in whichever source; their ids are the business's numbers."""
    named = {each for row in rows for each in names_in(row)}
    return [Doc(source, kind, ident) for kind, ident in sorted(named) for source in mappings]


def names_in(row: Row) -> Iterator[tuple[DocKind, str]]:
    match row:
        case OrderRow(customer_id=str(customer)):
            yield DocKind.CUSTOMER, customer
        case LineRow(sku=sku) | ShipmentLineRow(sku=sku):
            yield DocKind.PRODUCT, sku


def master_rows(store: FactStore) -> Iterator[Row]:
    for doc in sorted(store.docs):
        if doc.kind in MASTER_DATA:
            yield from derive(doc, store.tree(doc)).rows.values()


def by_table(rows: Iterable[Row]) -> Rows:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.table, []).append(row)
    return found


def encoded(rows: Rows | None) -> str | None:
    return None if rows is None else json.encode(rows).decode()

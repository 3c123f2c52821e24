"""The end of a snapshot: what it did not bring is gone, and every view is derived anew from the facts."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence, Set
from datetime import UTC, datetime

from cdc.change import Change, Op, Position, Transaction
from orders.facts import Doc, Fact, Ident
from orders.graph import TABLES
from orders.happenings import Happening
from orders.view import View
from projections.database import LIVE, SQL, Connection, Graph, columns, shown_sql
from projections.events import Event, changed_happening, happening_order
from projections.fold import Fold
from projections.loader import Loader, position
from projections.replay import change_of
from projections.revisions import GRAPH, move_on
from projections.store import FactStore
from projections.text import doc_text, text_doc
from projections.trees import theirs
from projections.writer import write_facts, write_feed, write_rows

CHUNK, FACTS = 500, 4_000
"""Trees at once; facts, about, of the documents from which trees are found at once."""
Causes = dict[tuple[str, Position], Change]
"""Source and position → the ledger's change."""


async def finish_snapshot(connection: Connection, last: Transaction, loader: Loader, *, derive: bool) -> None:
    """Sweep what the snapshot did not bring; then, unless another snapshot is under way, derive the graph."""
    if await sweep(connection, last) or not await loader.has_all(connection):
        loader.forget()
    if derive:
        in_memory = loader.fold if await loader.has_all(connection) else None
        await derive_graph(connection, last, in_memory, loader.fold.underivable)


async def sweep(connection: Connection, last: Transaction) -> bool:
    """Facts of an older epoch are of rows that were deleted meanwhile; whether there were any."""
    found = False
    await connection.execute(SQL["put_sweep"], last.source, *last.position)
    while keys := [
        r["key"] for r in await connection.fetch(SQL["swept_keys"], last.source, last.position.epoch, CHUNK)
    ]:
        fold, found = Fold(), True
        await Loader(fold).load_keys(connection, [(last.source, key) for key in keys])
        for key in keys:
            fold.store.put(last.source, Fact(key=key), last.position)
        await write_facts(connection, fold.store.settle())
    return found


async def derive_graph(connection: Connection, last: Transaction, memory: Fold | None, underivable: set[Doc]) -> None:
    """Every view anew, from memory if all is there, else in chunks; readers see the old graph until the commit.

    `underivable` is told anew which trees give none.
    """
    underivable.clear()
    await connection.execute(f"create temp table before_snapshot on commit drop as {shown_sql()}")
    for kind in TABLES:
        await connection.execute(f"delete from graph.{kind.table}")  # noqa: S608  # our own names
    told: set[str] = set()
    async for fold, views in chunks(connection, underivable) if memory is None else remembered(memory):
        await write_rows(connection, {identity: row for view in views for identity, row in view.rows.items()})
        events = await found_events(connection, fold, views)
        told.update(event.order_id for event in events)
        await write_feed(connection, events)
    await tell_changed(connection, last, told, memory)
    await move_on(connection, [GRAPH])


async def remembered(memory: Fold) -> AsyncIterator[tuple[Fold, list[View]]]:
    memory.views.clear()
    roots = sorted((doc for doc in memory.store.docs if memory.store.root(doc) == doc), key=doc_text)
    with memory.thoroughly():
        for start in range(0, len(roots), CHUNK):
            yield memory, [memory.view(root) for root in roots[start : start + CHUNK]]


async def chunks(
    connection: Connection, underivable: set[Doc], graph: Graph = LIVE
) -> AsyncIterator[tuple[Fold, list[View]]]:
    after = ""
    while upto := await connection.fetchval(graph.sql["facts_end"], after, FACTS):
        docs = [text_doc(row["doc"]) for row in await connection.fetch(graph.sql["roots_between"], after, upto)]
        after = upto
        for start in range(0, len(docs), CHUNK):
            yield await views_of(connection, docs[start : start + CHUNK], underivable, graph)


async def views_of(
    connection: Connection, docs: Sequence[Doc], underivable: set[Doc], graph: Graph = LIVE
) -> tuple[Fold, list[View]]:
    fold = Fold(thorough=True)
    fold.underivable = underivable
    await Loader(fold, graph=graph).load_components(connection, set(docs), set())
    return fold, [fold.view(root) for root in sorted(theirs(fold.store, docs))]


async def found_events(connection: Connection, fold: Fold, views: Sequence[View]) -> list[Event]:
    """What the facts tell and the feed does not, each with the ledger's change behind it."""
    new = [
        (view, happening)
        for view in views
        if view.order_id is not None
        for happening in sorted(view.happenings.values(), key=happening_order)
        if happening.key not in fold.emitted[view.order_id].keys
    ]
    causes = await ledger_causes(connection, fold, [happening for _, happening in new])
    trees = Trees(fold.store)
    return [event for view, happening in new for event in announce(fold, view, happening, causes, trees)]


class Trees:
    """Which changes the facts of a tree are of."""

    def __init__(self, store: FactStore) -> None:
        self._store = store
        self._places: dict[Doc, list[tuple[str, Position]]] = {}

    def behind(self, cause: Change, doc: Doc) -> list[Position]:
        """Those of the document's tree that are of the cause's transaction, or of its snapshot."""
        root = self._store.root(doc)
        if root not in self._places:
            known, tree = self._store.known, self._store.tree(root)
            keys = [(each.source, key) for each, facts in tree.items() for key in facts]
            self._places[root] = [(source, known[source, key].position) for source, key in keys]
        found = [place for source, place in self._places[root] if source == cause.source]
        return sorted({place for place in found if place[:2] == cause.position[:2]})


def announce(fold: Fold, view: View, happening: Happening, causes: Causes, trees: Trees) -> list[Event]:
    known = fold.store.known.get(happening.because)
    cause = causes.get((happening.because[0], known.position)) if known else None
    if view.order_id is None or view.facets is None or cause is None or known is None or known.fact.doc is None:
        return []
    version, behind = fold.emitted[view.order_id].enter(happening.key), trees.behind(cause, known.fact.doc)
    snapshot = cause.op is Op.READ
    return [Event(view.order_id, version, happening, view.facets, cause, snapshot=snapshot, behind=behind)]


async def ledger_causes(connection: Connection, fold: Fold, happenings: Sequence[Happening]) -> Causes:
    behind = {
        (h.because[0], *fold.store.known[h.because].position) for h in happenings if h.because in fold.store.known
    }
    rows = await connection.fetch(SQL["causes"], *columns(list(behind), 4))
    return {(row["source"], position(row)): change_of(dict(row)) for row in rows}


async def tell_changed(connection: Connection, last: Transaction, told: set[str], memory: Fold | None) -> None:
    """Orders that a later snapshot shows otherwise without anything new having happened."""
    found = await connection.fetch(
        f"select order_id from before_snapshot b join ({shown_sql()}) o using (order_id) where o.hash <> b.hash"  # noqa: S608
    )
    changed = sorted({row["order_id"] for row in found} - told)
    events: list[Event] = []
    for start in range(0, len(changed), CHUNK):
        orders = set(changed[start : start + CHUNK])
        events += corrections(last, orders, memory or await fold_of(connection, orders))
    await write_feed(connection, events)


async def fold_of(connection: Connection, orders: Iterable[str], graph: Graph = LIVE) -> Fold:
    fold = Fold()
    await Loader(fold, graph=graph).load_components(
        connection, set(), {Ident("order_number", order) for order in orders}
    )
    fold.look(fold.store.docs)
    return fold


def corrections(last: Transaction, orders: Set[str], fold: Fold) -> Iterator[Event]:
    cause = snapshot_change(last)
    for view in fold.views.values():
        order_id = view.order_id
        if order_id is not None and order_id in orders and view.facets is not None:
            happening = changed_happening(order_id, cause)
            version = fold.emitted[order_id].enter(happening.key)
            yield Event(order_id, version, happening, view.facets, cause, snapshot=True)


def snapshot_change(last: Transaction) -> Change:
    """The snapshot itself, as a cause."""
    return Change(
        source=last.source,
        table="",
        op=Op.READ,
        key={},
        before=None,
        after=None,
        position=last.position,
        transaction=None,
        committed_at=None,
        captured_at=datetime.now(UTC),
    )

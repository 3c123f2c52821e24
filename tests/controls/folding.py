"""Folds transactions in memory, as the projector does, and tells the graph and the feed that come of it."""

from collections.abc import Iterable, Iterator

from cdc.change import Change, Transaction
from orders.graph import Identity, Row
from orders.lifecycle import derive
from orders.states import EventType
from projections.events import Event, Stated
from projections.fold import Fold
from projections.mapping import Mappings

Graph = dict[Identity, Row]

TRANSIENT = frozenset({EventType.ORDER_CHANGED, EventType.ETA_CHANGED})
"""Events that tell of a passing state: which ones appear depends on what was known when."""


def stated(transaction: Transaction, mappings: Mappings) -> list[Stated]:
    changes = [change for change in transaction.changes if isinstance(change, Change)]
    read = [Stated(change, mappings[change.source].facts(change)) for change in changes]
    return [s for s in read if s.facts]


Changed = dict[Identity, Row | None]
"""Rows as they are then; None of those that are gone."""


def steps(transactions: Iterable[Transaction], mappings: Mappings) -> Iterator[tuple[Changed, list[Event]]]:
    """What each of them changes and tells."""
    fold = Fold()
    for transaction in transactions:
        delta = fold.apply(stated(transaction, mappings))
        assert not delta.rejected
        yield fold.drain().rows, delta.events


def folded(transactions: Iterable[Transaction], mappings: Mappings) -> tuple[Graph, list[Event]]:
    """The rows that the differences add up to, and the events."""
    graph, events = Graph(), list[Event]()
    for changed, told in steps(transactions, mappings):
        for identity, row in changed.items():
            if row is None:
                del graph[identity]
            else:
                graph[identity] = row
        events += told
    return graph, events


def at_rest(transactions: Iterable[Transaction], mappings: Mappings) -> Graph:
    """The graph of all facts taken together, with no difference on the way."""
    fold = Fold()
    for transaction in transactions:
        fold.put(stated(transaction, mappings))
    roots = {fold.store.root(doc) for doc in fold.store.docs}
    return {k: row for root in roots for k, row in derive(root, fold.store.tree(root)).rows.items()}


def lasting(events: Iterable[Event]) -> set[tuple[str, str]]:
    """Order and key of the events that do not depend on what was known when."""
    return {(e.order_id, e.happening.key) for e in events if e.happening.type not in TRANSIENT and not passing(e)}


def passing(event: Event) -> bool:
    return event.happening.key.startswith("late/")

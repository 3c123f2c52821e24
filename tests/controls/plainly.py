"""The fold the plain way: of all documents, all is worked out anew after each transaction and compared whole."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from cdc.change import Change, Op, Position
from orders.facts import Doc, Fact
from orders.graph import Identity, Row
from orders.lifecycle import derive
from orders.view import EMPTY, View
from projections.causes import Causes
from projections.events import Emitted, Event, Stated, changed_happening, happening_order
from projections.fold import Fold
from projections.store import FactStore

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
Told = tuple[str, Fact]
"""Source and fact."""
History = list[list[list[Told]]]
"""Batches of transactions."""


def said(log: int, ordinal: int, source: str, fact: Fact) -> Stated:
    position = Position(1, log, ordinal)
    return Stated(Change(source, "", Op.UPDATE, {}, None, {}, position, str(log), AT, AT), [fact])


class PlainFold:
    """Recalls nothing but what the feed was told."""

    def __init__(self) -> None:
        self.store = FactStore()
        self._emitted: dict[str, Emitted] = defaultdict(Emitted)

    def apply(self, stated: Sequence[Stated]) -> list[Event]:
        before, known, above = self.views(), dict(self.store.known), self._anew()
        for each in stated:
            for fact in each.facts:
                self.store.put(each.change.source, fact, each.change.position)
        after, now = self.views(), self._anew()
        causes = Causes(stated, known, lambda doc: {above.root(doc), now.root(doc)})
        return [
            event for root in sorted(after) for event in self._news(root, before.get(root, EMPTY), after[root], causes)
        ]

    def _anew(self) -> FactStore:
        anew = FactStore()
        for (source, _), known in self.store.known.items():
            anew.put(source, known.fact, known.position)
        return anew

    def views(self) -> dict[Doc, View]:
        anew = self._anew()
        return {root: derive(root, anew.tree(root)) for root in {anew.root(doc) for doc in anew.docs}}

    def graph(self) -> dict[Identity, Row]:
        return {identity: row for view in self.views().values() for identity, row in view.rows.items()}

    def _news(self, root: Doc, old: View, new: View, causes: Causes) -> Iterator[Event]:
        if new.order_id is None or new.facets is None:
            return
        emitted, known = self._emitted[new.order_id], old.happenings
        fresh = [h for key, h in new.happenings.items() if key not in known and key not in emitted.keys]
        if not fresh and old.rows == new.rows:
            return
        behind = causes.behind(root)
        for happening in sorted(fresh, key=happening_order) or [changed_happening(new.order_id, behind[0])]:
            cause = causes.of(happening) or behind[0]
            yield Event(
                new.order_id,
                emitted.enter(happening.key),
                happening,
                new.facets,
                cause,
                behind=[change.position for change in behind],
            )


def beside(history: History) -> Iterator[tuple[list[Event], list[Event], dict[Identity, Row], PlainFold]]:
    """After each batch: its events by the fold with all that it remembers and by the plain one, the graph that the
    first one's rows add up to, and the second one."""
    fold, plain, graph, log = Fold(), PlainFold(), dict[Identity, Row](), 0
    for batch in history:
        events, expected = list[Event](), list[Event]()
        for found in batch:
            log += 1
            stated = [said(log, place, *each) for place, each in enumerate(found, 1)]
            delta = fold.apply(stated)
            assert not delta.rejected
            events += delta.events
            expected += plain.apply(stated)
        for identity, row in fold.drain().rows.items():
            if row is None:
                graph.pop(identity, None)
            else:
                graph[identity] = row
        yield events, expected, graph, plain

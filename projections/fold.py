"""From a source transaction's facts to what changes in the graph and what enters the feed. Pure but for its caches."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager

from cdc.change import Change
from orders.facts import Doc, Fact, Ident
from orders.lifecycle import shown
from orders.recall import Recall
from orders.view import EMPTY, Pieces, View, newly_told
from projections.causes import Causes, keys_of
from projections.drained import Drained, difference, differs
from projections.events import Delta, Emitted, Event, Stated, changed_happening, happening_order
from projections.known import Key, Known, same_place
from projections.revisions import subjects
from projections.store import FactStore

log = logging.getLogger("milepost.projector")


class Fold:
    """Folds transactions into the store and tells what each one changed.

    Events are told of each transaction, rows of all since the last `drain`. A `thorough` one makes the rows of each
    transaction, too, so that a change with which they cannot be made is rejected as any other.
    """

    def __init__(self, *, thorough: bool = False) -> None:
        self._thorough = thorough
        self.store = FactStore()
        self.views: dict[Doc, View] = {}
        """The one that was touched last is the last."""
        self.parts: dict[Doc, tuple[Recall, Pieces]] = {}
        self.emitted: dict[str, Emitted] = defaultdict(Emitted)
        self.underivable: set[Doc] = set()
        """Roots of which nothing can be derived as a snapshot brought them: the graph has no row of theirs."""
        self._drained: dict[Doc, View] = {}
        """Views at the last drain, of the trees that were touched since, the latest one last."""
        self._told: set[Doc] = set()

    def clear(self) -> None:
        """All but `underivable` is a cache."""
        underivable = self.underivable
        self.__init__(thorough=self._thorough)  # type: ignore[misc]  # the rest
        self.underivable = underivable

    @contextmanager
    def thoroughly(self) -> Iterator[None]:
        """As one that was made thorough."""
        self._thorough = True
        try:
            yield
        finally:
            self._thorough = False

    def apply(self, stated: Sequence[Stated], docs: Collection[Doc] = ()) -> Delta:
        """One transaction of one source: facts in, what happened out; of the trees of `docs` too."""
        delta = Delta()
        nearby = self.nearby(stated)
        nearby.update(docs)
        above = {doc: self.store.root(doc) for doc in nearby}
        before = {root: self.view(root) for root in set(above.values())}
        known = {key: self.store.known.get(key) for key in keys_of(stated)}
        delta.superseded = self.put(stated)
        after, broken = self.derive_all(nearby, before, delta)
        if broken:
            delta.rejected = self.reject(stated, known, broken)
            after, _ = self.derive_all(nearby, before, delta)
        causes = Causes(stated, known, lambda doc: {above.get(doc), self.store.root(doc)})
        delta.events = self.happened(causes, before, after) if stated else []
        self.keep(before, after)
        return delta

    def drain(self) -> Drained:
        """The rows that are other than at the last drain, and whose they are. Raises UnshowableError."""
        drained, left = Drained(), set[str]()
        for root, old in self._drained.items():
            new = self.views.get(root, EMPTY)
            changed = difference(old, new)
            if changed or root in self._told:
                drained.subjects |= subjects((old, new), changed)
            drained.take(changed)
            if old.order_id is not None and old.order_id != new.order_id:
                left.add(old.order_id)
        if left:
            self._show_heirs(drained, left)
        self._drained, self._told = {}, set()
        return drained

    def _show_heirs(self, drained: Drained, orders: Set[str]) -> None:
        """All rows of those that have a number which another gave up: its rows lay over theirs, and go with it."""
        for root in self._drained:
            view = self.views.get(root, EMPTY)
            if view.order_id in orders:
                drained.take(difference(EMPTY, view))

    def forget(self, docs: Collection[Doc]) -> None:
        """Let go of documents that are stored and hang together with no other."""
        orders = set[str]()
        for root in {self.store.root(doc) for doc in docs}:
            view = self.views.pop(root, EMPTY)
            self.parts.pop(root, None)
            orders |= {view.order_id} if view.order_id else set()
        self.store.forget(docs)
        for order in orders:
            if not any(self.store.claims.docs(Ident("order_number", order))):
                self.emitted.pop(order, None)

    def put(self, stated: Sequence[Stated]) -> list[Change]:
        """The changes that lost: all their facts were older than what is known."""
        lost = []
        for each in stated:
            change = each.change
            won = [self.store.put(change.source, fact, change.position) for fact in each.facts]
            if not any(won):
                lost.append(change)
        return lost

    def nearby(self, stated: Iterable[Stated]) -> set[Doc]:
        """Every document whose place or content the facts may change, and those that they may come to hang under."""
        found, moving = set[Doc](), set[Doc]()
        for each in stated:
            for fact in each.facts:
                known = self.store.known.get((each.change.source, fact.key))
                old = known.fact if known else None
                moves = old is None or not same_place(old, fact)
                for said in (fact, old):
                    if said is not None and said.doc is not None:
                        found.add(said.doc)
                        if moves:
                            moving.add(said.doc)
                            moving.update(self.below(said))
                            found.update(self.above(said))
                            found.update(self.beside(said))
        found |= moving
        for doc in moving:
            found.update(self.store.claimants(doc))
        return found

    def below(self, fact: Fact) -> Iterable[Doc]:
        for ident in fact.claims:
            yield from self.store.links.docs(ident)

    def above(self, fact: Fact) -> Iterable[Doc]:
        return self.store.claims.docs(fact.belongs_to) if fact.belongs_to is not None else ()

    def beside(self, fact: Fact) -> Iterable[Doc]:
        """What claims the same: an order's number may come to another before the one that had it is gone."""
        for ident in fact.claims:
            yield from self.store.claims.docs(ident)

    def look(self, docs: Iterable[Doc]) -> dict[Doc, View]:
        """The present views of the documents' trees."""
        return {root: self.view(root) for root in {self.store.root(doc) for doc in docs}}

    def view(self, root: Doc) -> View:
        view = self.views.get(root)
        if view is None and root in self.store.docs and root not in self.underivable:
            try:
                view = self.views[root] = self.derived(root)
            except Exception:
                log.exception("nothing can be derived of %s", root)
                self.underivable.add(root)
        return view or EMPTY

    def derive_all(
        self, nearby: Iterable[Doc], before: Mapping[Doc, View], delta: Delta
    ) -> tuple[dict[Doc, View], dict[Doc, Exception]]:
        """The new views, and why some could not be derived that could before; these keep their old ones."""
        after, broken = dict[Doc, View](), dict[Doc, Exception]()
        for root in {*map(self.store.root, nearby), *before}:
            try:
                after[root] = self.derive(root)
            except Exception as error:
                after[root] = before.get(root, EMPTY)
                if root not in self.underivable:
                    broken[root] = error
            else:
                if root in self.underivable:
                    delta.mended.add(root)
        return after, broken

    def derive(self, root: Doc) -> View:
        return self.derived(root) if root in self.store.docs and self.store.root(root) == root else EMPTY

    def reject(
        self, stated: Sequence[Stated], known: Mapping[Key, Known | None], broken: Mapping[Doc, Exception]
    ) -> list[tuple[Stated, Exception]]:
        """Take back the changes that touch a broken tree; which they were, each with what broke."""
        guilty = [(each, error) for each in stated if (error := self.blame(each, known, broken))]
        for each, _ in guilty:
            for key in keys_of([each]):
                if self.store.known.get(key) is not known[key]:
                    self.store.undo(key, known[key])
        return guilty

    def blame(
        self, each: Stated, known: Mapping[Key, Known | None], broken: Mapping[Doc, Exception]
    ) -> Exception | None:
        """What broke in a tree that the change's facts are in, or were in before it."""
        facts = [*each.facts, *(old.fact for key in keys_of([each]) if (old := known[key]))]
        roots = {self.store.root(fact.doc) for fact in facts if fact.doc is not None}
        return next((error for root, error in broken.items() if root in roots), None)

    def derived(self, root: Doc) -> View:
        parts = self.parts.get(root)
        if parts is None:
            parts = self.parts[root] = Recall(), {}
        view = shown(self.store.aggregate(root), *parts)
        if self._thorough:
            _ = view.rows
        return view

    def keep(self, before: Mapping[Doc, View], after: Mapping[Doc, View]) -> None:
        for root, view in after.items():
            self._drained[root] = self._drained.pop(root, before.get(root, EMPTY))
            self.views.pop(root, None)
            if view is EMPTY:
                self.parts.pop(root, None)
            else:
                self.views[root] = view

    def happened(self, causes: "Causes", before: dict[Doc, View], after: dict[Doc, View]) -> list[Event]:
        events = list[Event]()
        for root in sorted(after):
            found = list(self.announce(root, before.get(root, EMPTY), after[root], causes))
            if found:
                self._told.add(root)
                events += found
        return events

    def announce(self, root: Doc, old: View, new: View, causes: "Causes") -> Iterator[Event]:
        """What is new of one order; a change that shows but tells nothing new is an ORDER_CHANGED."""
        if new is old or new.order_id is None or new.facets is None:
            return
        emitted = self.emitted[new.order_id]
        fresh = sorted(newly_told(old, new, emitted.keys), key=happening_order)
        if not fresh and not differs(old, new):
            return
        behind = causes.behind(root)
        if not fresh:
            changed = changed_happening(new.order_id, behind[0])
            fresh = [changed] if changed.key not in emitted.keys else []
        places = [change.position for change in behind]
        for happening in fresh:
            version, cause = emitted.enter(happening.key), causes.of(happening) or behind[0]
            yield Event(new.order_id, version, happening, new.facets, cause, behind=places)

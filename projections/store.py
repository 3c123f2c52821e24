"""The facts that are folded: last writer wins by position, and how documents hang together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from cdc.change import Position
from orders.aggregate import Aggregate, Entry
from orders.facts import Body, Doc, Fact, Ident
from projections.edges import Index
from projections.known import Key, Known, Unsaved, completed, same_place


class FactStore:
    """In memory; `projections.loader` brings in what lies in Postgres.

    Roots and trees that were asked for are remembered until an edge of one of their documents comes or goes.
    """

    def __init__(self) -> None:
        self.known: dict[Key, Known] = {}
        self.docs: dict[Doc, dict[str, Entry[Body]]] = {}
        self._roots: dict[Doc, Doc] = {}
        self._members: dict[Doc, set[Doc]] = defaultdict(set)
        self._aggregates: dict[Doc, Aggregate] = {}
        self.claims = Index()
        self.links = Index()
        self.added: set[Key] = set()
        self.changed: set[Key] = set()
        self.left: set[tuple[Doc, str, Position]] = set()
        """Documents, and places of changes that stated facts of theirs, to which nothing that is known leads."""

    def restore(self, source: str, fact: Fact, position: Position) -> None:
        """Bring back a fact as it was stored."""
        if (source, fact.key) not in self.known:
            self.known[source, fact.key] = Known(fact, position)
            self._file(fact, +1, stored=True)

    def component(self, doc: Doc) -> set[Doc]:
        """All that hangs together with the document, by what they claim and belong to."""
        found, waiting = {doc}, [doc]
        while waiting:
            for ident in self.named_by(waiting.pop()):
                near = {*self.claims.docs(ident), *self.links.docs(ident)} - found
                found |= near
                waiting += near
        return found

    def named_by(self, doc: Doc) -> set[Ident]:
        return {*self.claims.idents(doc), *self.links.idents(doc)}

    def forget(self, docs: Iterable[Doc]) -> None:
        """Let go of documents that are stored and hang together with no other."""
        for doc in docs:
            self._uproot(doc)
            for key in self.docs.pop(doc, ()):
                del self.known[doc.source, key]
            self.claims.forget(doc)
            self.links.forget(doc)

    def settle(self) -> Unsaved:
        """What is in memory is from now on what is stored; what is to be written for that."""
        unsaved = Unsaved(
            [(key, self.known[key]) for key in self.added],
            [(key, self.known[key]) for key in self.changed],
            self.claims.settle(),
            self.links.settle(),
            list(self.left),
        )
        self.added.clear()
        self.changed.clear()
        self.left.clear()
        return unsaved

    def put(self, source: str, fact: Fact, position: Position) -> bool:
        """Keep the fact unless a newer one with its key is there; at the same position the first stays."""
        key = (source, fact.key)
        old = self.known.get(key)
        if old is not None and old.position >= position:
            return False
        if fact.partial:
            fact = completed(fact, old.fact.body if old else None)
        self.known[key] = Known(fact, position)
        if old is None:
            self.added.add(key)
        elif key not in self.added:
            self.changed.add(key)
        if old is not None and old.fact.doc is not None and old.fact.doc != fact.doc:
            self.left.add((old.fact.doc, source, old.position))
        self._replace(old.fact if old else None, fact)
        return True

    def mend(self, key: Key, known: Known) -> None:
        """What is known under the key is this, whatever was known: its change is read otherwise now."""
        old = self.known.get(key)
        self.known[key] = known
        (self.added if old is None else self.changed).add(key)
        if old is not None and old.fact.doc is not None and old.fact.doc != known.fact.doc:
            self.left.add((old.fact.doc, key[0], old.position))
        self._replace(old.fact if old else None, known.fact)

    def spare(self, source: str, key: str, epoch: int) -> None:
        """A snapshot brought the fact's row and nobody could read it: the fact stays as it was, and is not swept."""
        position, old = Position(epoch, 0, 0), self.known.get((source, key))
        if old is not None and old.fact.doc is not None and old.position < position:
            self.left.add((old.fact.doc, source, old.position))
            self.put(source, old.fact, position)

    def undo(self, key: Key, old: Known | None) -> None:
        """What was put under the key since `old` was known is as if it had never come."""
        put = self.known[key].fact
        if old is None:
            self._file(put, -1)
            del self.known[key]
            self.added.discard(key)
        else:
            self.known[key] = old
            self._replace(put, old.fact)

    def _replace(self, old: Fact | None, new: Fact) -> None:
        if old is not None and same_place(old, new):
            self._keep(new)
            return
        if old is not None:
            self._file(old, -1)
        self._file(new, +1)

    def _file(self, fact: Fact, count: int, *, stored: bool = False) -> None:
        if fact.doc is None or fact.body is None:
            return
        if count > 0:
            self._keep(fact)
        else:
            self._unfile(fact.doc, fact.key)
        for ident in fact.claims:
            if self.claims.add(ident, fact.doc, count, stored=stored) and any(self.links.docs(ident)):
                self._rehang(ident, fact.doc)
        if fact.belongs_to is not None and self.links.add(fact.belongs_to, fact.doc, count, stored=stored):
            if count > 0 and fact.doc not in self._roots and not any(self.below(fact.doc)):
                self._hang(fact.doc)
            else:
                self._rehang(fact.belongs_to, fact.doc)

    def _keep(self, fact: Fact) -> None:
        doc, key, body = fact.doc, fact.key, fact.body
        if doc is None or body is None:
            return
        if (facts := self.docs.get(doc)) is None:
            self._uproot(doc)
            facts = self.docs[doc] = {}
        old = facts.get(key)
        facts[key] = new = Entry(doc, key, body)
        if aggregate := self._remembered(doc):
            aggregate.put(new, old)

    def _unfile(self, doc: Doc, key: str) -> None:
        facts = self.docs[doc]
        old = facts.pop(key, None)
        if not facts:
            self._uproot(doc)
            del self.docs[doc]
        elif old is not None and (aggregate := self._remembered(doc)):
            aggregate.drop(old)

    def _remembered(self, doc: Doc) -> Aggregate | None:
        """The aggregate that the document is in."""
        root = self._roots.get(doc)
        return None if root is None else self._aggregates.get(root)

    def _hang(self, doc: Doc) -> None:
        """One under which none hangs, and whose place nobody has asked for: the tree above it is as it was beside."""
        above = self._above(doc)
        root = None if above is None else self._roots.get(above)
        if root is not None:
            self._remember(doc, root)
            if aggregate := self._aggregates.get(root):
                aggregate.hang(doc, self.docs[doc])

    def _rehang(self, ident: Ident, doc: Doc) -> None:
        """Forget the trees that an edge between the two may change: those of the document and of all that name it, and
        those that they hang in from now on by another of their links."""
        for near in (doc, *self.claims.docs(ident), *self.links.docs(ident)):
            self._uproot(near)
            above = self._above(near)
            if above is not None:
                self._uproot(above)

    def _uproot(self, doc: Doc) -> None:
        root = self._roots.get(doc)
        if root is not None:
            for each in self._members.pop(root):
                del self._roots[each]
            self._aggregates.pop(root, None)

    def _remember(self, doc: Doc, root: Doc) -> None:
        self._roots[doc] = root
        self._members[root].add(doc)

    def below(self, doc: Doc) -> Iterator[Doc]:
        """Those that hang on what the document claims."""
        for ident in self.claims.idents(doc):
            yield from self.links.docs(ident)

    def root(self, doc: Doc) -> Doc:
        """The document at the top: up along the links, by the least claimant; of a circle the least one."""
        found = self._roots.get(doc)
        if found is None:
            path, found = self._climbed(doc)
            for each in path:
                self._remember(each, found)
        return found

    def _climbed(self, doc: Doc) -> tuple[list[Doc], Doc]:
        """The way up, and the root."""
        path = [doc]
        while (above := self._above(path[-1])) is not None:
            if above in path:
                return path, min(path[path.index(above) :])
            path.append(above)
        return path, path[-1]

    def is_top(self, doc: Doc) -> bool:
        return self._above(doc) is None

    def claimants(self, doc: Doc) -> list[Doc]:
        """Of the identifiers that the document belongs to."""
        return [c for ident in self.links.idents(doc) for c in self.claims.docs(ident)]

    def beside(self, doc: Doc) -> Iterator[Doc]:
        """Those that claim what the document claims, itself among them."""
        for ident in self.claims.idents(doc):
            yield from self.claims.docs(ident)

    def _above(self, doc: Doc) -> Doc | None:
        return min(self.claimants(doc), default=None)

    def tree(self, root: Doc) -> dict[Doc, dict[str, Entry[Body]]]:
        """The documents whose root it is, with their facts."""
        found, waiting = {root}, list(self.below(root))
        while waiting:
            doc = waiting.pop()
            if doc not in found and self.root(doc) == root:
                found.add(doc)
                waiting += self.below(doc)
        return {doc: self.docs[doc] for doc in found if doc in self.docs}

    def aggregate(self, root: Doc) -> Aggregate:
        """The facts of its tree; it stays the same, and is told of what changes, while the tree's documents are."""
        found = self._aggregates.get(root)
        if found is None:
            found = self._aggregates[self.root(root)] = Aggregate(root, self.tree(root))
        return found

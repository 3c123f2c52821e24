"""How documents hang together: which identifiers each names."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct, field

from orders.facts import Doc, Ident

Edge = tuple[Ident, Doc]
_T = TypeVar("_T")


class Moved(Struct, frozen=True):
    """Edges that are there now, or not any more."""

    put: list[Edge] = field(default_factory=list)
    dropped: list[Edge] = field(default_factory=list)


class Index:
    """Identifier ↔ documents, counted, since several facts of a document may say the same.

    `moved` collects the edges that came or went, for whoever stores them.
    """

    def __init__(self) -> None:
        self.moved: set[Edge] = set()
        self._docs: dict[Ident, dict[Doc, int]] = defaultdict(dict)
        self._idents: dict[Doc, dict[Ident, int]] = defaultdict(dict)

    def add(self, ident: Ident, doc: Doc, count: int, *, stored: bool = False) -> bool:
        """Whether the edge is there now and was not, or the other way round; one that is `stored` is no news."""
        docs = self._docs[ident]
        before = doc in docs
        _count(docs, doc, count)
        _count(self._idents[doc], ident, count)
        moved = (doc in docs) is not before
        if moved and not stored:
            self.moved.add((ident, doc))
        return moved

    def docs(self, ident: Ident) -> Iterable[Doc]:
        return self._docs.get(ident, ())

    def idents(self, doc: Doc) -> Iterable[Ident]:
        return self._idents.get(doc, ())

    def forget(self, doc: Doc) -> None:
        """What the document's facts say is in memory no more."""
        for ident in self._idents.pop(doc, ()):
            docs = self._docs[ident]
            del docs[doc]
            if not docs:
                del self._docs[ident]

    def settle(self) -> Moved:
        """What has moved since the last time."""
        moved = Moved()
        for ident, doc in self.moved:
            (moved.put if doc in self._docs.get(ident, ()) else moved.dropped).append((ident, doc))
        self.moved.clear()
        return moved


def _count(counts: dict[_T, int], thing: _T, more: int) -> None:
    left = counts.get(thing, 0) + more
    if left:
        counts[thing] = left
    else:
        counts.pop(thing, None)

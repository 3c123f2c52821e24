"""The facts that make up one order, sorted by what they are."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Generic, TypeVar

from orders.facts import Body, Doc
from orders.values import Value

B = TypeVar("B", bound=Body)
B_co = TypeVar("B_co", bound=Body, covariant=True)

Facts = Mapping[Doc, Mapping[str, Body]]
"""Document → key of the fact → its body."""


class Entry(Value, Generic[B_co], frozen=True):
    """A fact with its place: document and key."""

    doc: Doc
    key: str
    body: B_co

    @property
    def id(self) -> str:
        """Public id of what the fact tells: its source and its own key there."""
        return f"{self.doc.source}:{self.local}"

    @property
    def local(self) -> str:
        return self.key.partition("/")[2]

    @property
    def because(self) -> tuple[str, str]:
        """Source and key of the fact: what names a cause."""
        return self.doc.source, self.key


class Aggregate:
    """All facts of the documents under one root."""

    def __init__(self, root: Doc, facts: Facts) -> None:
        self.root = root
        self._entries: dict[type, list[Entry[Body]]] = defaultdict(list)
        for doc in sorted(facts):
            for key, body in facts[doc].items():
                self._entries[type(body)].append(Entry(doc, key, body))

    def all(self, kind: type[B]) -> list[Entry[B]]:
        return self._entries.get(kind, [])  # type: ignore[return-value]  # filed under its own type

    def of(self, kind: type[B], doc: Doc) -> list[Entry[B]]:
        return [entry for entry in self.all(kind) if entry.doc == doc]

    def first(self, kind: type[B], doc: Doc | None = None) -> Entry[B] | None:
        return next(iter(self.all(kind) if doc is None else self.of(kind, doc)), None)

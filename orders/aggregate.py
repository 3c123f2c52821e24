"""The facts that make up one order, sorted by what they are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from orders.facts import Body, Doc
from orders.values import Value

B = TypeVar("B", bound=Body)
B_co = TypeVar("B_co", bound=Body, covariant=True)


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


Facts = Mapping[Doc, Mapping[str, Entry[Body]]]
"""Document → key of the fact → the fact."""


class Aggregate:
    """All facts of the documents under one root."""

    def __init__(self, root: Doc, facts: Facts) -> None:
        self.root = root
        self._facts = facts
        self._entries: dict[type, list[Entry[Body]]] = defaultdict(list)
        for doc in sorted(facts):
            for entry in facts[doc].values():
                self._entries[type(entry.body)].append(entry)

    def document(self, doc: Doc) -> list[Entry[Body]]:
        return list(self._facts[doc].values())

    def all(self, kind: type[B]) -> list[Entry[B]]:
        return self._entries.get(kind, [])  # type: ignore[return-value]  # filed under its own type

    def each(self, kinds: Iterable[type[Body]]) -> list[list[Entry[Body]]]:
        """The facts of each of the kinds."""
        return [self.all(kind) for kind in kinds]

    def first(self, kind: type[B]) -> Entry[B] | None:
        return next(iter(self.all(kind)), None)


def of_kind(kind: type[B], entries: Iterable[Entry[Body]]) -> list[Entry[B]]:
    return [entry for entry in entries if type(entry.body) is kind]  # type: ignore[misc]  # mypy does not narrow by it

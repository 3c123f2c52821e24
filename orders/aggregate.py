"""The facts that make up one order, sorted by what they are."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import ClassVar, Generic, TypeVar

from orders.facts import Body, Doc
from orders.values import Value

B = TypeVar("B", bound=Body)
B_co = TypeVar("B_co", bound=Body, covariant=True)
_document = attrgetter("doc")


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


class Group:
    """Kinds of facts that are asked for together."""

    of: ClassVar[dict[type[Body], list["Group"]]] = defaultdict(list)
    """Kind → the groups that it is in."""

    def __init__(self, *kinds: type[Body]) -> None:
        self.kinds = kinds
        for kind in kinds:
            self.of[kind].append(self)


class Aggregate:
    """All facts of the documents under one root, by what they are and by document.

    What is returned never changes, and is the same object until one of its facts is another: whoever remembers what
    follows from it sees at once that nothing has changed.
    """

    def __init__(self, root: Doc, facts: Facts) -> None:
        self.root = root
        self._facts = dict(facts)
        self._kinds: dict[type, list[Entry[Body]]] = defaultdict(list)
        self._groups: dict[Group, list[list[Entry[Body]]]] = {}
        self._documents: dict[tuple[Doc, ...], list[list[Entry[Body]]]] = {}
        self._file()

    def put(self, new: Entry[Body], old: Entry[Body] | None) -> None:
        """The fact is in its document now, in the place of the `old` one with its key."""
        kind, known = type(new.body), self._kinds[type(new.body)]
        self._forget(new.doc, kind)
        if old is None:
            place = bisect_right(known, new.doc, key=_document)
            self._kinds[kind] = [*known[:place], new, *known[place:]]
        elif type(old.body) is kind:
            self._kinds[kind] = [new if each is old else each for each in known]
        else:
            self._file()

    def hang(self, doc: Doc, facts: Mapping[str, Entry[Body]]) -> None:
        """One more document, with these facts, is under the root, and none under it."""
        self._facts[doc] = facts
        for entry in facts.values():
            self.put(entry, None)

    def drop(self, old: Entry[Body]) -> None:
        """The fact is in its document no more."""
        kind = type(old.body)
        self._forget(old.doc, kind)
        self._kinds[kind] = [each for each in self._kinds[kind] if each is not old]

    def _forget(self, doc: Doc, kind: type[Body]) -> None:
        for group in Group.of.get(kind, ()):
            self._groups.pop(group, None)
        for docs in [docs for docs in self._documents if doc in docs]:
            del self._documents[docs]

    def _file(self) -> None:
        self._kinds.clear()
        self._groups.clear()
        for doc in sorted(self._facts):
            for entry in self._facts[doc].values():
                self._kinds[type(entry.body)].append(entry)

    def documents(self, docs: tuple[Doc, ...]) -> list[list[Entry[Body]]]:
        """The facts of each of the documents."""
        found = self._documents.get(docs)
        if found is None:
            found = self._documents[docs] = [list(self._facts[doc].values()) for doc in docs]
        return found

    def all(self, kind: type[B]) -> list[Entry[B]]:
        return self._kinds[kind]  # type: ignore[return-value]  # filed under its own type

    def each(self, group: Group) -> list[list[Entry[Body]]]:
        """The facts of each of the kinds."""
        found = self._groups.get(group)
        if found is None:
            found = self._groups[group] = [self.all(kind) for kind in group.kinds]
        return found

    def first(self, kind: type[B]) -> Entry[B] | None:
        return next(iter(self.all(kind)), None)


def of_kind(kind: type[B], entries: Iterable[Entry[Body]]) -> list[Entry[B]]:
    return [entry for entry in entries if type(entry.body) is kind]  # type: ignore[misc]  # mypy does not narrow by it

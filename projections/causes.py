"""Which changes of a transaction are behind what it made happen."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from cdc.change import Change
from orders.facts import Doc
from orders.happenings import Happening
from projections.events import Stated
from projections.known import Key, Known


def keys_of(stated: Iterable[Stated]) -> Iterator[Key]:
    return ((each.change.source, fact.key) for each in stated for fact in each.facts)


class Causes:
    """Which changes of a transaction are behind what is new. `roots` tells under which roots a document was and is."""

    def __init__(
        self, stated: Sequence[Stated], known: Mapping[Key, Known | None], roots: Callable[[Doc], set[Doc | None]]
    ) -> None:
        self._stated = stated
        self._known = known
        self._roots = roots

    def of(self, happening: Happening) -> Change | None:
        """The change that states the happening's fact."""
        return self._by_fact.get(happening.because)

    def behind(self, root: Doc) -> Sequence[Change]:
        """Those with facts that are, or were, in the tree; all of them where that cannot be told."""
        found = self._by_root.get(root) if len(self._stated) > 1 else None
        return found or [each.change for each in self._stated]

    @cached_property
    def _by_fact(self) -> Mapping[Key, Change]:
        return {(each.change.source, fact.key): each.change for each in self._stated for fact in each.facts}

    @cached_property
    def _by_root(self) -> Mapping[Doc | None, Sequence[Change]]:
        found: dict[Doc | None, list[Change]] = defaultdict(list)
        for each in self._stated:
            for root in {root for doc in self._docs(each) for root in self._roots(doc)}:
                found[root].append(each.change)
        return found

    def _docs(self, each: Stated) -> Iterator[Doc]:
        for fact in each.facts:
            old = self._known.get((each.change.source, fact.key))
            for said in (fact, old.fact if old else None):
                if said is not None and said.doc is not None:
                    yield said.doc

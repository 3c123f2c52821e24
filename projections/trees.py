"""Whose each tree is when several share them out, by the documents from which they find them."""

from collections.abc import Iterator, Sequence

from orders.facts import Doc
from projections.store import FactStore
from projections.text import doc_text


def theirs(store: FactStore, docs: Sequence[Doc]) -> list[Doc]:
    """The roots of all that hangs together with these, but for what hangs together with one that comes before them.

    `docs` are tops and documents that may be in circles. So each tree is somebody's, and nobody else's: also one in a
    circle, which has no document at its top, whether something is above it by other links or not.
    """
    roots = {store.root(doc) for doc in store.docs}
    if roots <= set(docs):
        return list(roots)
    found = set[Doc]()
    for component in components(store, docs):
        its = {store.root(doc) for doc in component}
        if min(filter(store.is_top, component), key=doc_text, default=min(its, key=doc_text)) in docs:
            found |= its
    return list(found)


def components(store: FactStore, docs: Sequence[Doc]) -> Iterator[set[Doc]]:
    """What hangs together with any of these, as far as it is stored."""
    seen = set[Doc]()
    for doc in docs:
        if doc not in seen and doc in store.docs:
            component = hung(store, doc)
            seen |= component
            yield component


def hung(store: FactStore, doc: Doc) -> set[Doc]:
    """All that hangs together with the document, or claims the same; what waits for the same does not."""
    found, waiting = {doc}, [doc]
    while waiting:
        near = waiting.pop()
        more = {*store.claimants(near), *store.below(near), *store.beside(near)} - found
        found |= more
        waiting += more
    return found

"""How documents hang together: the tree under a root is exactly the documents whose root it is."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cdc.change import Position
from orders.aggregate import Entry
from orders.facts import Body, Doc, DocKind, Fact, Ident, Package, ReturnLine
from projections.store import FactStore

PLACES = st.integers(0, 6)
DOCUMENTS = st.lists(st.tuples(st.sets(PLACES, max_size=2), st.none() | PLACES), min_size=1, max_size=8)
"""What each document claims, and what it belongs to: circles and several claimants among them."""


@given(DOCUMENTS)
def test_a_tree_holds_the_documents_whose_root_it_is(documents: list[tuple[set[int], int | None]]) -> None:
    store = FactStore()
    for number, (claims, above) in enumerate(documents):
        fact = Fact(
            key=f"line/{number}",
            doc=Doc("erp", DocKind.ORDER, str(number)),
            body=ReturnLine(line="1", quantity=Decimal(1)),
            claims=tuple(Ident("order_number", str(claim)) for claim in sorted(claims)),
            belongs_to=None if above is None else Ident("order_number", str(above)),
        )
        store.put("erp", fact, Position(0, number, 0))
    roots = {doc: store.root(doc) for doc in store.docs}
    for doc, root in roots.items():
        above = store._above(doc)
        assert root == (doc if above is None else roots[above]), "whatever hangs below hangs in the same tree"
    for root in set(roots.values()):
        assert set(store.tree(root)) == {doc for doc, its in roots.items() if its == root}


BODIES: tuple[Body, ...] = (ReturnLine(line="1", quantity=Decimal(1)), Package("1", None, None, None))


def told(key: int, number: int, body: Body | None, claims: Iterable[int], above: int | None) -> Fact:
    """Without a body it has ended."""
    if body is None:
        return Fact(key=f"line/{key}")
    return Fact(
        key=f"line/{key}",
        doc=Doc("erp", DocKind.ORDER, str(number)),
        body=body,
        claims=tuple(Ident("order_number", str(claim)) for claim in claims),
        belongs_to=None if above is None else Ident("order_number", str(above)),
    )


FACTS = st.builds(
    told,
    st.integers(0, 5),
    st.integers(0, 4),
    st.sampled_from([*BODIES, *BODIES, None]),
    st.sets(st.integers(0, 2), max_size=1),
    st.none() | st.integers(0, 2),
)
"""Some end, and some are told of another document than before."""


ABOVE, ITSELF = told(3, 3, BODIES[0], [2], None), told(2, 1, BODIES[0], [1], 1)
ROOT, LEAF, BETWEEN = told(0, 0, BODIES[0], [1], None), told(1, 1, BODIES[0], [], 2), told(2, 2, BODIES[0], [2], 1)


@settings(max_examples=300)
@example([(ROOT, True), (LEAF, True), (BETWEEN, True)])
@example([(ROOT, True), (LEAF, False), (told(3, 1, BODIES[1], [], 1), True), (told(1, 1, None, [], None), True)])
@example([(LEAF, False), (ABOVE, False), (ITSELF, True), (told(2, 4, BODIES[0], [1], None), True)])
@given(st.lists(st.tuples(FACTS, st.booleans()), min_size=1, max_size=20))
def test_trees_that_are_remembered_are_those_that_would_be_found_anew(facts: list[tuple[Fact, bool]]) -> None:
    """Whatever was asked for on the way."""
    store = FactStore()
    for place, (fact, asked) in enumerate(facts):
        if fact.doc and asked:
            store.root(fact.doc)
        store.put("erp", fact, Position(0, place, 0))
        if asked:
            assert trees(store) == trees(anew(store))
    assert trees(store) == trees(anew(store))


def anew(store: FactStore) -> FactStore:
    """The same facts, with nothing remembered."""
    found = FactStore()
    for doc, facts in store.docs.items():
        for key in facts:
            known = store.known[doc.source, key]
            found.put(doc.source, known.fact, known.position)
    return found


def trees(store: FactStore) -> dict[Doc, list[list[Entry[Any]]]]:
    """The facts of each by kind, in order."""
    roots = {store.root(doc) for doc in store.docs}
    return {root: [list(store.aggregate(root).all(type(body))) for body in BODIES] for root in roots}

"""How documents hang together: the tree under a root is exactly the documents whose root it is."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cdc.change import Position
from orders.facts import Doc, DocKind, Fact, Ident, ReturnLine
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

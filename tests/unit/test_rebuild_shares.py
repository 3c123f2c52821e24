"""Several that make the rows of a graph: each tree is made once, however documents at the tops and in circles are
shared out."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cdc.change import Position
from orders.facts import Charge, Doc, DocKind, Fact, Ident
from projections.store import FactStore
from projections.text import doc_text
from projections.trees import hung, theirs

NAMES = st.sampled_from("abcde")
FACTS = st.lists(st.tuples(st.frozensets(NAMES, max_size=2), st.none() | NAMES), min_size=1, max_size=9)
"""Of each document what it claims and what it belongs to: trees, shared claims, circles."""


def fact(number: int, claims: frozenset[str], above: str | None) -> Fact:
    return Fact(
        key=f"charge/{number}",
        doc=Doc("erp", DocKind.ORDER, str(number)),
        body=Charge(kind="FREIGHT", amount=Decimal(number), currency="USD", posting=None, at=None),
        claims=tuple(Ident("name", each) for each in sorted(claims)),
        belongs_to=Ident("name", above) if above else None,
    )


def stored(facts: list[Fact]) -> FactStore:
    store = FactStore()
    for each in facts:
        store.put("erp", each, Position(1, 1, 1))
    return store


@given(facts=FACTS, size=st.integers(1, 4))
def test_each_tree_is_made_once(facts: list[tuple[frozenset[str], str | None]], size: int) -> None:
    told = [fact(number, *each) for number, each in enumerate(facts)]
    whole = stored(told)
    docs = sorted(filter(lambda doc: whole.is_top(doc) or any(whole.below(doc)), whole.docs), key=doc_text)
    made = list[Doc]()
    for start in range(0, len(docs), size):
        share = docs[start : start + size]
        near = {doc for each in share for doc in hung(whole, each)}
        made += theirs(stored([each for each in told if each.doc in near]), share)
    assert sorted(made) == sorted({whole.root(doc) for doc in whole.docs})

"""Documents that hang on several orders, move from one to another, lose them, or hang in circles, and orders whose
numbers go to others: what is folded is what the plain way gives."""

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from orders.facts import Body, Doc, DocKind, Fact, Ident, Posting, ShipmentHeader, ShipmentLine
from tests.controls.orders import header, hours, line
from tests.controls.plainly import History, PlainFold, Told, beside
from tests.unit.test_fold import named, order_doc

NUMBERS = ("1", "2", "3")
numbers = st.sampled_from(NUMBERS)


def ordered(order: str, number: str, replaces: str | None = None) -> Told:
    """An order's header; the order may belong to another that it replaces."""
    above = Ident("replaced", replaces) if replaces else None
    claims = named(number), Ident("replaced", order)
    return "erp", Fact(f"order/{order}", order_doc(order), header(number=number), claims, above)


def own_number(order: str, replaces: str | None) -> Told:
    return ordered(order, order, replaces)


def lined(order: str, place: int) -> Told:
    return "erp", Fact(f"line/{order}/{place}", order_doc(order), line(str(place)))


def shipped(number: str, place: int, of: str) -> Told:
    """A shipment's header, or what is in it at that place: each may be of another order."""
    body: Body = ShipmentLine(str(place), "SKU-1", Decimal(place))
    if place == 0:
        body = ShipmentHeader(f"ES{number}", "EA", None, None, None, hours(20), shipped_at=hours(24))
    return "east", Fact(f"shipment/{number}/{place}", Doc("east", DocKind.SHIPMENT, number), body, (), named(of))


def posted(number: str, place: int, of: str, partner: str) -> Told:
    """The ERP's posting of East's shipment, likewise."""
    body: Body = ShipmentLine(str(place), None, Decimal(place))
    if place == 0:
        body = Posting(f"P{number}", "EA", f"ES{partner}", None, None, hours(26))
    return "erp", Fact(f"posting/{number}/{place}", Doc("erp", DocKind.POSTING, number), body, (), named(of))


def gone(told: Told) -> Told:
    return told[0], Fact(told[1].key)


def histories(*facts: st.SearchStrategy[Told]) -> st.SearchStrategy[History]:
    each = st.one_of(*facts)
    some = st.one_of(each, each, each, each.map(gone))
    return st.lists(st.lists(st.lists(some, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=6)


places = st.integers(0, 2)
papers = st.builds(shipped, numbers, places, numbers), st.builds(posted, numbers, places, numbers, numbers)
HUNG = histories(st.builds(own_number, numbers, st.none() | numbers), *papers)
RENUMBERED = histories(st.builds(ordered, numbers, numbers), st.builds(lined, numbers, places), *papers)
MOVED: History = [
    [[ordered("1", "1"), ordered("2", "2"), shipped("1", 0, "1"), shipped("1", 1, "2"), posted("1", 0, "2", "1")]],
    [[gone(ordered("1", "1"))]],
]
"""Behind its first order the shipment is of the second one, whose posting is no shipment of its own then."""
INHERITED: History = [[[ordered("1", "1")]], [[ordered("2", "1")]], [[gone(ordered("1", "1"))]]]


@given(history=HUNG)
@example(history=MOVED)
def test_what_hangs_on_several_is_where_the_plain_way_has_it(history: History) -> None:
    for events, expected, graph, plain in beside(history):
        assert events == expected
        assert graph == plain.graph()


@given(history=RENUMBERED)
@example(history=INHERITED)
def test_a_number_that_one_order_has_shows_that_order_alone(history: History) -> None:
    """However long two had it before."""
    for _, _, graph, plain in beside(history):
        if all(len(claimants(plain, number)) <= 1 for number in NUMBERS):
            assert graph == plain.graph()


def claimants(plain: PlainFold, number: str) -> list[Doc]:
    return list(plain.store.claims.docs(named(number)))

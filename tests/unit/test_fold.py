"""What is folded with all that is remembered is what the plain way gives: each event, and the rows of each batch."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orders.facts import Body, Doc, DocKind, Fact, Ident, PartnerOrder, PartnerPick
from orders.states import Commercial, Milestone, Return
from tests.controls.orders import (
    allocation,
    delay,
    goods_return,
    header,
    hours,
    invoice,
    line,
    posting,
    release,
    scan,
    shipment,
)
from tests.controls.plainly import AT, History, beside

NUMBERS = ("1042", "1043")
numbers = st.sampled_from(NUMBERS)
quoted_numbers = st.sampled_from([*NUMBERS, *NUMBERS, "91042"])
small = st.integers(1, 2)


def order_doc(number: str) -> Doc:
    return Doc("erp", DocKind.ORDER, number)


def named(number: str) -> Ident:
    return Ident("order_number", number)


def told(doc: Doc, key: str, body: Body, claims: tuple[Ident, ...] = (), belongs_to: Ident | None = None) -> Fact:
    return Fact(key=key, doc=doc, body=body, claims=claims, belongs_to=belongs_to)


@st.composite
def order_facts(draw: st.DrawFn) -> Fact:
    """An order's header, with its number or a corrected one, or one of its other facts."""
    doc = order_doc(draw(numbers))
    number = draw(st.sampled_from([doc.id, doc.id, f"9{doc.id}"]))
    headed = header(
        number=number,
        commercial=draw(st.sampled_from([Commercial.ACCEPTED, Commercial.RECEIVED, Commercial.CANCELLED])),
        accepted_at=draw(st.sampled_from([None, hours(1)])),
        held_at=draw(st.sampled_from([None, None, hours(3)])),
        promised_on=draw(st.sampled_from([None, hours(100).date()])),
        note=draw(st.sampled_from([None, "call first"])),
    )
    some = draw(small)
    lined = line(
        str(some), draw(st.integers(1, 9)), sku=f"SKU-{draw(small)}", backordered=Decimal(draw(st.integers(0, 1)))
    )
    return draw(
        st.sampled_from(
            [
                told(doc, f"order/{doc.id}", headed, (named(number),)),
                told(doc, f"order/{doc.id}", headed, (named(number),)),
                told(doc, f"line/{doc.id}/{some}", lined),
                told(doc, f"allocation/{doc.id}", allocation(draw(st.integers(0, 5)), str(some))),
                told(doc, f"release/{doc.id}", release(3, str(some))),
            ]
        )
    )


@st.composite
def partner_facts(draw: st.DrawFn) -> Fact:
    """East's order and its shipments: scans among them, some twice, some late."""
    number, quoted = draw(small), draw(numbers)
    order = Doc("east", DocKind.PARTNER_ORDER, quoted)
    ident = Ident("east:order", quoted)
    asked = PartnerOrder(f"E{quoted}", draw(st.sampled_from(["RECEIVED", "PICKING"])), quoted, None, AT)
    pick = PartnerPick(str(draw(small)), "SKU-1", Decimal(5), Decimal(draw(st.integers(0, 5))), Decimal(0), Decimal(0))
    [(doc, parts)] = shipment(
        number=number,
        quantity=draw(st.integers(1, 5)),
        line=str(draw(small)),
        shipped_at=draw(st.sampled_from([None, hours(24)])),
        eta=draw(st.sampled_from([None, hours(50), hours(300)])),
        void=draw(st.booleans()),
    ).items()
    seen = draw(
        st.sampled_from([scan(m, 60) for m in (Milestone.AT_HUB, Milestone.DELIVERED, Milestone.LOST)] + [delay(40)])
    )
    headed, packed = (told(doc, key, body) for key, body in parts.items())
    hung = told(doc, headed.key, parts[headed.key], (), ident)
    return draw(
        st.sampled_from(
            [
                told(order, f"order/{quoted}", asked, (ident,), named(draw(quoted_numbers))),
                told(order, f"pick/{quoted}", pick),
                hung,
                hung,
                packed,
                told(doc, f"scan/{number}{draw(st.integers(1, 4))}", seen),
            ]
        )
    )


@st.composite
def paper_facts(draw: st.DrawFn) -> Fact:
    """The ERP's posting, invoice and return; some hang on two orders."""
    of_order = named(draw(quoted_numbers))
    billed = invoice(
        draw(st.integers(1, 5)), paid_at=draw(st.sampled_from([None, hours(90)])), void=draw(st.booleans())
    )
    found = [*posting(partner=draw(st.sampled_from([None, "ES1", "ES2"]))).items(), *billed.items()]
    found += goods_return(draw(st.sampled_from([Return.RMA_ISSUED, Return.RECEIVED_BACK]))).items()
    doc, bodies = draw(st.sampled_from(found))
    first, *_ = bodies
    key = draw(st.sampled_from(list(bodies)))
    hangs = key == first or draw(st.integers(0, 3)) == 0
    return told(doc, key, bodies[key], (), of_order if hangs else None)


@st.composite
def facts(draw: st.DrawFn) -> tuple[str, Fact]:
    """Source and fact; one in eight is a deletion."""
    fact = draw(st.one_of(order_facts(), partner_facts(), paper_facts()))
    assert fact.doc is not None
    gone = draw(st.integers(0, 7)) == 0
    return fact.doc.source, Fact(key=fact.key) if gone else fact


transactions = st.lists(facts(), min_size=1, max_size=4)
batches = st.lists(st.lists(transactions, min_size=1, max_size=4), min_size=1, max_size=6)


@given(batches=batches)
def test_events_and_rows_are_those_of_the_plain_way(batches: History) -> None:
    for events, expected, graph, plain in beside(batches):
        assert events == expected
        assert graph == plain.graph()

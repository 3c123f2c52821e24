"""Each facet from the facts that give it; docs/lifecycle.md is the definition."""

import random
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.facets import Facets
from orders.facts import Doc, DocKind, PartnerOrder, Posting, ShipmentLine
from orders.graph import LineRow, MilestoneRow, OrderRow, ShipmentLineRow, ShipmentRow, TransportEventRow
from orders.lifecycle import derive
from orders.recall import Recall
from orders.states import Commercial, Delivery, DisplayStatus, EventType, Financial, Fulfillment, Health, Milestone
from orders.states import Return as Returned
from orders.view import View
from tests.controls.orders import (
    ORDER,
    Facts,
    allocation,
    delay,
    filed,
    goods_return,
    hours,
    invoice,
    line,
    order,
    posting,
    release,
    scan,
    shipment,
    shipment_doc,
    together,
    with_facts,
)

OUT = scan(Milestone.OUT_FOR_DELIVERY, 60)
DONE = scan(Milestone.DELIVERED, 64)
TRIED = scan(Milestone.DELIVERY_ATTEMPTED, 62)


def view(*parts: Facts) -> View:
    return derive(ORDER, filed(together(*parts)))


def whole(found: View) -> tuple[object, ...]:
    return found.rows, found.happenings, found.order_id, found.facets


def facets(*parts: Facts) -> Facets:
    found = view(*parts).facets
    assert found is not None
    return found


def only_line(*parts: Facts) -> LineRow:
    (row,) = [row for row in view(*parts).rows.values() if isinstance(row, LineRow)]
    return row


def only_shipment(*parts: Facts) -> ShipmentRow:
    (row,) = [row for row in view(*parts).rows.values() if isinstance(row, ShipmentRow)]
    return row


def kinds(*parts: Facts) -> list[EventType]:
    return sorted(h.type for h in view(*parts).happenings.values())


def test_stock_set_aside_for_a_part_of_a_shipment_is_its_lines() -> None:
    aside = with_facts(order(), allocation_1=allocation(7, number="shipment_line/1/1"))
    assert only_line(aside).allocated == 0
    assert only_line(aside, shipment(shipped_at=None)).allocated == 7


def asked(state: str, acknowledged_at: datetime | None = None) -> Facts:
    """A 3PL's order."""
    body = PartnerOrder("EO1", state, "1042", acknowledged_at, None)
    return {Doc("east", DocKind.PARTNER_ORDER, "1"): {"order/1": body}}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (order(), Fulfillment.NOT_RELEASED),
        (order(line(backordered=Decimal(4))), Fulfillment.BACKORDERED),
        (with_facts(order(), allocation_1=allocation(10)), Fulfillment.ALLOCATED),
        (with_facts(order(), allocation_1=allocation(10), release_1=release(10)), Fulfillment.RELEASED),
        (together(order(), asked("RECEIVED")), Fulfillment.NOT_RELEASED),
        (together(order(), asked("ACKNOWLEDGED")), Fulfillment.ACKNOWLEDGED),
        (together(order(), asked("RECEIVED", hours(2))), Fulfillment.ACKNOWLEDGED),
        (together(order(), asked("CANCELLED", hours(2))), Fulfillment.NOT_RELEASED),
        (together(order(), shipment(quantity=4)), Fulfillment.PARTIALLY_SHIPPED),
        (together(order(), shipment(quantity=10)), Fulfillment.SHIPPED),
        (together(order(line(closed_short=True)), shipment(quantity=4)), Fulfillment.SHORT_CLOSED),
        (together(order(), shipment(shipped_at=None)), Fulfillment.NOT_RELEASED),
        (together(order(), shipment(void=True)), Fulfillment.NOT_RELEASED),
    ],
)
def test_fulfillment(facts: Facts, expected: Fulfillment) -> None:
    assert facets(facts).fulfillment is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (order(), Delivery.NONE),
        (together(order(), shipment()), Delivery.IN_TRANSIT),
        (together(order(), shipment(DONE)), Delivery.DELIVERED),
        (together(order(), shipment(DONE, quantity=4)), Delivery.PARTIALLY_DELIVERED),
        (together(order(), shipment(TRIED)), Delivery.DELIVERY_EXCEPTION),
        (together(order(), shipment(TRIED, DONE)), Delivery.DELIVERED),
        (together(order(), shipment(scan(Milestone.LOST, 70))), Delivery.DELIVERY_EXCEPTION),
        (together(order(), shipment(scan(Milestone.RETURNED, 90))), Delivery.RETURN_TO_SENDER),
    ],
)
def test_delivery(facts: Facts, expected: Delivery) -> None:
    assert facets(facts).delivery is expected


SHIPPED = together(order(), shipment())


def credit(amount: str) -> Facts:
    [(_, (memo, _))] = [(doc, body.values()) for doc, body in invoice(amount=amount, credit=True).items()]
    return {Doc("erp", DocKind.INVOICE, "9002"): {"invoice/9002": memo}}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (SHIPPED, Financial.NOT_INVOICED),
        (together(SHIPPED, invoice()), Financial.INVOICED),
        (together(SHIPPED, invoice(quantity=4)), Financial.PARTIALLY_INVOICED),
        (together(SHIPPED, invoice(paid_at=hours(99))), Financial.PAID),
        (together(SHIPPED, invoice(disputed=True)), Financial.DISPUTED),
        (together(SHIPPED, invoice(void=True)), Financial.NOT_INVOICED),
        (together(SHIPPED, invoice(amount="0")), Financial.INVOICED),
        (together(SHIPPED, invoice(paid_at=hours(99)), credit("5.00")), Financial.PAID),
        (together(SHIPPED, invoice(paid_at=hours(99)), credit("25.00")), Financial.CREDITED),
        (together(SHIPPED, invoice(), credit("-25.00")), Financial.CREDITED),
    ],
)
def test_financial(facts: Facts, expected: Financial) -> None:
    assert facets(facts).financial is expected


@pytest.mark.parametrize(
    ("facts", "health", "display"),
    [
        (order(commercial=Commercial.RECEIVED, accepted_at=None), Health.OK, DisplayStatus.RECEIVED),
        (order(), Health.OK, DisplayStatus.PREPARING),
        (order(held_at=hours(2)), Health.BLOCKED, DisplayStatus.ACTION_NEEDED),
        (order(commercial=Commercial.CANCELLED, held_at=hours(2)), Health.OK, DisplayStatus.CANCELLED),
        (order(line(backordered=Decimal(4))), Health.AT_RISK, DisplayStatus.PREPARING),
        (together(order(), shipment(quantity=4)), Health.OK, DisplayStatus.PARTLY_SHIPPED),
        (SHIPPED, Health.OK, DisplayStatus.ON_THE_WAY),
        (together(order(), shipment(OUT)), Health.OK, DisplayStatus.OUT_FOR_DELIVERY),
        (together(order(), shipment(delay(30))), Health.LATE, DisplayStatus.DELAYED),
        (together(order(), shipment(delay(30), DONE)), Health.OK, DisplayStatus.DELIVERED),
        (together(order(), shipment(eta=hours(24 * 9))), Health.LATE, DisplayStatus.DELAYED),
        (together(order(), shipment(DONE, quantity=4)), Health.OK, DisplayStatus.PARTLY_DELIVERED),
        (together(order(), shipment(DONE), goods_return(Returned.RMA_ISSUED)), Health.OK, DisplayStatus.DELIVERED),
        (together(order(), shipment(DONE), goods_return(Returned.RECEIVED_BACK)), Health.OK, DisplayStatus.RETURNED),
    ],
)
def test_health_and_display_status(facts: Facts, health: Health, display: DisplayStatus) -> None:
    assert (facets(facts).health, facets(facts).display) == (health, display)


def test_a_posting_of_the_same_goods_is_the_same_shipment() -> None:
    row = only_shipment(order(), shipment(), posting())
    assert (row.id, row.posting) == ("east:ES1", "501")
    assert only_line(order(), shipment(), posting()).shipped == 10


def test_of_several_postings_of_a_shipment_the_one_that_left_first_counts() -> None:
    """The number alone says nothing: one that has not left may have the least."""
    waiting = Posting("500", "EA", "ES1", carrier=None, tracking=None, shipped_at=None)
    other = {Doc("erp", DocKind.POSTING, "500"): {"posting/500": waiting}}
    found = together(order(), shipment(shipped_at=None), posting(), other)
    assert (only_shipment(found).posting, only_shipment(found).shipped_at) == ("501", hours(26))


def test_a_posting_that_nobody_else_knows_is_a_shipment() -> None:
    assert only_shipment(order(), posting(partner=None)).id == "erp:501"
    assert only_shipment(order(), posting(partner="ES2")).id == "erp:501"


def test_whoever_tells_first_of_a_shipment_it_is_one_happening() -> None:
    early, late = view(order(), posting()), view(order(), posting(), shipment())
    assert "shipped/ES1" in early.happenings
    assert set(late.happenings) - set(early.happenings) == set()


def test_a_late_event_is_kept_and_flagged_and_moves_nothing_back() -> None:
    late = scan(Milestone.AT_HUB, 40, told=80)
    before, after = only_shipment(order(), shipment(OUT)), only_shipment(order(), shipment(OUT, late))
    assert after == before
    reached = {r.milestone: r for r in view(order(), shipment(OUT, late)).rows.values() if isinstance(r, MilestoneRow)}
    assert reached["AT_HUB"].late
    assert not reached["OUT_FOR_DELIVERY"].late


def test_the_same_scan_again_is_marked_and_makes_no_event() -> None:
    again = scan(Milestone.DELIVERED, 64, told=70)
    rows = [r for r in view(order(), shipment(DONE, again)).rows.values() if isinstance(r, TransportEventRow)]
    assert sorted(row.duplicate for row in rows) == [False, True]
    assert kinds(order(), shipment(DONE, again)) == kinds(order(), shipment(DONE))


def test_each_step_of_an_order_is_one_happening() -> None:
    steps = [
        (with_facts(order(), allocation_1=allocation(6), allocation_2=allocation(4)), EventType.ORDER_ALLOCATED),
        (with_facts(order(), release_1=release(6)), EventType.PICK_RELEASED),
        (together(order(), shipment()), EventType.SHIPPED),
        (together(order(), invoice()), EventType.INVOICED),
        (together(order(), goods_return(Returned.RECEIVED_BACK)), EventType.RETURNED),
        (order(commercial=Commercial.CANCELLED), EventType.ORDER_CANCELLED),
    ]
    for facts, kind in steps:
        assert kinds(facts) == sorted([EventType.ORDER_ACCEPTED, kind])


def test_what_belongs_to_no_order_is_shown_without_one() -> None:
    lone = shipment(DONE)
    found = derive(next(iter(lone)), filed(lone))
    assert found.order_id is None
    assert not found.happenings
    assert {row.order_id for row in found.rows.values() if isinstance(row, ShipmentRow)} == {None}


def test_no_digit_of_a_large_number_is_rounded_away() -> None:
    much = Decimal("123456789012345678901234567890.125")
    facts = order(line(ordered=much, cancelled=Decimal("0.125"), unit_price=Decimal("1.01")))  # type: ignore[arg-type]
    assert only_line(facts).open == Decimal("123456789012345678901234567890")
    [row] = [row for row in view(facts).rows.values() if isinstance(row, OrderRow)]
    assert row.total == Decimal("124691356902469135690246913568.90")


def test_the_total_leaves_out_what_was_cancelled() -> None:
    rows = view(order(line(cancelled=Decimal(4)), promised_on=date(2026, 3, 6))).rows.values()
    assert [row.total for row in rows if isinstance(row, OrderRow)] == [Decimal("15.00")]


MOVES = [m for m in Milestone if m is not Milestone.UNKNOWN]
scans = st.lists(st.builds(scan, st.sampled_from(MOVES), st.integers(20, 200), told=st.integers(20, 300)), max_size=8)
shipments = st.lists(st.tuples(scans, st.integers(0, 12), st.booleans(), st.booleans()), max_size=3)


@given(
    ordered=st.integers(1, 20),
    cancelled=st.integers(0, 5),
    short=st.booleans(),
    parts=shipments,
    seed=st.integers(0, 99),
)
def test_quantities_are_conserved_and_order_of_facts_does_not_matter(
    ordered: int, cancelled: int, short: bool, parts: list[tuple[list, int, bool, bool]], seed: int
) -> None:
    facts = order(line(ordered=ordered, cancelled=Decimal(min(cancelled, ordered)), closed_short=short))
    for number, (found, quantity, left, void) in enumerate(parts, 1):
        shipped_at = hours(24) if left else None
        facts |= shipment(*found, number=number, quantity=quantity, shipped_at=shipped_at, void=void)
    row = only_line(facts)
    assert row.ordered == row.cancelled + row.open + row.shipped
    sent_back = sum(quantity for found, quantity, _, void in parts if came_back(found, void))
    assert row.shipped - sent_back == row.delivered + row.in_transit + row.lost
    assert min(row.shipped, row.delivered, row.in_transit, row.lost, row.cancelled) >= 0
    assert whole(derive(ORDER, filed(shuffled(facts, seed)))) == whole(derive(ORDER, filed(facts)))


@given(steps=st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.booleans(), shipments), max_size=6))
def test_what_is_recalled_is_what_is_worked_out_anew(
    steps: list[tuple[int, bool, bool, list[tuple[list, int, bool, bool]]]],
) -> None:
    recall = Recall()
    for ordered, held, billed, parts in steps:
        facts = order(line(ordered=ordered), held_at=hours(3) if held else None)
        facts |= invoice() if billed else {}
        for number, (found, quantity, left, void) in enumerate(parts, 1):
            shipped_at = hours(24) if left else None
            facts |= shipment(*found, number=number, quantity=quantity, shipped_at=shipped_at, void=void)
        assert whole(derive(ORDER, filed(facts), recall)) == whole(derive(ORDER, filed(facts)))


@given(
    parts=st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["A", "B", None])), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
)
def test_goods_of_a_line_are_one_however_many_parts_they_are_in(parts: list[tuple[int, str | None]], seed: int) -> None:
    (quantity, lot), *others = parts
    more = {f"shipment_line/1/1{n}": goods(quantity, lot) for n, (quantity, lot) in enumerate(others)}
    facts = together(
        order(), shipment(quantity=quantity), {shipment_doc(): {"shipment_line/1/1": goods(quantity, lot)}}
    )
    found = view(facts, {shipment_doc(): more})
    (row,) = [row for row in found.rows.values() if isinstance(row, ShipmentLineRow)]
    assert row.quantity == sum(quantity for quantity, _ in parts)
    assert row.lot == (lot if {lot} == {lot for _, lot in parts} else None)
    assert whole(derive(ORDER, filed(shuffled(together(facts, {shipment_doc(): more}), seed)))) == whole(found)


def goods(quantity: int, lot: str | None, line: str | None = "1") -> ShipmentLine:
    return ShipmentLine(line=line, sku="SKU-1", quantity=Decimal(quantity), lot=lot)


def test_of_two_lines_of_an_article_the_first_has_what_names_the_article_alone() -> None:
    of_article = {shipment_doc(): {"shipment_line/1/1": goods(4, None, line=None)}}
    for lines in ((line("2", sku="SKU-1"), line("10", sku="SKU-1")), (line("10", sku="SKU-1"), line("2", sku="SKU-1"))):
        rows = view(order(*lines), shipment(), of_article).rows.values()
        assert {row.line: row.shipped for row in rows if isinstance(row, LineRow)} == {"2": 4, "10": 0}


def came_back(found: list, void: bool) -> bool:
    reached = {s.milestone for s in found}
    return not void and Milestone.RETURNED in reached and Milestone.LOST not in reached


def shuffled(facts: Facts, seed: int) -> Facts:
    rng = random.Random(seed)
    docs = rng.sample(list(facts.items()), len(facts))
    return {doc: dict(rng.sample(list(found.items()), len(found))) for doc, found in docs}


@given(known=scans, late=scans)
def test_no_scan_moves_a_shipment_back(known: list, late: list) -> None:
    before, after = only_shipment(order(), shipment(*known)), only_shipment(order(), shipment(*known, *late))
    assert after.rank >= before.rank


def test_what_came_back_is_neither_under_way_nor_delivered() -> None:
    row = only_line(order(), shipment(scan(Milestone.REFUSED, 70), scan(Milestone.RETURNED, 90)))
    assert (row.shipped, row.in_transit, row.delivered, row.lost) == (10, 0, 0, 0)


def only_order(*parts: Facts) -> OrderRow:
    (row,) = [row for row in view(*parts).rows.values() if isinstance(row, OrderRow)]
    return row


def test_it_is_delivered_when_the_last_of_it_has_arrived() -> None:
    assert only_order(order(), shipment(OUT)).delivered_at is None
    assert only_order(order(), shipment(OUT, DONE)).delivered_at == hours(64)


def test_the_last_event_is_the_latest_thing_that_happened() -> None:
    assert only_order(order()).last_event_at == hours(1)
    assert only_order(order(), shipment(OUT)).last_event_at == hours(60)
    assert only_order(order(), shipment(OUT, DONE, delay(62))).last_event_at == hours(64)
    assert only_order(order(accepted_at=None, ordered_at=None)).last_event_at is None

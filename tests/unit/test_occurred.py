"""What had happened by an instant, by today's knowledge."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orders.facts import (
    Allocation,
    Body,
    Doc,
    DocKind,
    Fact,
    HoldEntry,
    Invoice,
    OrderHeader,
    PartnerOrder,
    ReturnHeader,
    ShipmentHeader,
)
from orders.occurred import BEGINNINGS, HAPPENINGS, SPELLS, STEPS, Version, happened_by
from orders.states import Commercial, Milestone, Return
from tests.controls import orders
from tests.controls.orders import hours

DOC = Doc("erp", DocKind.ORDER, "1")
END = datetime.max.replace(tzinfo=UTC)
CANCELLED, HELD = Commercial.CANCELLED, Commercial.ON_HOLD


def said(body: Body | None, told: float | None = None) -> Version:
    fact = Fact("x/1") if body is None else Fact("x/1", DOC, body)
    return Version(fact, None if told is None else hours(told))


def then(at: float, *versions: Version) -> Any:
    found = happened_by(versions, hours(at))
    return None if found is None else found.body


def shipped(**other: Any) -> ShipmentHeader:
    usual = ShipmentHeader("S1", None, None, None, None, created_at=hours(1))
    return replace(usual, **other)


SCAN = orders.scan(Milestone.PICKED_UP, 10, told=20)


def test_a_scan_counts_from_when_it_happened_however_late_it_was_told() -> None:
    assert then(9, said(SCAN, 30)) is None
    assert then(10, said(SCAN, 30)) == SCAN
    later = replace(SCAN, occurred_at=hours(12))
    assert then(11, said(SCAN, 10), said(later, 30)) is None, "it is known better today"
    assert then(40, said(SCAN, 10), said(None, 30)) is None, "it never happened"
    assert then(11, said(SCAN, 10), said(None, 30)) is None


def test_what_lasts_ends_when_it_was_taken_back() -> None:
    allocated = Allocation(line="1", warehouse="EA", quantity=Decimal(5), at=hours(2))
    log = said(allocated, 3), said(replace(allocated, quantity=Decimal(2)), 6), said(None, 9)
    found = [then(at, *log) for at in (1, 2, 5, 6, 8, 9)]
    assert [each and each.quantity for each in found] == [None, 5, 5, 2, 2, None]


def test_a_header_has_the_steps_that_were_told_late_and_not_those_to_come() -> None:
    log = (
        said(shipped(), 1),
        said(shipped(shipped_at=hours(5)), 8),
        said(shipped(shipped_at=hours(5), pod_at=hours(10), pod_name="Ann", carrier="UPSN"), 12),
    )
    assert then(0, *log) is None
    assert then(4, *log) == shipped()
    assert then(6, *log) == shipped(shipped_at=hours(5))
    assert then(10, *log) == log[-1].fact.body
    assert then(6, log[-1]) == shipped(shipped_at=hours(5), carrier="UPSN"), "known from one version only"


def test_a_step_that_was_corrected_is_when_it_is_known_best() -> None:
    log = said(shipped(shipped_at=hours(5)), 5), said(shipped(shipped_at=hours(7)), 20)
    assert then(6, *log) == shipped()
    assert then(7, *log) == shipped(shipped_at=hours(7))


def test_states_follow_the_steps() -> None:
    placed = orders.header(commercial=Commercial.RECEIVED, accepted_at=None)
    accepted = orders.header()
    cancelled = orders.header(commercial=CANCELLED, cancelled_at=hours(9))
    log = said(placed, 0), said(accepted, 3), said(cancelled, 12)
    assert [then(at, *log).commercial for at in (0, 1, 8, 9)] == [
        Commercial.RECEIVED, Commercial.ACCEPTED, Commercial.ACCEPTED, CANCELLED,
    ]  # fmt: skip
    assert [then(at, log[-1]).commercial for at in (0, 1, 8, 9)] == [
        Commercial.RECEIVED, Commercial.ACCEPTED, Commercial.ACCEPTED, CANCELLED,
    ]  # fmt: skip


def test_a_hold_lasts_from_when_it_began_until_it_was_taken_off() -> None:
    held = orders.header(held_at=hours(4), hold_reason="CREDIT")
    again = orders.header(held_at=hours(8), hold_reason="FRAUD")
    log = said(orders.header(), 1), said(held, 5), said(orders.header(), 6), said(again, 9)
    assert [then(at, *log).hold_reason for at in (3, 4, 5.5, 6, 7, 8)] == [
        None, "CREDIT", "CREDIT", None, None, "FRAUD",
    ]  # fmt: skip
    assert then(3, said(replace(held, commercial=HELD), 5)).commercial is Commercial.ACCEPTED


def test_a_return_is_no_further_than_its_steps() -> None:
    done = ReturnHeader("77", Return.REFUNDED, None, hours(1), hours(2), hours(3), hours(4))
    found = [then(at, said(done)) for at in (0, 1, 2, 3, 4)]
    assert [each and each.state for each in found] == [
        None, Return.IN_RETURN, Return.RECEIVED_BACK, Return.RESTOCKED, Return.REFUNDED,
    ]  # fmt: skip


def test_a_partners_order_is_acknowledged_when_it_was() -> None:
    known = PartnerOrder("E1", "ACKNOWLEDGED", "1042", acknowledged_at=hours(5), received_at=hours(2))
    assert [then(at, said(known)).state for at in (2, 5)] == ["RECEIVED", "ACKNOWLEDGED"]


@pytest.mark.parametrize("kind", sorted({*HAPPENINGS, *BEGINNINGS, *STEPS, *SPELLS}, key=lambda kind: kind.__name__))
def test_the_fields_that_are_named_are_there(kind: type[Body]) -> None:
    named = {*STEPS.get(kind, ()), *SPELLS.get(kind, ()), *(t[kind] for t in (HAPPENINGS, BEGINNINGS) if kind in t)}
    assert named <= set(kind.__struct_fields__)


INSTANTS = st.integers(0, 8).map(hours)
MAYBE = st.none() | INSTANTS
BODIES = st.one_of(
    st.builds(lambda at: replace(SCAN, occurred_at=at), INSTANTS),
    st.builds(HoldEntry, st.booleans(), st.none(), st.none(), st.just("ann"), INSTANTS),
)
HEADERS = st.builds(
    lambda commercial, ordered, accepted, cancelled, held: orders.header(
        commercial=commercial, ordered_at=ordered, accepted_at=accepted, cancelled_at=cancelled, held_at=held
    ),
    st.sampled_from(Commercial), MAYBE, MAYBE, MAYBE, MAYBE,
)  # fmt: skip
SHIPMENTS = st.builds(
    lambda created, shipped_at, pod: shipped(created_at=created, shipped_at=shipped_at, pod_at=pod),
    MAYBE, MAYBE, MAYBE,
)  # fmt: skip
LINES = st.integers(1, 5).map(lambda ordered: orders.line(ordered=ordered))
KINDS = st.sampled_from([BODIES, HEADERS, SHIPMENTS, LINES])
LOGS = KINDS.flatmap(lambda kind: st.lists(st.tuples(st.none() | kind, st.integers(0, 8)), min_size=1, max_size=5)).map(
    lambda log: [said(body, told) for (body, _), told in zip(log, sorted(told for _, told in log), strict=True)]
)


@given(LOGS)
def test_in_the_end_it_is_as_it_is(log: Sequence[Version]) -> None:
    found = happened_by(log, END)
    assert (found and found.body) == log[-1].fact.body


@given(LOGS, INSTANTS, INSTANTS)
def test_no_time_is_later_than_the_instant(log: Sequence[Version], one: datetime, other: datetime) -> None:
    found = happened_by(log, one)
    if found is not None and found.body is not None:
        kind = type(found.body)
        for name in (*STEPS.get(kind, ()), *SPELLS.get(kind, ())):
            assert (at := getattr(found.body, name)) is None or at <= one


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.booleans(), st.integers(0, 12))
def test_what_was_told_at_once_is_as_it_was_known(quantities: list[int], gone: bool, at: int) -> None:
    """A header that makes a step with each version, and lines that change: as of the commits."""
    steps = [
        orders.header(commercial=Commercial.RECEIVED, ordered_at=hours(0), accepted_at=None),
        orders.header(ordered_at=hours(0), accepted_at=hours(2)),
        orders.header(ordered_at=hours(0), accepted_at=hours(2), held_at=hours(4)),
        orders.header(ordered_at=hours(0), accepted_at=hours(2)),
        orders.header(commercial=CANCELLED, ordered_at=hours(0), accepted_at=hours(2), cancelled_at=hours(8)),
    ]
    lines: list[Body | None] = [orders.line(ordered=each) for each in quantities]
    for bodies in (steps, lines + [None] * gone):
        log = [said(body, 2 * number) for number, body in enumerate(bodies)]
        known = [each for each in log if each.told_at is not None and each.told_at <= hours(at)]
        assert then(at, *log) == known[-1].fact.body


def test_an_invoice_is_paid_when_it_was() -> None:
    paid = Invoice("9", False, hours(1), None, hours(5), Decimal(1), "USD")
    assert [then(at, said(paid, 9)).paid_at for at in (1, 5)] == [None, hours(5)]


def test_an_order_that_a_snapshot_brought_was_there_since_it_was_placed() -> None:
    read = said(orders.header(ordered_at=hours(2)))
    assert then(1, read) is None
    assert isinstance(then(2, read), OrderHeader)

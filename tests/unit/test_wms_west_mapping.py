"""West's rows in canonical words: a wall clock without a zone, flags of one byte, weights in grams."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.wms_west.mapping import MAPPING
from cdc.change import Change, Op, Position, Row
from orders.errors import PoisonError
from orders.facts import Fact, Package, PartnerOrder, ShipmentHeader, TransportEvent
from orders.states import Milestone, Overlay

OUTBOUND = {
    "outbound_id": 1,
    "doc_no": "W1",
    "customer_ref": " 100001 ",
    "stage": "15",
    "entered_on": "2026-01-15T06:00:00Z",
    "confirmed_on": None,
}
DISPATCH = {
    "dispatch_id": 2,
    "doc_no": "WS2",
    "outbound_id": 1,
    "haulier": "UPSN",
    "product": "GROUND",
    "consignment": "T2",
    "made_on": "2026-07-15T06:00:00Z",
    "left_on": None,
    "expected_on": None,
    "signed_by": None,
    "signed_on": None,
    "is_void": 1,
}
EVENT = {
    "event_id": 3,
    "dispatch_id": 2,
    "status": "DLY",
    "happened_on": "2026-07-15T11:00:00Z",
    "utc_minutes": -300,
    "town": "Austin",
    "state": "TX",
    "heard_on": "2026-07-15T09:01:00Z",
}


def fact(table: str, key: Row, row: Row | None) -> Fact:
    now = datetime(2026, 7, 15, tzinfo=UTC)
    op = Op.DELETE if row is None else Op.CREATE
    [found] = MAPPING.facts(Change("west", table, op, key, None, row, Position(1, 1, 1), "0-7-1", now, now))
    return found


def body(table: str, key: str, row: dict[str, Any], **other: Any) -> Any:
    return fact(table, {key: row[key]}, {**row, **other}).body


def test_times_are_of_the_clock_on_the_wall_in_winter_and_summer() -> None:
    order, shipment = body("outbound", "outbound_id", OUTBOUND), body("dispatch", "dispatch_id", DISPATCH)
    assert isinstance(order, PartnerOrder)
    assert isinstance(shipment, ShipmentHeader)
    assert order.received_at == datetime(2026, 1, 15, 14, tzinfo=UTC)
    assert shipment.created_at == datetime(2026, 7, 15, 13, tzinfo=UTC)


def test_an_order_is_known_by_the_number_that_it_quotes() -> None:
    found = fact("outbound", {"outbound_id": 1}, OUTBOUND)
    assert found.belongs_to
    assert (found.belongs_to.scheme, found.belongs_to.value) == ("order_number", "100001")
    assert isinstance(found.body, PartnerOrder)
    assert found.body.state == "ACKNOWLEDGED"


@pytest.mark.parametrize(("flag", "void"), [(0, False), (1, True)])
def test_a_flag_is_a_small_number(flag: int, void: bool) -> None:
    assert body("dispatch", "dispatch_id", DISPATCH, is_void=flag).void is void


@pytest.mark.parametrize(("grams", "weight"), [(1250, Decimal("1.25")), (None, None)])
def test_weights_are_in_grams(grams: int | None, weight: Decimal | None) -> None:
    unit = {"sscc": "1" * 18, "dispatch_id": 2, "consignment": "T2", "grams": grams}
    package = body("handling_unit", "sscc", unit)
    assert isinstance(package, Package)
    assert package.weight_kg == weight


@pytest.mark.parametrize(
    ("status", "milestone", "overlay"),
    [
        ("POD", Milestone.DELIVERED, None),
        ("DLY", Milestone.UNKNOWN, Overlay.DELAYED),
        ("???", Milestone.UNKNOWN, None),
    ],
)
def test_a_scan_is_read_and_kept_as_it_was_told(status: str, milestone: Milestone, overlay: Overlay | None) -> None:
    event = body("tracking_event", "event_id", EVENT, status=status)
    assert isinstance(event, TransportEvent)
    assert (event.code, event.milestone, event.overlay) == (status, milestone, overlay)
    assert (event.occurred_at, event.offset_minutes) == (datetime(2026, 7, 15, 16, tzinfo=UTC), -300)


def test_an_unknown_stage_is_poison() -> None:
    with pytest.raises(PoisonError, match=r"outbound\.stage"):
        body("outbound", "outbound_id", OUTBOUND, stage="77")


def test_a_deleted_row_takes_its_fact_along() -> None:
    assert fact("dispatch_item", {"dispatch_id": 2, "pos": 1}, None) == Fact(key="shipment_line/2/1")

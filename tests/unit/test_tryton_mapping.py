"""The changes of a real Tryton, as they were captured while a sale lived its life, in canonical words."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.registry import adapter
from adapters.tryton.mapping import MAPPING
from cdc.change import Change, Op, Position, Transaction
from orders.errors import PoisonError
from orders.facts import (
    Allocation,
    Fact,
    Ident,
    Invoice,
    InvoiceLine,
    OrderHeader,
    OrderLine,
    Package,
    PartnerPick,
    ShipmentHeader,
    ShipmentLine,
)
from orders.graph import InvoiceRow, LineRow, OrderRow, ShipmentLineRow, ShipmentRow
from orders.states import Commercial, EventType
from tests.controls.folding import Graph, at_rest, folded, lasting

RECORDED = Path(__file__).with_name("tryton_recorded.jsonl")
"""By EngineSource from Tryton 8.2: a sale of 10, picked 7 and 3. The printed invoices are cut out."""

MAPPINGS = {"tryton": MAPPING}
AT = datetime(2026, 11, 24, tzinfo=UTC)
B = TypeVar("B")
R = TypeVar("R")


class Recorded(msgspec.Struct):
    table: str
    op: Op
    key: dict[str, Any]
    after: dict[str, Any] | None
    position: Position
    transaction: str | None

    def change(self) -> Change:
        return Change(
            source="tryton",
            table=self.table,
            op=self.op,
            key=self.key,
            before=None,
            after=self.after,
            position=self.position,
            transaction=self.transaction,
            committed_at=AT,
            captured_at=AT,
        )


CHANGES = [msgspec.json.decode(line, type=Recorded).change() for line in RECORDED.read_bytes().splitlines()]
TRANSACTIONS = [
    Transaction("tryton", found, found[-1].position, None, len(found))
    for found in (list(group) for _, group in groupby(CHANGES, key=lambda change: change.transaction))
]


def latest(table: str, **changed: Any) -> list[Fact]:
    """The facts of the last recorded row of a table, with some columns changed."""
    change = next(c for c in reversed(CHANGES) if c.table == f"public.{table}" and c.after)
    assert change.after is not None
    assert changed.keys() <= change.after.keys()
    return list(MAPPING.facts(msgspec.structs.replace(change, after={**change.after, **changed})))


def body(kind: type[B], table: str, **changed: Any) -> B | None:
    return next((fact.body for fact in latest(table, **changed) if isinstance(fact.body, kind)), None)


def told(kind: type[B], table: str, **changed: Any) -> B:
    found = body(kind, table, **changed)
    assert found is not None
    return found


def rows(graph: Graph, kind: type[R]) -> list[R]:
    return [row for row in graph.values() if isinstance(row, kind)]


def test_the_sale_ends_delivered_and_invoiced() -> None:
    graph, _ = folded(TRANSACTIONS, MAPPINGS)
    (order,), (line,) = rows(graph, OrderRow), rows(graph, LineRow)
    assert (order.number, order.customer_po, order.total) == ("1", "PO-4711", Decimal(1250))
    assert (order.commercial, order.fulfillment, order.delivery) == ("ACCEPTED", "SHIPPED", "DELIVERED")
    assert order.financial == "INVOICED"
    assert {line.ordered, line.packed, line.delivered, line.invoiced} == {Decimal(10)}
    assert line.open == 0
    sent = {row.shipment_id: row.quantity for row in rows(graph, ShipmentLineRow)}
    assert sent == {"tryton:1": Decimal(7), "tryton:2": Decimal(3)}
    assert {s.tracking for s in rows(graph, ShipmentRow)} == {"1Z-1", "1Z-2"}
    assert {i.amount for i in rows(graph, InvoiceRow)} == {Decimal(875), Decimal(375)}


def test_a_transaction_is_one_event_however_often_it_updates_a_row() -> None:
    _, events = folded(TRANSACTIONS, MAPPINGS)
    causes = [event.cause.transaction for event in events]
    assert len(causes) == len(set(causes))
    busiest = max(TRANSACTIONS[1:], key=most_updates)
    assert most_updates(busiest) == 5
    assert {change.transaction for change in busiest.changes if isinstance(change, Change)} <= set(causes)


def most_updates(transaction: Transaction) -> int:
    """Of one row."""
    keys = [(c.table, c.key["id"]) for c in transaction.changes if isinstance(c, Change) and c.op is Op.UPDATE]
    return max((keys.count(key) for key in keys), default=0)


def test_each_happening_is_told_in_its_turn() -> None:
    _, events = folded(TRANSACTIONS, MAPPINGS)
    kinds = [event.happening.type for event in events if event.happening.type is not EventType.ORDER_CHANGED]
    once = [kind for kind, _ in groupby(kinds)]
    assert once == [
        "ORDER_ACCEPTED",
        "ORDER_ALLOCATED",
        "SHIPPED",
        "DELIVERED",
        "INVOICED",
        "ORDER_ALLOCATED",
        "SHIPPED",
        "DELIVERED",
        "INVOICED",
    ]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, len(TRANSACTIONS)), st.integers(0, len(TRANSACTIONS)))
def test_what_comes_again_changes_nothing(first: int, last: int) -> None:
    again = [*TRANSACTIONS[:last], *TRANSACTIONS[first:last], *TRANSACTIONS[last:]]
    graph, events = folded(again, MAPPINGS)
    assert graph == at_rest(TRANSACTIONS, MAPPINGS)
    assert lasting(events) == lasting(folded(TRANSACTIONS, MAPPINGS)[1])


@pytest.mark.parametrize(
    ("state", "commercial"),
    [
        ("quotation", Commercial.DRAFT),
        ("confirmed", Commercial.ACCEPTED),
        ("done", Commercial.CLOSED),
        ("cancelled", Commercial.CANCELLED),
    ],
)
def test_states_of_a_sale(state: str, commercial: Commercial) -> None:
    header = told(OrderHeader, "sale_sale", state=state)
    assert header.commercial is commercial
    assert (header.accepted_at is None) == (state in ("quotation", "cancelled"))
    assert (header.cancelled_at is None) == (state != "cancelled")


def test_a_sale_without_a_number_is_nothing_yet() -> None:
    assert body(OrderHeader, "sale_sale", number=None, state="draft") is None


def test_a_state_that_nobody_knows_is_poison() -> None:
    with pytest.raises(PoisonError, match=r"public\.sale_sale\.state cannot be read: 'pondered'"):
        latest("sale_sale", state="pondered")


def test_times_are_utc_and_a_day_does_not_precede_the_record() -> None:
    made = "2026-11-24T22:30:00.25Z"
    header = told(OrderHeader, "sale_sale", create_date=made, sale_date="2026-11-24")
    assert header.ordered_at == header.accepted_at == datetime(2026, 11, 24, 22, 30, 0, 250_000, UTC)
    later = told(OrderHeader, "sale_sale", create_date=made, sale_date="2026-11-26")
    assert later.accepted_at == datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(("quantity", "ordered"), [(10.0, "10"), (0.1, "0.1"), (2.675, "2.675"), (1e22, "1E+22")])
def test_a_double_is_the_number_that_tryton_shows(quantity: float, ordered: str) -> None:
    assert told(OrderLine, "sale_line", quantity=quantity).ordered == Decimal(ordered)


@pytest.mark.parametrize("quantity", [float("nan"), float("inf"), "many"])
def test_a_quantity_that_is_none_is_poison(quantity: object) -> None:
    with pytest.raises(PoisonError, match="quantity cannot be read"):
        latest("sale_line", quantity=quantity)


@pytest.mark.parametrize("changed", [{"type": "comment", "quantity": None}, {"quantity": -1.0}])
def test_what_is_no_goods_to_ship_is_no_order_line(changed: dict[str, Any]) -> None:
    assert body(OrderLine, "sale_line", **changed) is None


@pytest.mark.parametrize(
    ("state", "left", "there"),
    [("packed", False, False), ("shipped", True, False), ("done", True, True)],
)
def test_states_of_a_shipment(state: str, left: bool, there: bool) -> None:
    header = told(ShipmentHeader, "stock_shipment_out", state=state)
    assert (header.shipped_at is not None, header.delivered_at is not None) == (left, there)
    assert not header.void


def test_a_cancelled_shipment_is_void_and_its_moves_are_gone() -> None:
    assert told(ShipmentHeader, "stock_shipment_out", state="cancelled").void
    assert all(fact.body is None for fact in latest("stock_move", state="cancelled"))


def test_a_later_correction_does_not_move_the_day_of_a_shipment() -> None:
    corrected = told(
        ShipmentHeader, "stock_shipment_out", write_date="2027-01-09T08:00:00Z", effective_date="2026-11-25"
    )
    assert corrected.delivered_at == datetime(2026, 11, 25, tzinfo=UTC)


def test_an_outgoing_move_is_in_its_shipment_and_for_a_sale_line() -> None:
    facts = latest("stock_move", origin="sale.line,121", shipment="stock.shipment.out,82", state="draft", quantity=3.0)
    (fact,) = (fact for fact in facts if fact.body is not None)
    assert isinstance(fact.body, ShipmentLine)
    assert (fact.body.line, fact.body.quantity) == ("121", Decimal(3))
    assert fact.belongs_to == Ident("tryton:sale.line", "121")
    assert fact.doc is not None
    assert fact.doc.id == "82"


@pytest.mark.parametrize(
    ("state", "package", "packed"),
    [("draft", 207, False), ("assigned", None, False), ("assigned", 207, True), ("done", None, True)],
)
def test_goods_are_packed_when_they_are_in_a_package(state: str, package: int | None, packed: bool) -> None:
    found = body(PartnerPick, "stock_move", origin="sale.line,121", state=state, package=package)
    assert (found is not None) == packed


@pytest.mark.parametrize(
    ("state", "held"), [("draft", False), ("assigned", True), ("done", True), ("cancelled", False)]
)
def test_goods_are_allocated_when_their_move_is_assigned(state: str, held: bool) -> None:
    found = body(Allocation, "stock_move", origin="stock.move,282", state=state)
    assert (found is not None) == held


@pytest.mark.parametrize("origin", [None, "sale.line,", "sale.line,x", "stock.inventory.line,4", "purchase.line,121"])
def test_moves_for_other_purposes_are_no_facts(origin: str | None) -> None:
    assert all(fact.body is None for fact in latest("stock_move", origin=origin))


def test_moves_into_other_documents_are_no_facts() -> None:
    assert all(fact.body is None for fact in latest("stock_move", shipment="stock.shipment.out.return,82"))


def test_a_deleted_move_takes_all_that_it_stated() -> None:
    (deleted,) = (change for change in CHANGES if change.op is Op.DELETE)
    gone = MAPPING.facts(deleted)
    stated = {fact.key for change in CHANGES if change.key == deleted.key for fact in MAPPING.facts(change)}
    assert {fact.key for fact in gone} == stated
    assert all(fact.doc is None and fact.body is None for fact in gone)


def test_a_package_of_anything_else_is_no_fact() -> None:
    assert told(Package, "stock_package").tracking == "1Z-2"
    assert body(Package, "stock_package", shipment="stock.shipment.in.return,3") is None


@pytest.mark.parametrize(
    "changed", [{"number": None}, {"type": "in"}, {"state": "draft", "number": None}, {"state": "validated"}]
)
def test_what_no_customer_was_sent_is_no_invoice(changed: dict[str, Any]) -> None:
    assert body(Invoice, "account_invoice", **changed) is None


def test_states_of_an_invoice() -> None:
    posted, paid = told(Invoice, "account_invoice"), told(Invoice, "account_invoice", state="paid")
    assert (posted.amount, posted.paid_at, posted.void, posted.credit) == (Decimal(375), None, False, False)
    assert paid.paid_at is not None
    assert told(Invoice, "account_invoice", state="cancelled").void
    assert told(Invoice, "account_invoice", total_amount_cache="-875.00").credit


def test_an_invoice_line_names_the_sale_line() -> None:
    (fact,) = latest("account_invoice_line")
    assert fact.body == InvoiceLine(line="121", quantity=Decimal(3), amount=Decimal("375.0000"))
    assert fact.belongs_to == Ident("tryton:sale.line", "121")


def test_it_is_in_the_registry() -> None:
    assert adapter("tryton").mapping is MAPPING

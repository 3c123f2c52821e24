"""Rows of what lies beside an order's shipments: 3PLs' orders, invoices, returns, charges, holds."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from orders.aggregate import Entry, Group
from orders.facts import Charge, Doc, HoldEntry, Invoice, InvoiceLine, PartnerOrder, ReturnHeader, ReturnLine
from orders.graph import (
    ChargeRow,
    FulfillmentOrderRow,
    HoldRow,
    InvoiceLineRow,
    InvoiceRow,
    ReturnLineRow,
    ReturnRow,
    Row,
)
from orders.rows.references import reference


def fulfillment_orders(order_id: str | None, found: Sequence[Sequence[Entry[PartnerOrder]]]) -> Iterator[Row]:
    for entry in found[0]:
        body, row_id = entry.body, f"{entry.doc.source}:{entry.body.number}"
        yield FulfillmentOrderRow(
            id=row_id,
            order_id=order_id,
            source=entry.doc.source,
            number=body.number,
            state=body.state,
            quoted_reference=body.quoted_reference,
            received_at=body.received_at,
            acknowledged_at=body.acknowledged_at,
        )
        yield reference("fulfillment_order", body.number, "fulfillment_order", row_id, order_id)


def invoice_rows(order_id: str | None, found: Sequence[Sequence[Entry[Any]]]) -> Iterator[Row]:
    invoices, billed = found
    numbers: dict[Doc, str] = {}
    for entry in invoices:
        body = entry.body
        numbers[entry.doc] = body.number
        yield InvoiceRow(
            id=body.number,
            order_id=order_id,
            source=entry.doc.source,
            number=body.number,
            credit=body.credit,
            status=invoice_status(body),
            amount=body.amount,
            currency=body.currency,
            issued_at=body.issued_at,
            due_on=body.due_on,
            paid_at=body.paid_at,
        )
        yield reference("invoice", body.number, "invoice", body.number, order_id)
    for line in billed:
        if line.doc in numbers:
            yield InvoiceLineRow(
                invoice_id=numbers[line.doc],
                seq=line.local.rpartition("/")[2],
                order_id=order_id,
                line=line.body.line,
                quantity=line.body.quantity,
                amount=line.body.amount,
            )


def invoice_status(body: Invoice) -> str:
    if body.void:
        return "VOID"
    if body.disputed:
        return "DISPUTED"
    return "PAID" if body.paid_at is not None else "OPEN"


def return_rows(order_id: str | None, found: Sequence[Sequence[Entry[Any]]]) -> Iterator[Row]:
    returns, back = found
    numbers: dict[Doc, str] = {}
    for entry in returns:
        body = entry.body
        numbers[entry.doc] = body.number
        yield ReturnRow(
            id=body.number,
            order_id=order_id,
            source=entry.doc.source,
            number=body.number,
            state=body.state,
            reason=body.reason,
            authorized_at=body.authorized_at,
            received_at=body.received_at,
            restocked_at=body.restocked_at,
            refunded_at=body.refunded_at,
        )
        yield reference("rma", body.number, "return", body.number, order_id)
    for line in back:
        if line.doc in numbers:
            yield ReturnLineRow(
                return_id=numbers[line.doc], line=line.body.line, order_id=order_id, quantity=line.body.quantity
            )


def charge_rows(order_id: str | None, charges: Sequence[Sequence[Entry[Charge]]]) -> Iterator[Row]:
    for entry in charges[0]:
        body = entry.body
        yield ChargeRow(
            id=entry.id,
            order_id=order_id,
            kind=body.kind,
            amount=body.amount,
            currency=body.currency,
            posting=body.posting,
            charged_at=body.at,
        )


def hold_rows(order_id: str | None, holds: Sequence[Sequence[Entry[HoldEntry]]]) -> Iterator[Row]:
    for entry in holds[0]:
        body = entry.body
        yield HoldRow(
            id=entry.id,
            order_id=order_id,
            held=body.held,
            reason=body.reason,
            note=body.note,
            username=body.user,
            at=body.at,
            command_id=body.command,
        )


BESIDE: tuple[tuple[Callable[..., Iterator[Row]], Group], ...] = (
    (fulfillment_orders, Group(PartnerOrder)),
    (invoice_rows, Group(Invoice, InvoiceLine)),
    (return_rows, Group(ReturnHeader, ReturnLine)),
    (charge_rows, Group(Charge)),
    (hold_rows, Group(HoldEntry)),
)
"""What is shown beside the shipments: rows, and the facts that they are of."""

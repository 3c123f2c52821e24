"""Rows of a shipment and of all that is in it or happened to it."""

from collections.abc import Iterable, Iterator

from orders.graph import MilestoneRow, PackageRow, Row, ShipmentLineRow, ShipmentRow, TransportEventRow
from orders.rows.references import reference
from orders.shipments import Shipment


def shipments_rows(alike: Iterable[Shipment], order_id: str | None) -> Iterator[Row]:
    return (row for shipment in alike for row in shipment_rows(shipment, order_id))


def shipment_rows(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    yield shipment_row(shipment, order_id)
    for goods in shipment.goods:
        yield ShipmentLineRow(
            shipment_id=shipment.id,
            line=goods.line,
            order_id=order_id,
            sku=goods.sku,
            quantity=goods.quantity,
            lot=goods.lot,
        )
    yield from milestone_rows(shipment, order_id)
    yield from scan_rows(shipment, order_id)
    yield from package_rows(shipment, order_id)
    yield from shipment_references(shipment, order_id)


def shipment_row(shipment: Shipment, order_id: str | None) -> ShipmentRow:
    header, state, told = shipment.header, shipment.standing.state, shipment.latest_reason
    posting = shipment.posting.body if shipment.posting else None
    shipped_at = header.shipped_at or (posting.shipped_at if posting else None)
    return ShipmentRow(
        id=shipment.id,
        order_id=order_id,
        source=shipment.doc.source,
        number=shipment.number,
        warehouse=header.warehouse or (posting.warehouse if posting else None),
        carrier=header.carrier or (posting.carrier if posting else None),
        service=header.service,
        tracking=header.tracking or (posting.tracking if posting else None),
        posting=posting.number if posting else None,
        milestone=state.name,
        rank=state.value,
        delayed=shipment.standing.delayed,
        reason=told.reason if told else None,
        reason_family=told.reason_family if told else None,
        created_at=header.created_at,
        shipped_at=shipped_at,
        delivered_at=shipment.standing.delivered_at,
        eta=header.eta,
        pod_name=header.pod_name,
        pod_at=header.pod_at,
        void=header.void,
    )


def milestone_rows(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    for milestone, reached in shipment.milestones.items():
        yield MilestoneRow(
            shipment_id=shipment.id,
            milestone=milestone.name,
            rank=milestone.value,
            order_id=order_id,
            occurred_at=reached.at,
            late=reached.late,
            transport_event_id=reached.scan.id if reached.scan else None,
            taxonomy=reached.taxonomy,
        )


def scan_rows(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    for scan in shipment.scans:
        entry, body = scan.entry, scan.entry.body
        yield TransportEventRow(
            id=entry.id,
            shipment_id=shipment.id,
            order_id=order_id,
            namespace=body.namespace,
            code=body.code,
            milestone=body.milestone.name,
            overlay=body.overlay,
            reason=body.reason,
            reason_family=body.reason_family,
            occurred_at=body.occurred_at,
            offset_minutes=body.offset_minutes,
            recorded_at=body.recorded_at,
            city=body.city,
            region=body.region,
            duplicate=scan.duplicate,
        )


def package_rows(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    for entry in shipment.packages:
        body = entry.body
        yield PackageRow(
            id=entry.id,
            shipment_id=shipment.id,
            order_id=order_id,
            sscc=body.sscc,
            tracking=body.tracking,
            weight_kg=body.weight_kg,
        )
        if body.sscc:
            yield reference("sscc", body.sscc, "shipment", shipment.id, order_id)
        if body.tracking:
            yield reference("tracking", body.tracking, "shipment", shipment.id, order_id)


def shipment_references(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    posting = shipment.posting.body if shipment.posting else None
    named = (
        ("shipment", shipment.number),
        ("shipment", posting.number if posting else None),
        ("tracking", shipment.header.tracking),
        ("tracking", posting.tracking if posting else None),
    )
    for scheme, value in named:
        if value:
            yield reference(scheme, value, "shipment", shipment.id, order_id)

"""The canonical states: an order's facets, a shipment's milestones, the feed's event types."""

from enum import IntEnum, StrEnum

TAXONOMY_VERSION = 1
"""Which edition of these tables made a stored milestone."""


class Commercial(StrEnum):
    DRAFT = "DRAFT"
    RECEIVED = "RECEIVED"
    VALIDATED = "VALIDATED"
    ACCEPTED = "ACCEPTED"
    ACCEPTED_WITH_CHANGES = "ACCEPTED_WITH_CHANGES"
    ON_HOLD = "ON_HOLD"
    REJECTED = "REJECTED"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    CANCELLED = "CANCELLED"
    CLOSED = "CLOSED"


class Fulfillment(StrEnum):
    NOT_RELEASED = "NOT_RELEASED"
    BACKORDERED = "BACKORDERED"
    ALLOCATED = "ALLOCATED"
    RELEASED = "RELEASED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    PICKING = "PICKING"
    PACKED = "PACKED"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    SHORT_CLOSED = "SHORT_CLOSED"


class Delivery(StrEnum):
    NONE = "NONE"
    IN_TRANSIT = "IN_TRANSIT"
    PARTIALLY_DELIVERED = "PARTIALLY_DELIVERED"
    DELIVERED = "DELIVERED"
    DELIVERY_EXCEPTION = "DELIVERY_EXCEPTION"
    RETURN_TO_SENDER = "RETURN_TO_SENDER"


class Financial(StrEnum):
    NOT_INVOICED = "NOT_INVOICED"
    PARTIALLY_INVOICED = "PARTIALLY_INVOICED"
    INVOICED = "INVOICED"
    PAID = "PAID"
    DISPUTED = "DISPUTED"
    CREDITED = "CREDITED"


class Return(StrEnum):
    """In rising order: the facet of an order is its furthest return."""

    NONE = "NONE"
    RMA_ISSUED = "RMA_ISSUED"
    IN_RETURN = "IN_RETURN"
    RECEIVED_BACK = "RECEIVED_BACK"
    RESTOCKED = "RESTOCKED"
    REFUNDED = "REFUNDED"


class Health(StrEnum):
    OK = "OK"
    AT_RISK = "AT_RISK"
    LATE = "LATE"
    BLOCKED = "BLOCKED"
    DATA_STALE = "DATA_STALE"


class DisplayStatus(StrEnum):
    """What a customer is told, one word for all facets."""

    RECEIVED = "RECEIVED"
    PREPARING = "PREPARING"
    PARTLY_SHIPPED = "PARTLY_SHIPPED"
    ON_THE_WAY = "ON_THE_WAY"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    DELIVERED = "DELIVERED"
    PARTLY_DELIVERED = "PARTLY_DELIVERED"
    DELAYED = "DELAYED"
    ACTION_NEEDED = "ACTION_NEEDED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"


class Milestone(IntEnum):
    """A shipment's canonical steps; the value is the rank. A late event never lowers the rank reached."""

    UNKNOWN = 0
    CREATED = 10
    TENDERED = 15
    CARRIER_AT_PICKUP = 20
    LOADED = 25
    PICKED_UP = 30
    IN_TRANSIT = 40
    AT_HUB = 42
    DEPARTED_HUB = 44
    HANDOFF = 45
    REROUTED = 46
    CUSTOMS_HOLD = 50
    CUSTOMS_CLEARED = 52
    OUT_FOR_DELIVERY = 60
    READY_FOR_PICKUP = 62
    ARRIVED_AT_CONSIGNEE = 65
    DELIVERY_ATTEMPTED = 70
    REFUSED = 75
    PARTIALLY_DELIVERED = 80
    DELIVERED = 90
    POD_RECEIVED = 92
    RETURNING = 95
    RETURNED = 97
    LOST = 98
    CANCELLED = 99


TERMINAL = frozenset({Milestone.DELIVERED, Milestone.RETURNED, Milestone.LOST, Milestone.CANCELLED})


class Overlay(StrEnum):
    """What happens to a shipment beside its progress; never a rank."""

    DELAYED = "DELAYED"
    HELD = "HELD"
    DAMAGED = "DAMAGED"
    ADDRESS_ISSUE = "ADDRESS_ISSUE"
    PAYMENT_HOLD = "PAYMENT_HOLD"
    ETA_UPDATED = "ETA_UPDATED"
    APPOINTMENT_SET = "APPOINTMENT_SET"


class EventType(StrEnum):
    """The public event types of the feed, stable for ever."""

    ORDER_ACCEPTED = "ORDER_ACCEPTED"
    ORDER_ALLOCATED = "ORDER_ALLOCATED"
    PICK_RELEASED = "PICK_RELEASED"
    SHIPPED = "SHIPPED"
    DELAYED = "DELAYED"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"
    INVOICED = "INVOICED"
    MILESTONE_REACHED = "MILESTONE_REACHED"
    ETA_CHANGED = "ETA_CHANGED"
    CASE_OPENED = "CASE_OPENED"
    CASE_RESOLVED = "CASE_RESOLVED"
    ORDER_CHANGED = "ORDER_CHANGED"
    ORDER_CORRECTED = "ORDER_CORRECTED"
    ORDER_HELD = "ORDER_HELD"
    ORDER_RELEASED = "ORDER_RELEASED"
    ORDER_CANCELLED = "ORDER_CANCELLED"


class ReasonFamily(StrEnum):
    """Whose reason a delay or an exception is."""

    CARRIER = "CARRIER"
    SHIPPER = "SHIPPER"
    CONSIGNEE = "CONSIGNEE"
    ADDRESS = "ADDRESS"
    CUSTOMS = "CUSTOMS"
    PAYMENT = "PAYMENT"
    EXTERNAL = "EXTERNAL"
    APPOINTMENT = "APPOINTMENT"
    UNKNOWN = "UNKNOWN"

"""The canonical states as GraphQL enums, by name."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, cast

import strawberry

from orders.states import (
    Commercial,
    Delivery,
    DisplayStatus,
    EventType,
    Financial,
    Fulfillment,
    Health,
    Milestone,
    Overlay,
    ReasonFamily,
    Return,
)

E = TypeVar("E", bound=Enum)


def expose(enum: type[E], name: str, description: str, values: Mapping[str, str]) -> type[E]:
    """Gives the enum its GraphQL name and its members their descriptions; a contract test misses none."""
    strawberry.enum(enum, name=name, description=description)
    for value in cast(Any, enum).__strawberry_definition__.values:
        value.description = values.get(value.name)
    return enum


expose(
    Commercial,
    "CommercialState",
    "What has been agreed about an order.",
    {
        "DRAFT": "Being written; nobody has sent it.",
        "RECEIVED": "It has arrived and nobody has looked at it.",
        "VALIDATED": "Its customer, articles and prices are known to be right.",
        "ACCEPTED": "It will be delivered as it was ordered.",
        "ACCEPTED_WITH_CHANGES": "It will be delivered, with other quantities, prices, dates or articles.",
        "ON_HOLD": "Nothing more of it is released to a warehouse until its hold is released.",
        "REJECTED": "It will not be delivered.",
        "CANCEL_REQUESTED": "The customer wants it cancelled; whether it still can be is not known.",
        "CANCELLED": "Nothing of it will be delivered any more.",
        "CLOSED": "Nothing is left to be done.",
    },
)
expose(
    Fulfillment,
    "FulfillmentState",
    "How far the warehouses are with an order.",
    {
        "NOT_RELEASED": "No warehouse has been told.",
        "BACKORDERED": "It waits for stock.",
        "ALLOCATED": "Stock is set aside for it.",
        "RELEASED": "A warehouse has been told to pick.",
        "ACKNOWLEDGED": "The warehouse has said that it will.",
        "PICKING": "It is being picked.",
        "PACKED": "It is packed and has not left.",
        "PARTIALLY_SHIPPED": "A part of it has left.",
        "SHIPPED": "All of it has left.",
        "SHORT_CLOSED": "All that will ever come has left, and that is less than was ordered.",
    },
)
expose(
    Delivery,
    "DeliveryState",
    "How far the carriers are with an order.",
    {
        "NONE": "Nothing has been handed to a carrier.",
        "IN_TRANSIT": "Something is on its way.",
        "PARTIALLY_DELIVERED": "A part of it has arrived.",
        "DELIVERED": "All of it has arrived.",
        "DELIVERY_EXCEPTION": "A carrier could not deliver a part of it.",
        "RETURN_TO_SENDER": "A part of it goes back undelivered.",
    },
)
expose(
    Financial,
    "FinancialState",
    "How far the billing of an order is.",
    {
        "NOT_INVOICED": "Nothing has been invoiced.",
        "PARTIALLY_INVOICED": "A part of what has left has been invoiced.",
        "INVOICED": "All has been invoiced.",
        "PAID": "All invoices are paid.",
        "DISPUTED": "The customer disputes an invoice.",
        "CREDITED": "A credit memo has been written.",
    },
)
expose(
    Return,
    "ReturnState",
    "How far a return is, or the furthest return of an order.",
    {
        "NONE": "Nothing comes back.",
        "RMA_ISSUED": "The customer may send it back.",
        "IN_RETURN": "It is on its way back.",
        "RECEIVED_BACK": "It has come back.",
        "RESTOCKED": "It is in stock again.",
        "REFUNDED": "The customer has the money back.",
    },
)
expose(
    Health,
    "OrderHealth",
    "Whether an order needs attention.",
    {
        "OK": "Nothing is wrong.",
        "AT_RISK": "It may miss its promise.",
        "LATE": "It has missed its promise, or will.",
        "BLOCKED": "It cannot go on by itself.",
        "DATA_STALE": "What is known of it is too old to be relied upon.",
    },
)
expose(
    DisplayStatus,
    "DisplayStatus",
    "What a customer is told: one word for all states of an order.",
    {
        "RECEIVED": "We have it.",
        "PREPARING": "It is being prepared in a warehouse.",
        "PARTLY_SHIPPED": "A part is on its way.",
        "ON_THE_WAY": "All of it is on its way.",
        "OUT_FOR_DELIVERY": "It is on the delivery vehicle.",
        "DELIVERED": "It has arrived.",
        "PARTLY_DELIVERED": "A part has arrived.",
        "DELAYED": "It comes later than was promised.",
        "ACTION_NEEDED": "Somebody has to decide or to mend something.",
        "CANCELLED": "It will not come.",
        "RETURNED": "It has been sent back.",
    },
)
expose(
    Milestone,
    "Milestone",
    "A shipment's canonical steps, in the order of their ranks.",
    {
        "UNKNOWN": "A scan that nobody can read yet.",
        "CREATED": "The carrier has been told; it does not have the goods.",
        "TENDERED": "The load has been offered to a carrier, or accepted by one.",
        "CARRIER_AT_PICKUP": "The carrier's vehicle is at the warehouse.",
        "LOADED": "The goods are on the vehicle.",
        "PICKED_UP": "The carrier has left with the goods.",
        "IN_TRANSIT": "On the road.",
        "AT_HUB": "Arrived at a terminal of the carrier.",
        "DEPARTED_HUB": "Left a terminal of the carrier.",
        "HANDOFF": "Handed from one carrier to another.",
        "REROUTED": "Sent another way or to another place.",
        "CUSTOMS_HOLD": "Held by customs.",
        "CUSTOMS_CLEARED": "Cleared by customs.",
        "OUT_FOR_DELIVERY": "On the vehicle that delivers it.",
        "READY_FOR_PICKUP": "The consignee can fetch it.",
        "ARRIVED_AT_CONSIGNEE": "The vehicle is at the consignee's.",
        "DELIVERY_ATTEMPTED": "The carrier tried to deliver it and could not.",
        "REFUSED": "The consignee did not take it.",
        "PARTIALLY_DELIVERED": "A part was delivered.",
        "DELIVERED": "All was delivered.",
        "POD_RECEIVED": "The proof of delivery is here.",
        "RETURNING": "On its way back to the shipper.",
        "RETURNED": "Back at the shipper's.",
        "LOST": "The carrier has lost it.",
        "CANCELLED": "It will not be moved.",
    },
)
expose(
    Overlay,
    "Overlay",
    "What happens to a shipment beside its progress.",
    {
        "DELAYED": "It is later than planned.",
        "HELD": "It is held back.",
        "DAMAGED": "It is damaged.",
        "ADDRESS_ISSUE": "Something is wrong with the address.",
        "PAYMENT_HOLD": "It is held until it is paid.",
        "ETA_UPDATED": "Its estimated arrival was given anew.",
        "APPOINTMENT_SET": "An appointment for its delivery was made.",
    },
)
expose(
    EventType,
    "EventType",
    "What kind of thing has happened to an order; stable for ever.",
    {
        "ORDER_ACCEPTED": "The order was accepted.",
        "ORDER_ALLOCATED": "Stock was set aside for a part of it, or all.",
        "PICK_RELEASED": "A warehouse was told to pick a part of it, or all.",
        "SHIPPED": "A shipment has left.",
        "DELAYED": "It will miss its promise, or has.",
        "DELIVERED": "A shipment has arrived.",
        "RETURNED": "Goods have come back.",
        "INVOICED": "An invoice or a credit memo was written.",
        "MILESTONE_REACHED": "A shipment has reached another milestone; `detail` names it.",
        "ETA_CHANGED": "The estimated arrival has changed.",
        "CASE_OPENED": "Somebody has to look at an exception.",
        "CASE_RESOLVED": "The exception is dealt with.",
        "ORDER_CHANGED": "Its lines, quantities, dates or addresses have changed.",
        "ORDER_CORRECTED": "It is shown otherwise since the reading of what its sources say was mended.",
        "ORDER_HELD": "It was put on hold.",
        "ORDER_RELEASED": "Its hold was released.",
        "ORDER_CANCELLED": "It was cancelled.",
    },
)
expose(
    ReasonFamily,
    "ReasonFamily",
    "Whose reason a delay or an exception is.",
    {
        "CARRIER": "The carrier's.",
        "SHIPPER": "Ours or the warehouse's.",
        "CONSIGNEE": "The consignee's.",
        "ADDRESS": "The address is wrong or was changed.",
        "CUSTOMS": "The customs' or their papers'.",
        "PAYMENT": "It is not paid.",
        "EXTERNAL": "Weather, roads, holidays, unrest.",
        "APPOINTMENT": "An appointment is to be made or kept.",
        "UNKNOWN": "The partner did not say.",
    },
)

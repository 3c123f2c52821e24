"""The enums that are not states of an order: what one can choose, and what becomes of documents and commands."""

from enum import StrEnum

from commands.log import CommandKind, CommandState
from commands.ports import HoldReason
from gateway.feed import GapReason
from gateway.types.enums import expose


class OrderSort(StrEnum):
    NEWEST_FIRST = "NEWEST_FIRST"
    OLDEST_FIRST = "OLDEST_FIRST"


class CountBy(StrEnum):
    DISPLAY_STATUS = "DISPLAY_STATUS"
    FULFILLMENT = "FULFILLMENT"
    DELIVERY = "DELIVERY"
    FINANCIAL = "FINANCIAL"
    HEALTH = "HEALTH"
    CHANNEL = "CHANNEL"


class Facet(StrEnum):
    COMMERCIAL = "COMMERCIAL"
    FULFILLMENT = "FULFILLMENT"
    DELIVERY = "DELIVERY"
    FINANCIAL = "FINANCIAL"
    RETURN = "RETURN"
    HEALTH = "HEALTH"
    DISPLAY_STATUS = "DISPLAY_STATUS"


class InvoiceStatus(StrEnum):
    OPEN = "OPEN"
    PAID = "PAID"
    DISPUTED = "DISPUTED"
    VOID = "VOID"


expose(
    Facet,
    "Facet",
    "An order's independent states, and the one word for all of them.",
    {
        "COMMERCIAL": "What has been agreed.",
        "FULFILLMENT": "How far the warehouses are.",
        "DELIVERY": "How far the carriers are.",
        "FINANCIAL": "How far the billing is.",
        "RETURN": "How far its furthest return is.",
        "HEALTH": "Whether it needs attention.",
        "DISPLAY_STATUS": "What a customer is told.",
    },
)
expose(
    InvoiceStatus,
    "InvoiceStatus",
    "What became of an invoice.",
    {
        "OPEN": "It is to be paid.",
        "PAID": "It is paid.",
        "DISPUTED": "The customer disputes it.",
        "VOID": "It counts for nothing.",
    },
)
expose(
    HoldReason,
    "HoldReason",
    "Why an order is put on hold.",
    {
        "CREDIT": "The customer's credit is to be checked.",
        "CUSTOMER_SERVICE": "Customer service has a question to settle first.",
    },
)
expose(
    CommandKind,
    "CommandKind",
    "What a command asks for.",
    {
        "HOLD_ORDER": "To put an order on hold.",
        "RELEASE_HOLD": "To release an order's hold.",
    },
)
expose(
    CommandState,
    "CommandState",
    "How far a command is.",
    {
        "ACCEPTED": "It is stored and will be sent.",
        "SENDING": "It is being sent to the system that owns the order.",
        "APPLIED": "That system has it.",
        "SETTLED": "Its effect has come back and is visible in the graph.",
        "REJECTED": "That system will not do it; `outcome` says why.",
        "NEEDS_HUMAN": "Nobody can tell whether it was done, or it cannot be sent; `outcome` says more.",
    },
)
expose(
    OrderSort,
    "OrderSort",
    "In which order orders are listed. One without a known instant counts as the newest.",
    {
        "NEWEST_FIRST": "By the instant of ordering, the latest first.",
        "OLDEST_FIRST": "By the instant of ordering, the earliest first.",
    },
)
expose(
    CountBy,
    "CountBy",
    "What orders are counted by.",
    {
        "DISPLAY_STATUS": "What a customer is told.",
        "FULFILLMENT": "How far the warehouses are.",
        "DELIVERY": "How far the carriers are.",
        "FINANCIAL": "How far the billing is.",
        "HEALTH": "Whether it needs attention.",
        "CHANNEL": "Where it was placed.",
    },
)
expose(
    GapReason,
    "GapReason",
    "Why events are missing from a stream.",
    {
        "CURSOR_EXPIRED": "The feed no longer reaches back to the cursor.",
        "CURSOR_UNKNOWN": "The cursor is beyond the end of the feed: it is of another one.",
        "TOO_SLOW": "The client did not keep up.",
    },
)

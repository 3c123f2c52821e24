"""The enums that are not states of an order: what one can choose, and what becomes of documents and commands."""

from enum import StrEnum

from commands.log import CommandKind, CommandState
from commands.ports import HoldReason
from gateway.feed import GapReason
from gateway.types.enums import expose
from orders.letters import LetterAction, LetterOutcome


class OrderSort(StrEnum):
    NEWEST_FIRST = "NEWEST_FIRST"
    OLDEST_FIRST = "OLDEST_FIRST"
    LATEST_EVENT_FIRST = "LATEST_EVENT_FIRST"
    EARLIEST_EVENT_FIRST = "EARLIEST_EVENT_FIRST"
    LATEST_PROMISE_FIRST = "LATEST_PROMISE_FIRST"
    EARLIEST_PROMISE_FIRST = "EARLIEST_PROMISE_FIRST"


class CountBy(StrEnum):
    DISPLAY_STATUS = "DISPLAY_STATUS"
    COMMERCIAL = "COMMERCIAL"
    FULFILLMENT = "FULFILLMENT"
    DELIVERY = "DELIVERY"
    FINANCIAL = "FINANCIAL"
    RETURN_STATE = "RETURN_STATE"
    HEALTH = "HEALTH"
    CHANNEL = "CHANNEL"
    CUSTOMER = "CUSTOMER"
    WAREHOUSE = "WAREHOUSE"
    ORDERED_ON = "ORDERED_ON"
    PROMISED_ON = "PROMISED_ON"


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
    LetterAction,
    "DeadLetterAction",
    "What can be asked about a dead letter.",
    {
        "REPLAY": "To try it again, as of the place in its source's log where it stood.",
        "DISCARD": "To give it up.",
    },
)
expose(
    LetterOutcome,
    "DeadLetterResult",
    "What became of a dead letter.",
    {
        "REPLAYED": "It is in the graph; of a dry run: it would be.",
        "SUPERSEDED": "It could be read, and its row had been told anew meanwhile.",
        "DISCARDED": "It was given up.",
        "WAITS": "It cannot be used yet.",
        "GONE": "There is no such dead letter, or it was resolved before.",
    },
)
expose(
    OrderSort,
    "OrderSort",
    "In which order orders are listed. One whose instant or day is not known counts as the latest.",
    {
        "NEWEST_FIRST": "By the instant of ordering, the latest first.",
        "OLDEST_FIRST": "By the instant of ordering, the earliest first.",
        "LATEST_EVENT_FIRST": "By `lastEventAt`, the latest first: what moved of late.",
        "EARLIEST_EVENT_FIRST": "By `lastEventAt`, the earliest first: what has been quiet for long.",
        "LATEST_PROMISE_FIRST": "By the promised day, the latest first.",
        "EARLIEST_PROMISE_FIRST": "By the promised day, the earliest first: what is due next.",
    },
)
expose(
    CountBy,
    "CountBy",
    "What orders are counted by.",
    {
        "DISPLAY_STATUS": "What a customer is told.",
        "COMMERCIAL": "What has been agreed.",
        "RETURN_STATE": "How far its furthest return is.",
        "CUSTOMER": "Who ordered: the customer's id.",
        "WAREHOUSE": "The warehouse that it is planned for.",
        "ORDERED_ON": "The day, in UTC, on which it was placed.",
        "PROMISED_ON": "The day that was promised.",
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

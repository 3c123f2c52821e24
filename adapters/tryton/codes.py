"""Tryton's states in canonical words."""

from orders.states import Commercial

COMMERCIAL = {
    "draft": Commercial.DRAFT,
    "quotation": Commercial.DRAFT,
    "confirmed": Commercial.ACCEPTED,
    "processing": Commercial.ACCEPTED,
    "done": Commercial.CLOSED,
    "cancelled": Commercial.CANCELLED,
}
"""Of a sale: what is only quoted is a draft to its customer."""

ACCEPTED = frozenset({"confirmed", "processing", "done"})

LEFT = frozenset({"shipped", "done"})
"""States of a shipment whose goods have left the warehouse; when it is done they are the customer's."""

HELD = frozenset({"assigned", "done"})
"""States of a move from the shelf in which the goods are the shipment's."""

ISSUED = frozenset({"posted", "paid", "cancelled"})
"""States of an invoice that its customer has seen, if it has a number."""

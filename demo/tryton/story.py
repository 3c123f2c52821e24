"""What happens to a sale in the demo; needs none of Tryton's packages."""

STORY: tuple[tuple[str, str], ...] = (
    ("draft", "a salesperson drafts a sale of 10 pumps"),
    ("quote", "the customer is quoted"),
    ("confirm", "the customer orders: Tryton makes a shipment"),
    ("assign", "the goods become the shipment's"),
    ("recount", "only 7 are on the shelf"),
    ("pick", "7 are picked"),
    ("pack", "they are packed, with a tracking number"),
    ("ship", "it leaves; a second shipment waits for the missing 3"),
    ("complete", "it is delivered, and an invoice drafted"),
    ("post_invoice", "the invoice goes to the customer"),
    ("assign", "the rest has come: the second shipment gets it"),
    ("pick", "it is picked"),
    ("pack", "it is packed"),
    ("ship", "the second shipment leaves"),
    ("complete", "all is delivered"),
    ("post_invoice", "all is invoiced"),
)
"""A sale with a short pick, from the first draft on: a step and what it is for people."""

BACKORDER = 10
"""The number of steps after which the first shipment is delivered and invoiced, and the second waits."""

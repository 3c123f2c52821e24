"""What the users of the demo's two systems do, by hand: an order in the ERP, its work and its shipment in East.

Each gives the statements of one transaction, named as in `demo/sql`.
"""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import TypeAlias

Statement: TypeAlias = tuple[str, tuple[object, ...]]

_numbers = count(700001)
OPENED = datetime(2026, 1, 2)
ORDERED, ACCEPTED = datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 9, 5)
SHIPPED, MENDED = datetime(2026, 3, 3, 15, tzinfo=UTC), datetime(2026, 3, 4, 15, tzinfo=UTC)

MASTER_DATA: list[Statement] = [
    ("customer_add", (9001, "Acme", "USD", OPENED)),
    ("ship_to_add", (9001, 1, "Acme", "1 Main St", "Austin", "TX", "78701", "US")),
    ("item_add", ("T-100", "Test bolt", "EA", Decimal("2.5"))),
    ("item_add", ("T-200", "Test nut", "EA", Decimal(1))),
]


def new_number() -> int:
    """Of an order and of its work in East that no other test has."""
    return next(_numbers)


def entered(order: int) -> list[Statement]:
    """An order of ten bolts and four nuts."""
    return [
        ("order_enter", (order, 9001, 1, f"PO-{order}", "S1", ORDERED, None, "USD", "EA", None)),
        ("line_enter", (order, 1, "T-100", Decimal(10), Decimal("2.5"), "EA")),
        ("line_enter", (order, 2, "T-200", Decimal(4), Decimal(1), "EA")),
    ]


def accepted(order: int) -> Statement:
    return "order_accept", (order, ACCEPTED, None)


def worked(work: int, quoted: object) -> list[Statement]:
    """East's order E{work}, which quotes a number of ours, and its shipment ES{work}, tracking T{work}, on its way."""
    ten = Decimal(10)
    return [
        ("order_receive", (work, f"E{work}", "ACME", str(quoted), None, SHIPPED)),
        ("order_line_add", (work, 1, "T-100", ten)),
        ("line_pick", (work, 1, ten, Decimal(0))),
        ("line_pack", (work, 1, ten)),
        ("order_state", (work, "SHIPPED", SHIPPED)),
        ("shipment_add", (work, f"ES{work}", work, "UPSN", "GROUND", f"T{work}", SHIPPED)),
        ("shipment_line_add", (work, 1, "T-100", ten, None)),
        ("shipment_ship", (work, SHIPPED, None)),
    ]


def mended(work: int, quoted: object) -> Statement:
    """East corrects the number that it quotes."""
    return "order_mend", (work, str(quoted), MENDED)

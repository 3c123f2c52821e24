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


SELL = """
with headers as (
    insert into ordhdr (ordno, cusno, shtno, cuspo, ordsrc, ordsts, orddt, accdt, whs, chgdt)
    select n, 9001, 1, 'PO-' || n, 'S1', '20', '2026-03-02 09:00', '2026-03-02 09:05', 'EA', '2026-03-02 09:05'
    from generate_series(1000000, 999999 + {0}) n returning ordno
)
insert into ordlin (ordno, linno, itmno, qtyord, untprc, uom)
select n, l, 'T-100', 10, 2.5, 'EA' from generate_series(1000000, 999999 + {0}) n, generate_series(1, 2) l
"""
"""As many orders of two lines each as it is formatted with, from 1000000 on; the master data has to be there."""


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

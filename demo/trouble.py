"""How often life goes wrong in the story. Every field is a probability from 0 (never) to 1 (always)."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from orders.errors import RejectedError


@dataclass(frozen=True, slots=True)
class Trouble:
    """What each rate is drawn for stands beside it."""

    rejections: float = 0.02  # order
    credit_holds: float = 0.05  # order
    hold_cancels: float = 0.15  # hold: the order is cancelled instead of released
    cancelled_orders: float = 0.03  # order
    cancelled_lines: float = 0.03  # order: one line, or a part of its quantity
    promise_changes: float = 0.05  # order
    backorders: float = 0.05  # line
    closed_short: float = 0.2  # backorder: given up instead of replenished
    own_warehouse: float = 0.12  # order: shipped from the distributor's own MN
    wrong_references: float = 0.04  # 3PL order, and the 3PL's number in a posting; mended later
    short_picks: float = 0.03  # line of a 3PL order
    partial_shipments: float = 0.1  # release
    voided_shipments: float = 0.01  # shipment: made anew under another number
    late_postings: float = 0.08  # shipment: the ERP posts it a day or so after the warehouse
    early_postings: float = 0.08  # shipment: the ERP posts it before it leaves
    duplicates: float = 0.04  # scan: told twice
    late_scans: float = 0.04  # scan: told hours after it happened
    out_of_order: float = 0.03  # scan: told after its successor
    lost_scans: float = 0.02  # scan but the final one: never told
    unknown_codes: float = 0.005  # scan: a code that nobody knows comes with it
    missing_offsets: float = 0.05  # scan: the carrier does not say the zone
    delays: float = 0.07  # shipment
    eta_changes: float = 0.1  # shipment
    attempts: float = 0.05  # shipment: a first delivery attempt fails
    refusals: float = 0.01  # shipment: refused and sent back
    disputes: float = 0.04  # invoice
    returns: float = 0.04  # invoiced shipment

    def __post_init__(self) -> None:
        """Raises ValueError when a rate is not a probability."""
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name} must lie between 0 and 1, not {getattr(self, field.name)}")


CALM = Trouble(**{field.name: 0.0 for field in fields(Trouble)})
"""A life without trouble."""


def with_rates(rates: Iterable[str]) -> Trouble:
    """The usual trouble with some rates set, each said as `name=rate`; `all=rate` sets every one.

    Raises RejectedError, which tells the rates there are.
    """
    trouble = Trouble()
    for said in rates:
        name, _, rate = said.partition("=")
        trouble = _with(trouble, name.replace("-", "_"), rate)
    return trouble


def _with(trouble: Trouble, name: str, rate: str) -> Trouble:
    names = [field.name for field in fields(Trouble)]
    if name not in names and name != "all":
        raise RejectedError(f"--trouble {name}: no such rate; there are all, {', '.join(names)}")
    try:
        return replace(trouble, **dict.fromkeys(names if name == "all" else [name], float(rate)))
    except ValueError:
        raise RejectedError(f"--trouble {name}={rate}: a rate is a number from 0 to 1") from None

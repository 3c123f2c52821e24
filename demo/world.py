"""What the simulator's actors share: the clock, the numbers, the stock; and what they know of one order."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from demo.catalog import Carrier, Customer, Item, ShipTo
from demo.simulator import Clock, Wait
from demo.trouble import Trouble

HEAD_OFFICE = ZoneInfo("America/Chicago")

FIRST_NUMBERS = {"order": 100_001, "invoice": 500_001, "posting": 300_001, "release": 200_001, "return": 700_001}


@dataclass(slots=True)
class Balance:
    on_hand: int
    allocated: int = 0

    @property
    def free(self) -> int:
        return self.on_hand - self.allocated


@dataclass(slots=True)
class World:
    """`stock` is what the ERP believes, by item and warehouse; `east` what lies in East's racks, by item."""

    clock: Clock
    trouble: Trouble
    customers: tuple[Customer, ...]
    items: tuple[Item, ...]
    stock: dict[tuple[str, str], Balance]
    east: dict[str, Balance]
    uncounted: dict[str, None] = field(default_factory=dict)
    counting: bool = False
    _last: dict[str, int] = field(default_factory=dict)

    def number(self, series: str) -> int:
        """The next number of a series."""
        self._last[series] = self._last.get(series, FIRST_NUMBERS.get(series, 1) - 1) + 1
        return self._last[series]

    @property
    def now(self) -> datetime:
        return self.clock.now

    @property
    def local(self) -> datetime:
        """The head office's wall clock, without its zone: what the ERP writes."""
        return local(self.now)


def local(at: datetime) -> datetime:
    return at.astimezone(HEAD_OFFICE).replace(tzinfo=None)


@dataclass(slots=True)
class Line:
    """`open` is what is neither cancelled nor posted as shipped; `closed`: it will stay so."""

    number: int
    item: Item
    ordered: int
    cancelled: int = 0
    backordered: int = 0
    shipped: int = 0
    closed: bool = False

    @property
    def open(self) -> int:
        return self.ordered - self.cancelled - self.shipped

    @property
    def settled(self) -> bool:
        return self.closed or self.open == 0


@dataclass(slots=True)
class Order:
    """`unbilled` counts posted shipments that are neither invoiced nor sent back; `doomed`: it will be cancelled."""

    number: int
    customer: Customer
    ship_to: ShipTo
    channel: str
    warehouse: str
    lines: tuple[Line, ...]
    rng: Random
    trouble: Trouble
    doomed: bool = False
    cancelled: bool = False
    unbilled: int = 0

    def chance(self, rate: float) -> bool:
        return self.rng.random() < rate

    def minutes(self, low: int, high: int) -> timedelta:
        return timedelta(seconds=self.rng.randint(low * 60, high * 60))

    def hours(self, low: int, high: int) -> timedelta:
        return self.minutes(low * 60, high * 60)

    def pause(self, low: int, high: int) -> Wait:
        """A wait of so many minutes."""
        return Wait(self.minutes(low, high))

    @property
    def settled(self) -> bool:
        return self.unbilled == 0 and all(line.settled for line in self.lines)


@dataclass(slots=True)
class Grant:
    """Stock that was allocated to a line, and released to be picked."""

    allocation: int
    line: Line
    quantity: int


@dataclass(slots=True)
class Release:
    number: int
    grants: list[Grant]


@dataclass(frozen=True, slots=True)
class Part:
    """So many of a line in one shipment."""

    line: Line
    quantity: int


@dataclass(slots=True)
class Shipment:
    """What travels together. `id` and `code` are East's; the distributor's own shipments have none.

    `ended` is true when it was delivered, or came back refused.
    """

    order: Order
    parts: tuple[Part, ...]
    carrier: Carrier
    tracking: str
    id: int = 0
    code: str | None = None
    left_at: datetime | None = None
    posting: int | None = None
    ended: bool = False
    refused: bool = False

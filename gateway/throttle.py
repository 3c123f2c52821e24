"""How much a client may ask for: a leaky bucket of cost points, which fills at a steady rate.

It lies in Postgres, one for all processes. Each takes a share of it and spends that without asking again; what it does
not spend it gives back. A point is granted once, so all processes together spend no more than the bucket gave, but for
what running operations find beyond their estimates; and a client may miss what lies unspent in processes that it does
not ask: a share each, for a second.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from math import ceil, inf
from typing import NamedTuple

from msgspec import Struct

from gateway.auth import Principal, Role
from gateway.database import CONNECT_TIMEOUT, Pool
from gateway.errors import ThrottledError, unavailable
from gateway.statements import SQL
from orders.outages import FAILED

SHARE = 0.05
"""Of a bucket, taken at once."""
BELIEVED = 1.0
"""Seconds that a bucket is taken to be as Postgres said, but for what flows in."""
KEPT = 30.0
"""Seconds that an idle client is remembered: longer than any operation takes."""
ROUND = 1.0
"""Seconds between two looks at what can be given back."""
FULL_AGAIN = 3600
"""Seconds in which every bucket must be full again: gateway.forget_buckets counts on it."""
FORGET = 600
"""Rounds between two looks at buckets that are full."""


class Allowance(NamedTuple):
    """Of a client: `capacity` in points, `refill` in points a second, `sockets` open at once in one process."""

    capacity: int
    refill: int
    sockets: int = 100


_OURS = Allowance(200_000, 20_000, 500)
_OUTSIDE = Allowance(50_000, 2_000, 50)

ALLOWED: Mapping[Role, Allowance] = {
    Role.ADMIN: _OURS,
    Role.OPERATIONS: _OURS,
    Role.SERVICE: _OURS,
    Role.FINANCE: _OURS,
    Role.ANALYTICS: _OURS,
    Role.CUSTOMER: _OUTSIDE,
    Role.CHANNEL: Allowance(100_000, 10_000, 200),
    Role.PARTNER: Allowance(100_000, 10_000, 200),
}


class State(Struct, frozen=True, rename="camel", gc=False):
    """In points, as far as this process knows; `restore_rate` a second."""

    maximum: int
    available: int
    restore_rate: int


class Lease:
    """What one client may still spend in this process; below none when operations cost more than they seemed to."""

    def __init__(self, client: str, allowance: Allowance, pool: Pool, clock: Callable[[], float]) -> None:
        self.client = client
        self.allowance = allowance
        self.points = 0.0
        self.sockets = 0
        self.used = clock()
        self._pool = pool
        self._clock = clock
        self._available, self._asked = float(allowance.capacity), -inf
        self._down = -inf
        self._lock = asyncio.Lock()

    def spend(self, points: float) -> bool:
        """Whether this process has them at hand; then they are taken."""
        if self.points < points:
            return False
        self.points -= points
        return True

    async def take(self, points: float) -> None:
        """Raises ThrottledError, or TransientError while Postgres cannot be reached."""
        if not self.spend(points):
            await self._enlarge(points)
            self.points -= points

    def settle(self, taken: float, actual: float) -> None:
        """An operation is over: it cost other than what was taken for it."""
        self.points += taken - actual
        self.used = self._clock()

    def state(self) -> State:
        capacity, refill, _ = self.allowance
        return State(capacity, int(max(min(self.points + self._left(), capacity), 0)), refill)

    @property
    def needed(self) -> bool:
        """Whether more would be lost with it than a look at the bucket."""
        return self.points > 0 or self.sockets > 0

    def surplus(self) -> float:
        """What can be given back."""
        idle = self._clock() - self.used > ROUND
        return max(self.points - (0 if idle else self._share), 0)

    @property
    def _share(self) -> float:
        return self.allowance.capacity * SHARE

    def _left(self) -> float:
        """In the bucket."""
        grown = self._available + (self._clock() - self._asked) * self.allowance.refill
        return min(grown, self.allowance.capacity)

    async def _enlarge(self, points: float) -> None:
        """All who wait share one look."""
        begun = self._clock()
        async with self._lock:
            if self._down >= begun:
                raise unavailable()
            missing = points - self.points
            if missing <= 0:
                return
            if self._clock() - self._asked >= BELIEVED or self._left() >= missing:
                await self._ask(min(missing, self.allowance.capacity))
            if self.points < points:
                raise self._refusal(points - self.points - self._left())

    def _refusal(self, short: float) -> ThrottledError:
        seconds = max(ceil(short / self.allowance.refill), 1)
        return ThrottledError(f"you have asked for more than you may; try again in {seconds} s", seconds)

    async def _ask(self, fewest: float) -> None:
        capacity, refill, _ = self.allowance
        wanted, asked = max(fewest, self._share), self._clock()
        try:
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
                row = await connection.fetchrow(SQL["take_points"], self.client, fewest, wanted, capacity, refill)
        except FAILED:
            self._down = self._clock()
            raise unavailable() from None
        assert row is not None
        self._available, self._asked, self.used = row["available"], asked, asked
        self.points += row["granted"]


class Throttle:
    """The clients of one process. `running` gives back what they do not spend."""

    def __init__(
        self, pool: Pool, allowed: Mapping[Role, Allowance] = ALLOWED, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._allowed = allowed
        self._clock = clock
        self._leases: dict[tuple[str, Role, frozenset[str]], Lease] = {}

    def lease(self, principal: Principal) -> Lease:
        """A token's subject, role and scope are a client, whatever tokens it has."""
        key = (principal.subject, principal.role, principal.scope)
        lease = self._leases.get(key)
        if lease is None:
            lease = Lease(_digest(*key), self._allowed[principal.role], self._pool, self._clock)
            self._leases[key] = lease
        return lease

    def __len__(self) -> int:
        return len(self._leases)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tidying = asyncio.create_task(self._tidy())
        try:
            yield
        finally:
            tidying.cancel()
            with suppress(asyncio.CancelledError):
                await tidying
            await self._give_back({lease: lease.points for lease in self._leases.values() if lease.points > 0})

    async def _tidy(self) -> None:
        rounds = 0
        while True:
            if rounds % FORGET == 0:
                with suppress(*FAILED):
                    await self._pool.execute(SQL["forget_buckets"])
            await asyncio.sleep(ROUND)
            await self.tidy()
            rounds += 1

    async def tidy(self) -> None:
        """Give back what is not needed, and forget who has gone."""
        late = self._clock() - KEPT
        self._leases = {key: lease for key, lease in self._leases.items() if lease.used > late or lease.needed}
        await self._give_back({lease: more for lease in self._leases.values() if (more := lease.surplus()) > 0})

    async def _give_back(self, given: Mapping[Lease, float]) -> None:
        if not given:
            return
        # In one order, so that two processes never wait for each other.
        leases = sorted(given, key=lambda lease: lease.client)
        for lease in leases:
            lease.points -= given[lease]
        rows = [(lease.client, given[lease], lease.allowance.capacity, lease.allowance.refill) for lease in leases]
        try:
            await self._pool.execute(SQL["give_points_back"], *map(list, zip(*rows, strict=True)))
        except FAILED:
            for lease in leases:
                lease.points += given[lease]


def _digest(subject: str, role: Role, scope: frozenset[str]) -> str:
    return hashlib.sha256("\0".join([role, subject, *sorted(scope)]).encode()).hexdigest()

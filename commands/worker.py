"""The worker: takes accepted commands to the systems that own their orders.

Any number of workers may run. What they share is the command table; what wakes them is its channel, and a slow poll
for whatever the channel lost.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import asyncpg

from commands.attempt import Pool, attempt, claim
from commands.log import CHANNEL
from commands.policy import Policy
from commands.ports import OrderHolds
from commands.statements import SQL
from orders.outages import FAILED

SHUTDOWN = 2.0
"""Seconds that running attempts get to end by themselves."""

Step = Callable[[], Awaitable[float]]
"""Does one thing and says for how many seconds nothing more is due, unless the bell rings."""

_log = logging.getLogger(__name__)


class Bell:
    """Wakes all who wait. Take `next` before looking for work: a ring between looking and waiting is then not lost."""

    def __init__(self) -> None:
        self.next = asyncio.Event()

    def ring(self) -> None:
        rung, self.next = self.next, asyncio.Event()
        rung.set()


class Worker:
    """`holds` is the way to each source that can be written, by its name in graph.orders.source."""

    def __init__(self, dsn: str, holds: Mapping[str, OrderHolds], policy: Policy | None = None) -> None:
        self._dsn, self._holds, self._policy = dsn, holds, policy or Policy()
        self._bell = Bell()
        self._stopping = False

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Until `stop` is set; `ready` is called once, when commands are listened for.

        The loss of Postgres or of a source is waited out. What is cut off at the end is read back by the next worker.
        """
        pool = asyncpg.create_pool(self._dsn, min_size=0, max_size=4, command_timeout=10, timeout=5)
        async with asyncio.TaskGroup() as group:
            listener = group.create_task(self._listen(ready))
            async with _terminated(pool):
                lanes = [group.create_task(self._repeat(step)) for step in self._steps(pool)]
                await stop.wait()
                await self._drain(lanes)
            listener.cancel()

    def _steps(self, pool: Pool) -> list[Step]:
        lanes = [self._lane(pool, source) for source in self._holds for _ in range(self._policy.lanes)]
        return [*lanes, lambda: self._refuse_unwritable(pool)]

    def _lane(self, pool: Pool, source: str) -> Step:
        return lambda: self._next(pool, source)

    async def _next(self, pool: Pool, source: str) -> float:
        if command := await claim(pool, source, self._policy):
            await attempt(pool, self._holds[source], command, self._policy)
            return 0
        due = await pool.fetchval(SQL["due"], source)
        # Due and yet not claimed: another worker has its hand on it at this moment.
        return self._policy.poll if due is None else min(self._policy.poll, max(0.05, due))

    async def _refuse_unwritable(self, pool: Pool) -> float:
        await pool.execute(SQL["refuse_unwritable"], list(self._holds))
        return self._policy.poll

    async def _repeat(self, step: Step) -> None:
        while not self._stopping:
            rung = self._bell.next
            if idle := await self._tried(step):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), idle)

    async def _tried(self, step: Step) -> float:
        try:
            return await step()
        except FAILED as error:
            _log.warning("Postgres is away: %s", type(error).__name__)
            return random.uniform(0.5, 1)

    async def _listen(self, ready: Callable[[], None]) -> None:
        tell = _once(ready)
        while True:
            with contextlib.suppress(*FAILED):
                await self._hear(tell)
            await asyncio.sleep(random.uniform(0.2, 0.6))

    async def _hear(self, ready: Callable[[], None]) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5)
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: self._bell.ring())
            # Whatever was accepted while nobody listened.
            self._bell.ring()
            ready()
            await lost.wait()
        finally:
            connection.terminate()

    async def _drain(self, lanes: list[asyncio.Task[None]]) -> None:
        self._stopping = True
        self._bell.ring()
        _, late = await asyncio.wait(lanes, timeout=SHUTDOWN)
        for lane in late:
            lane.cancel()


@contextlib.asynccontextmanager
async def _terminated(pool: Pool) -> AsyncIterator[None]:
    await pool
    try:
        yield
    finally:
        pool.terminate()


def _once(call: Callable[[], None]) -> Callable[[], None]:
    calls = iter([call])
    return lambda: next(calls, lambda: None)()

"""How many requests are in flight at once. Beyond that they are refused at once, before anything of them is read."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from orders.errors import TransientError

RUNNING = 16
"""Requests that are worked on: more would only wait for a connection to Postgres, or for each other."""
ROOM, BURST = 16, 32
"""Requests in all; and for as long as a burst may take."""
PASSING = 0.1
"""Seconds that a queue may stand and still be a burst: one that stands longer only makes all of them late."""
PATIENCE = 1.0
"""Seconds that a request waits for its turn."""
ADMITTED = "milepost.admitted"
"""In the scope of a request that the gate has counted."""
TOLD: Mapping[str, Any] = {
    "message": "too much is asked at once; try again",
    "extensions": {"code": TransientError.code},
}
"""The error."""
BUSY = msgspec.json.encode({"errors": [TOLD]})
"""The body of a refusal, made once."""


class BusyError(Exception):
    """There is no room for one more."""


class Gate:
    """Of one process. What came by `arrive` goes by `left`; in between it has its turn, from `enter` to `leave`."""

    def __init__(
        self,
        running: int = RUNNING,
        room: int = ROOM,
        burst: int = BURST,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._room, self._burst = running, room, burst
        self._patience = patience
        self._clock = clock
        self._queue: deque[asyncio.Future[None]] = deque()
        self._calm = 0.0
        self.here = self.running = 0

    @property
    def full(self) -> bool:
        """`_calm` is when there was last less to do than can be done at once."""
        if self.here < self._room:
            return False
        return self.here >= self._burst or self._clock() - self._calm > PASSING

    def arrive(self) -> None:
        if self.here <= self._most // 4:
            self._calm = self._clock()
        self.here += 1

    def left(self) -> None:
        self.here -= 1

    async def enter(self) -> None:
        """Raises BusyError when its turn does not come in time."""
        if self.running >= self._most:
            await self._wait()
        else:
            self.running += 1

    def leave(self) -> None:
        """The turn goes to who has waited longest."""
        self.running -= 1
        while self._queue and self.running < self._most:
            turn = self._queue.popleft()
            if not turn.done():
                self.running += 1
                turn.set_result(None)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """From arrival to the end of its turn. Raises BusyError."""
        if self.full:
            raise BusyError
        self.arrive()
        try:
            await self.enter()
            try:
                yield
            finally:
                self.leave()
        finally:
            self.left()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Who waits for something to happen is in nobody's way, and is not kept waiting afterwards."""
        self.left()
        self.leave()
        try:
            yield
        finally:
            self.arrive()
            self.running += 1

    async def _wait(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except TimeoutError:
            self._pass_on(turn)
            raise BusyError from None
        except asyncio.CancelledError:
            self._pass_on(turn)
            raise

    def _pass_on(self, turn: "asyncio.Future[None]") -> None:
        """It may have come at the very moment when nobody waited for it any more."""
        if not turn.cancelled():
            self.leave()

"""Whether a child's event loop turns: it says so once a second, and one that hangs is silent."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress

TICK = 0.5
"""Seconds between two looks."""


async def _tick() -> None:
    await asyncio.sleep(TICK)


class Pulse:
    """The supervisor's end of a pipe; `write` is the child's, which the supervisor closes once the child has it."""

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        self._closed = False
        os.set_blocking(self._read, False)

    async def stops(self, patience: float, tick: Callable[[], Awaitable[None]] = _tick) -> None:
        """Returns when there was no beat for so many seconds.

        They are counted by our own ticks: when the whole machine stands still or is asleep, or has no time for us
        either, nobody is blamed for it.
        """
        silent = 0.0
        while silent < patience:
            await tick()
            silent = 0.0 if self._heard() else silent + TICK

    def close(self) -> None:
        """Once the child has ended."""
        if not self._closed:
            self._closed = True
            os.close(self._read)

    def _heard(self) -> bool:
        with suppress(BlockingIOError):
            return not self._closed and bool(os.read(self._read, 4096))
        return False

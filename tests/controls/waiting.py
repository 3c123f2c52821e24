"""Waiting on a condition, never on a clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(ask: Callable[[], Awaitable[T | None]], seconds: float = 60, pause: float = 0.02) -> T:
    """The first true answer, asked for every `pause` seconds; AssertionError with the last one at the end of time."""
    deadline = time.monotonic() + seconds
    while not (answer := await ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        await asyncio.sleep(pause)
    return answer

"""Ctrl-C and SIGTERM: a command hears them whenever they come, ends cleanly, and says by its exit code that it did."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 10.0
"""Seconds that a clean end may take, since a Postgres that it has to be told to may not answer."""

Told = list[int]
"""The signals that came."""


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """To its end, or until the first signal cancels it: then it exits with 128 and its number. More change nothing."""
    told = Told()
    before = {number: signal.signal(number, lambda got, _: told.append(got)) for number in SIGNALS}
    try:
        asyncio.run(_stoppable(main, told))
    except BaseException:
        if not told:
            raise
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN if told else before[number])
    if told:
        sys.exit(128 + told[0])


async def _stoppable(main: Callable[[], Coroutine[Any, Any, None]], told: Told) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task

    def stop() -> None:
        loop.call_later(GRACE, os._exit, 128 + told[0])
        task.cancel()

    with _heard(loop, told, stop):
        await main()


@contextmanager
def _heard(loop: asyncio.AbstractEventLoop, told: Told, stop: Callable[[], None]) -> Iterator[None]:
    """A signal writes a byte, which wakes a loop that was just about to wait; else it might sleep over it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)

        def look() -> None:
            with suppress(BlockingIOError):
                ours.recv(64)
            if told:
                loop.remove_reader(ours)
                stop()

        loop.add_reader(ours, look)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        if told:
            theirs.send(b"\0")  # it came before there was a loop
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            loop.remove_reader(ours)

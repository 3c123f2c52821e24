"""What a child process owes its supervisor: it says when it is ready, fails in one line, and never outlives it."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from threading import Thread

from orders.errors import StartError

PARENT = "MILEPOST_PARENT_FD"
READY = "MILEPOST_READY_FD"
BEATS = "MILEPOST_BEATS_FD"
START_ERROR = 2
BEAT = 1.0
"""Seconds between two signs that the event loop turns."""

_PR_SET_PDEATHSIG = 1


def run_child(main: Callable[[], Awaitable[None]]) -> None:
    """Run a child's main; a StartError becomes its line on stderr and exit code 2."""
    exit_when_orphaned()
    try:
        asyncio.run(_awaited(main))
    except StartError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 (this is the protocol with the supervisor)
        sys.exit(START_ERROR)


async def _awaited(main: Callable[[], Awaitable[None]]) -> None:
    beating = asyncio.create_task(_beat())
    try:
        await main()
    finally:
        beating.cancel()


async def _beat() -> None:
    """Tell the supervisor again and again that this event loop turns; one that hangs is silent."""
    if descriptor := os.environ.pop(BEATS, None):
        pipe = int(descriptor)
        # A supervisor that does not listen just now must not hold anybody up.
        os.set_blocking(pipe, False)
        while True:
            with contextlib.suppress(OSError):
                os.write(pipe, b".")
            await asyncio.sleep(BEAT)


def exit_when_orphaned() -> None:
    """End this process at once when its supervisor is gone. Does nothing in a process that has none.

    It is a hard end: what Milepost keeps has to survive kill -9 anyway.
    """
    if descriptor := os.environ.pop(PARENT, None):
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        Thread(target=_watch, args=(int(descriptor),), name="orphan-watch", daemon=True).start()


def _watch(descriptor: int) -> None:
    # The supervisor holds the other end and never writes: the read returns when the kernel closes it.
    os.read(descriptor, 1)
    os._exit(1)


def ready(address: str = "") -> None:
    """Tell the supervisor, once, that this process serves; `address` is shown to the user."""
    if descriptor := os.environ.pop(READY, None):
        with open(int(descriptor), "w") as pipe:
            pipe.write(f"{address}\n")

"""Connections to a socket that several processes share: each takes fewer, the more it holds."""

import asyncio
import socket
from collections.abc import Callable

STEP, LONGEST = 0.0002, 0.01
"""Seconds that a process lets others go first, for each connection that it holds; and in all."""
AT_ONCE = 16
"""Connections held for which one more is taken at a time, so that a storm of them is not waited out."""
EXHAUSTED = 0.5
"""Seconds to wait when there is no file left for a connection."""


async def accept(
    listener: socket.socket, held: Callable[[], int], protocol: Callable[[], asyncio.BaseProtocol]
) -> None:
    """For ever. An event loop left to itself takes all that come at once, and the other processes stand idle."""
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    while True:
        await _readable(listener)
        await asyncio.sleep(min(held() * STEP, LONGEST))
        for _ in range(1 + held() // AT_ONCE):
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                break
            except OSError:
                await asyncio.sleep(EXHAUSTED)
                break
            await loop.connect_accepted_socket(protocol, connection)


async def _readable(listener: socket.socket) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listener, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(listener)

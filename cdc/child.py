"""The parent's end of the engine's child process."""

import asyncio
import contextlib
import logging
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

import msgspec

from cdc.crashes import account
from cdc.frames import HEADER_SIZE, Command, Header, unpack
from orders.errors import StartError

_log = logging.getLogger(__name__)
_LAST_WORDS: Final = 2.0
"""Seconds that a dead child's stderr is waited for."""


class Child:
    """A running child process. It ends when it is told nothing any more: when this end of its socket closes.

    `account` is the file where Java tells of its crash, if it does.
    """

    def __init__(self, process: Process, parent: socket.socket, account: Path) -> None:
        self.process, self._account = process, account
        self._socket, self._lock = parent, asyncio.Lock()
        self._said: deque[str] = deque(maxlen=5)
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    @asynccontextmanager
    async def running(cls, heap_mb: int, machine: str, logs: Path) -> AsyncIterator[Self]:
        """A child from its start to its end; nothing is left of it afterwards but what Java tells in `logs`."""
        crash = account(logs, machine)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            argv = [sys.executable, "-m", "cdc.engine_child", str(heap_mb), machine, str(crash)]
            process = await asyncio.create_subprocess_exec(*argv, stdin=theirs.fileno(), stderr=PIPE)
            theirs.close()
            child = cls(process, ours, crash)
            try:
                yield child
            finally:
                await child._end()

    async def send(self, command: Command) -> None:
        """Tell it something; a child that is gone is not told."""
        with contextlib.suppress(OSError):
            async with self._lock:
                await asyncio.get_running_loop().sock_sendall(self._socket, msgspec.json.encode(command) + b"\n")

    async def frames(self) -> AsyncIterator[tuple[Header, bytearray]]:
        """What it says, until it ends."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                header = unpack(await self._read(HEADER_SIZE))
                yield header, await self._read(header.length)

    async def epitaph(self) -> str:
        """One line about a child that has ended: how, its last words, and where Java tells more, if it does."""
        code = await self.process.wait()
        await asyncio.wait({self._listener}, timeout=_LAST_WORDS)
        said = self._said[-1] if self._said else "it said nothing"
        more = f"; Java tells of its crash in {self._account}" if self._account.exists() else ""
        return f"the capture engine ended with code {code}: {said}{more}"

    async def _read(self, size: int) -> bytearray:
        loop, data, done = asyncio.get_running_loop(), bytearray(size), 0
        with memoryview(data) as view:
            while done < size:
                count = await loop.sock_recv_into(self._socket, view[done:])
                if not count:
                    raise EOFError
                done += count
        return data

    async def _listen(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            if text := line.decode(errors="replace").strip():
                self._said.append(text)
                _log.warning("engine: %s", text)

    async def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        self._listener.cancel()


def start_error(epitaph: str) -> StartError:
    return StartError(f"{epitaph}; is there enough memory for Java, and is the installation whole?")

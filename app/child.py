"""One child process: how it is started, known to be ready, watched, and spoken of when it ends."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app import children
from app.logs import LogPump
from app.processes import end, exited
from app.pulse import Pulse

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Child:
    """A process to be kept running. It is ready when it calls `children.ready`, or when `probe` says so.

    `env` comes on top of ours; `ready_timeout` is in seconds; `files` are descriptors that it gets of us. One that runs
    by `children.run_child` may have a `patience`: seconds of a standing event loop until it is taken to hang.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    probe: Probe | None = None
    ready_timeout: float = 60
    files: tuple[int, ...] = ()
    patience: float | None = None


class Running:
    """A child that was started. `parent` is the read end of the pipe whose closing tells it that it is an orphan."""

    def __init__(self, child: Child, log: Path, parent: int) -> None:
        self.child, self.log, self.started = child, log, time.monotonic()
        self._ready, write = os.pipe()
        self._pulse = Pulse()
        self.process = _spawn(child, parent, write, self._pulse.write)
        os.close(write)
        os.close(self._pulse.write)
        assert self.process.stdout
        self._pump = LogPump(self.process.stdout, log)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def lived(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.started

    async def ready(self) -> str | None:
        """Its address (maybe empty) when it serves, None when it ended first."""
        said = asyncio.ensure_future(self._said())
        gone = asyncio.ensure_future(self.exited())
        try:
            await asyncio.wait({said, gone}, return_when=asyncio.FIRST_COMPLETED)
            return said.result() if said.done() else None
        finally:
            said.cancel()
            gone.cancel()

    async def exited(self) -> int:
        code = await exited(self.process)
        self._pulse.close()
        return code

    async def hangs(self, patience: float | None) -> bool:
        """When it has ended, False; True when its event loop has stood still for so many seconds, if there are any."""
        gone = asyncio.ensure_future(self.exited())
        silent = asyncio.ensure_future(asyncio.Event().wait() if patience is None else self._pulse.stops(patience))
        try:
            await asyncio.wait({gone, silent}, return_when=asyncio.FIRST_COMPLETED)
            return not gone.done()
        finally:
            gone.cancel()
            silent.cancel()

    async def end(self, seconds: float) -> int:
        """SIGTERM, after `seconds` SIGKILL; the exit code."""
        await end(self.process, [(signal.SIGTERM, seconds)])
        return await self.exited()

    def last_line(self) -> str:
        return self._pump.last_line()

    def epitaph(self) -> str:
        """One line: what ended, how, after how long, what it said last, where to read more."""
        how = how_it_ended(self.process.poll())
        return f"{self.child.name} (pid {self.pid}) {how} after {self.lived:.1f} s: {self.last_line()}; log {self.log}"

    async def _said(self) -> str | None:
        if self.child.probe is None:
            return await _line(self._ready)
        os.close(self._ready)
        while not await self.child.probe():  # noqa: ASYNC110 (a probe is asked, it announces nothing)
            await asyncio.sleep(0.05)
        return ""


def how_it_ended(code: int | None) -> str:
    """For people: an exit code, negative for a signal."""
    match code:
        case None:
            return "still runs"
        case _ if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def _spawn(child: Child, parent: int, ready: int, beats: int) -> subprocess.Popen[bytes]:
    pipes = {children.PARENT: str(parent), children.READY: str(ready), children.BEATS: str(beats)}
    return subprocess.Popen(
        child.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **child.env, **pipes},
        pass_fds=(parent, ready, beats, *child.files),
        # A session of its own: Ctrl-C in the terminal is for the supervisor, which ends the children in their order.
        start_new_session=True,
    )


async def _line(descriptor: int) -> str | None:
    """The line that comes through the pipe, None when it closes without one."""
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb")
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        line = await reader.readline()
        return line.decode().rstrip("\n") if line.endswith(b"\n") else None
    finally:
        transport.close()

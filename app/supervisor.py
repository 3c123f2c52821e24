"""Keeps the processes of one data folder running, Postgres and the children, and ends all of them together."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.child import Child, Running, how_it_ended
from app.children import START_ERROR
from app.folder import locked
from app.postgres import Postgres
from app.processes import ProcessRecord, end_leftovers, forget, record, records
from orders.errors import StartError

FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
SETTLED = 30.0
TRIES = 3

_GRACE = 3.0
_TURN = 0.8
_POSTGRES = "postgres"


class BackOff:
    """How long to wait before the next start: 0.2 s, doubling up to 10 s; 0.2 s again after a life of 30 s."""

    def __init__(self) -> None:
        self._next = FIRST_DELAY

    def after(self, lived: float) -> float:
        """Both in seconds."""
        delay = FIRST_DELAY if lived >= SETTLED else self._next
        self._next = min(delay * 2, LONGEST_DELAY)
        return delay


class Supervisor:
    """Use: `async with Supervisor(data, say=print) as s: await s.start_postgres(…); await s.start(…); await s.wait()`.

    Entering takes the folder's lock and ends what an earlier run left. Leaving, by whatever way, ends all processes
    within 5 seconds. SIGINT and SIGTERM cancel the block, which then ends without an exception and with the signal as
    `stopped`. `say` gets one line for each thing that the user should know. `moved` is awaited when Postgres could only
    come back at another port: afterwards the children are restarted.
    """

    def __init__(
        self, data: Path, *, say: Callable[[str], None], moved: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.data = data
        self.stopped: signal.Signals | None = None
        self._run, self._logs = data / "run", data / "log"
        self._say, self._moved = say, moved
        self._postgres: Postgres | None = None
        self._running: dict[str, Running] = {}
        self._order: list[str] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._held = contextlib.ExitStack()
        self._parent = -1
        self._leaving = False

    async def __aenter__(self) -> Self:
        # Nothing is awaited here: a signal is thus delivered inside the block, where leaving it cleans up.
        with contextlib.ExitStack() as stack:
            stack.enter_context(locked(self.data))
            self._parent = stack.enter_context(_parent_pipe())
            for left in end_leftovers(self._run):
                self._say(f"ended {left.name} (pid {left.pid}), left over from an earlier run")
            stack.enter_context(self._signals())
            self._held = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._leaving = True
        with self._held:
            await self._end_all()
        return self._was_asked() and kind is asyncio.CancelledError

    async def start_postgres(self, postgres: Postgres) -> None:
        """Start it and keep it running. Raises StartError."""
        self._postgres = postgres
        await postgres.start()
        self._record_postgres(postgres)
        self._keepers.append(asyncio.create_task(self._keep_postgres(postgres)))

    async def start(self, *children: Child) -> None:
        """Start them at once, wait until all are ready, keep them running; they are ended the other way round.

        Raises StartError for a child that exits with code 2 (its own last line), that ends three times before it is
        ready, or that is not ready in time.
        """
        self._order += [child.name for child in children]
        beginnings = [asyncio.create_task(self._begin(child)) for child in children]
        try:
            await asyncio.gather(*beginnings)
        finally:
            await _cancel(beginnings)

    async def wait(self) -> None:
        """Does not return; raises when a process can no longer be looked after."""
        done, _ = await asyncio.wait(self._keepers, return_when=asyncio.FIRST_EXCEPTION)
        for keeper in done:
            keeper.result()

    def banner(self) -> str:
        """What runs where, a line for each process."""
        head = f"Milepost {version('milepost')} · data {self.data} · supervisor pid {os.getpid()}"
        return "\n".join([head, *map(_line, records(self._run))])

    def early_exit(self) -> SystemExit:
        """To be raised after a signal by who had not done yet."""
        return SystemExit(128 + (self.stopped or 0))

    async def _begin(self, child: Child) -> None:
        try:
            async with asyncio.timeout(child.ready_timeout):
                running = await self._first(child)
        except TimeoutError:
            raise StartError(self._too_slow(child)) from None
        self._keepers.append(asyncio.create_task(self._keep(running)))

    async def _first(self, child: Child) -> Running:
        back_off = BackOff()
        for _ in range(TRIES):
            running = self._launch(child)
            if await self._until_ready(running):
                return running
            if await running.exited() == START_ERROR:
                raise StartError(running.last_line())
            await asyncio.sleep(back_off.after(running.lived))
        raise StartError(f"{running.epitaph()}; it failed {TRIES} times")

    def _too_slow(self, child: Child) -> str:
        running = self._running[child.name]
        return f"{child.name} is not ready after {child.ready_timeout:g} s: {running.last_line()}; see {running.log}"

    def _launch(self, child: Child) -> Running:
        running = Running(child, self._logs / f"{child.name}.log", self._parent)
        self._running[child.name] = running
        record(self._run, child.name, running.pid, running.log)
        return running

    async def _until_ready(self, running: Running) -> bool:
        address = await running.ready()
        if address is not None:
            record(self._run, running.child.name, running.pid, running.log, address)
        return address is not None

    async def _keep(self, running: Running) -> None:
        back_off, patience = BackOff(), running.child.patience
        watching = running.hangs(patience)
        while True:
            if await watching:
                assert patience
                self._say(f"{running.child.name} (pid {running.pid}) has hung for {patience:g} s: it is killed")
                # What it has to do may take so long indeed: the next one gets more time.
                patience *= 2
                running.process.kill()
                await running.exited()
            else:
                patience = running.child.patience
            delay = back_off.after(running.lived)
            self._say(f"{running.epitaph()}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            running = self._launch(running.child)
            watching = self._hangs(running, patience)

    async def _hangs(self, running: Running, patience: float | None) -> bool:
        """As it is watched from its start on, ready or not."""
        announcing = asyncio.create_task(self._until_ready(running))
        try:
            return await running.hangs(patience)
        finally:
            await _cancel([announcing])

    async def _keep_postgres(self, postgres: Postgres) -> None:
        back_off = BackOff()
        while True:
            started, port = time.monotonic(), postgres.port
            how = how_it_ended(await postgres.wait())
            self._say(f"postgres {how}: {postgres.last_line()}; starting it again; log {postgres.log}")
            await self._revive(postgres, back_off, time.monotonic() - started)
            self._record_postgres(postgres)
            if postgres.port != port:
                await self._follow()

    async def _revive(self, postgres: Postgres, back_off: BackOff, lived: float) -> None:
        while True:
            await asyncio.sleep(back_off.after(lived))
            try:
                return await postgres.start()
            except (StartError, OSError) as error:
                self._say(str(error))
                lived = 0

    async def _follow(self) -> None:
        if self._moved:
            await self._moved()
        for running in self._running.values():
            running.process.terminate()

    def _record_postgres(self, postgres: Postgres) -> None:
        if postgres.pid:
            record(self._run, _POSTGRES, postgres.pid, postgres.log, f"127.0.0.1:{postgres.port}")

    async def _end_all(self) -> None:
        await _cancel(self._keepers)
        await self._end_children()
        if self._postgres:
            await self._postgres.stop(timeout=1.0)
        for name in (*self._running, _POSTGRES):
            forget(self._run, name)

    async def _end_children(self) -> None:
        """Each kind gets a turn to end before the next is asked; 3 s after the first was, all are killed."""
        deadline = time.monotonic() + _GRACE
        endings: list[asyncio.Task[int]] = []
        for _, names in groupby(reversed(self._order), _kind):
            found = [self._running[name] for name in names if name in self._running]
            turn = [asyncio.create_task(running.end(deadline - time.monotonic())) for running in found]
            endings += turn
            if turn:
                await asyncio.wait(turn, timeout=_TURN)
        await asyncio.gather(*endings)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number, task)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self, number: signal.Signals, task: "asyncio.Task[object]") -> None:
        if not (self.stopped or self._leaving):
            self.stopped = number
            task.cancel()

    def _was_asked(self) -> bool:
        if self.stopped and (task := asyncio.current_task()):
            task.uncancel()
        return self.stopped is not None


@contextlib.contextmanager
def _parent_pipe() -> Iterator[int]:
    """The end that the children read; nobody but this process holds the other."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


async def _cancel(tasks: "Sequence[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _kind(name: str) -> str:
    """Workers of one kind are told apart by a number: gateway-1, gateway-2."""
    return name.partition("-")[0]


def _line(entry: ProcessRecord) -> str:
    return f"  {entry.name:<10} pid {entry.pid:<8} {entry.address or '-':<28} log {entry.log}"

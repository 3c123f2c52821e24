"""Who does the work of a rebuild: this process alone, or several processes, each with a connection of its own."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from orders.errors import TransientError
from projections.database import Connection
from projections.mapping import Mappings

T = TypeVar("T")


class Hand(NamedTuple):
    """What a job works with. The connection's session is in UTC."""

    connection: Connection
    mappings: Mappings


Job: TypeAlias = Callable[[Hand], Awaitable[T]]
"""What can be told to another process: a function of a module, or a `partial` of one."""
Connect: TypeAlias = Callable[[], Coroutine[Any, Any, Connection]]


class Workers(NamedTuple):
    """How many processes, how each connects, and from how many changes on they are worth their start."""

    connect: Connect
    processes: int
    least: int = 50_000


class Member(Protocol):
    async def do(self, job: Job[T]) -> T: ...


class Local:
    """This process itself."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    async def do(self, job: Job[T]) -> T:
        return await job(self._hand)


class Worker:
    """A process beside this one. It ends when this one does, or when it is told nothing more."""

    def __init__(self, process: Process, pipe: Pipe) -> None:
        self._process, self._pipe = process, pipe

    @classmethod
    async def started(cls, connect: Connect, mappings: Mappings) -> "Worker":
        ours, theirs = socket.socketpair()
        with theirs:
            argv = [sys.executable, "-m", "projections.rebuild.worker", str(theirs.fileno())]
            # A session of its own: Ctrl-C in the terminal is for this process, which ends the others.
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=PIPE, pass_fds=[theirs.fileno()], start_new_session=True
            )
        worker = cls(process, Pipe(ours.detach()))
        worker._pipe.send((connect, mappings))
        return worker

    async def do(self, job: Job[T]) -> T:
        """Raises TransientError when the process ends before it is done."""
        try:
            self._pipe.send(job)
            await self._answered()
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            how = how_it_ended(await self._process.wait())
            raise TransientError(f"a worker of the rebuild {how}: the graph is as it was, start it again") from error
        if isinstance(answer, BaseException):
            raise answer
        found: T = answer
        return found

    async def _answered(self) -> None:
        loop, there = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pipe.fileno(), there.set)
        try:
            await there.wait()
        finally:
            loop.remove_reader(self._pipe.fileno())

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()
        self._pipe.close()


class Crew:
    """Does jobs side by side. After an error it is of no more use."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members

    async def share(self, jobs: AsyncIterator[Job[T]]) -> list[T]:
        """Each job by whoever is free; what they gave, in no order."""
        found, next_one = list[T](), asyncio.Lock()

        async def work(member: Member) -> None:
            while True:
                async with next_one:
                    job = await anext(jobs, None)
                if job is None:
                    return
                found.append(await member.do(job))

        await together([work(member) for member in self._members])
        return found

    async def share_all(self, jobs: Sequence[Job[T]]) -> list[T]:
        """The same, of jobs that are known beforehand."""

        async def given() -> AsyncIterator[Job[T]]:
            for job in jobs:
                yield job

        return await self.share(given())

    async def each(self, job: Callable[[int, int], Job[T]]) -> None:
        """All members do a part: `job` makes it of the part's number and of how many there are."""
        count = len(self._members)
        await together([member.do(job(number, count)) for number, member in enumerate(self._members)])


@asynccontextmanager
async def processes(workers: Workers, mappings: Mappings) -> AsyncIterator[Crew]:
    """So many processes, from their start to their end."""
    members = list[Worker]()
    try:
        for _ in range(workers.processes):
            members.append(await Worker.started(workers.connect, mappings))
        yield Crew(members)
    finally:
        await asyncio.shield(asyncio.gather(*(member.end() for member in members)))


async def together(work: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Until all is done, or the first of it fails."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        for task in asyncio.as_completed(tasks):
            await task
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1

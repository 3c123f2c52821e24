"""Which faults strike when: from a seed, always the same ones. And how each is done to a running installation."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import TypeVar

import asyncpg
import psutil
from msgspec import Struct

from app.processes import living, records
from app.settings import Settings
from orders.outages import FAILED

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds to wait for a victim that is down already."""
LONGEST = 6.0
"""Seconds that a process is stopped, or a transaction held open."""
POLL = 0.05

_CUT = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where pid <> pg_backend_pid() and (backend_type = $1 or application_name = $2)
"""


class Kind(StrEnum):
    """`kill`: kill -9. `stop`: SIGSTOP, for a while. `cut`: its connections to Postgres are ended by Postgres.

    `hold`: a transaction of the ERP's stays open for a while, with a row changed.
    """

    KILL = "kill"
    STOP = "stop"
    CUT = "cut"
    HOLD = "hold"


PROCESSES = ("projector", "engine", "gateway", "worker", "postgres")
LINES = {"engine": ("walsender", ""), "projector": ("", "milepost projector"), "gateway": ("", "milepost gateway")}
"""Whose connections can be cut → backend type, or the name that it gives itself."""


class Fault(Struct, frozen=True):
    """`at` and `seconds` are in seconds; `at` since the faults began."""

    at: float
    kind: Kind
    target: str
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.kind} {self.target}"


def schedule(seed: int, seconds: float, every: float) -> Sequence[Fault]:
    """One fault in each span of `every` seconds, at any point of it; three in four kill a process."""
    random = Random(seed)
    return [_fault(random, (n + random.random()) * every) for n in range(int(seconds // every))]


def _fault(random: Random, at: float) -> Fault:
    kind = random.choice([Kind.KILL] * 9 + [Kind.STOP, Kind.CUT, Kind.HOLD])
    lasts = round(random.uniform(0.1, LONGEST), 2)
    match kind:
        case Kind.KILL:
            return Fault(round(at, 2), kind, random.choice(PROCESSES))
        case Kind.STOP:
            return Fault(round(at, 2), kind, random.choice(PROCESSES[:-1]), lasts)
        case Kind.CUT:
            return Fault(round(at, 2), kind, random.choice(sorted(LINES)))
        case Kind.HOLD:
            return Fault(round(at, 2), kind, "erp", lasts)


async def strike(fault: Fault, data: Path) -> bool:
    """Whether it struck: its victim may be down longer than it is waited for."""
    match fault.kind:
        case Kind.KILL:
            return await _signalled(data, fault.target, signal.SIGKILL) is not None
        case Kind.STOP:
            return await _stopped(data, fault)
        case Kind.CUT:
            return await _cut(data, fault.target)
        case Kind.HOLD:
            return await _held(data, fault.seconds)


async def _stopped(data: Path, fault: Fault) -> bool:
    process = await _signalled(data, fault.target, signal.SIGSTOP)
    if process is None:
        return False
    await asyncio.sleep(fault.seconds)
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGCONT)
    return True


async def _signalled(data: Path, name: str, number: signal.Signals) -> psutil.Process | None:
    async def signalled() -> psutil.Process | None:
        process = _process(data, name)
        with suppress(psutil.NoSuchProcess):
            if process is not None:
                process.send_signal(number)
                return process
        return None

    return await _found(signalled)


async def _found(ask: Callable[[], Awaitable[T | None]]) -> T | None:
    """What there is sooner or later."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while loop.time() < until:
        if found := await ask():
            return found
        await asyncio.sleep(POLL)
    return None


def _process(data: Path, name: str) -> psutil.Process | None:
    """The engine is the projector's child, and has no record of its own."""
    of = "projector" if name == "engine" else name
    found = next((living(each) for each in records(data / "run") if each.name == of), None)
    if found is None or name != "engine":
        return found
    with suppress(psutil.NoSuchProcess):
        return next(iter(found.children()), None)
    return None


async def _cut(data: Path, target: str) -> bool:
    async def cut() -> int | None:
        with suppress(*FAILED):
            db = await asyncpg.connect(Settings.load(data).graph_dsn, timeout=PATIENCE)
            try:
                count: int = await db.fetchval(_CUT, *LINES[target])
                return count
            finally:
                await db.close()
        return None

    return await _found(cut) is not None


async def _held(data: Path, seconds: float) -> bool:
    """The latest order's row is written, as it is, and the transaction ends after a while."""
    [dsn] = [each.write_dsn for each in Settings.load(data).sources if each.name == "erp"]
    with suppress(*FAILED):
        db = await asyncpg.connect(dsn, timeout=PATIENCE)
        try:
            async with db.transaction():
                await db.execute("update ordhdr set chgdt = chgdt where ordno = (select max(ordno) from ordhdr)")
                await asyncio.sleep(seconds)
        finally:
            await db.close(timeout=5)
        return True
    return False

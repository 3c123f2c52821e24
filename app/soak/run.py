"""`milepost soak`: a whole installation under load, struck by random faults from one seed; then the checks."""

import asyncio
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec
from msgspec import Struct

from adapters.registry import adapter
from app.cluster import free_port
from app.demo import make_sources, settled_verdict, tell
from app.keys import token
from app.runtime import running
from app.settings import Config, Settings
from app.soak import checks
from app.soak.faults import Fault, schedule, strike
from app.soak.load import Clerk, Subscriber, missing
from demo.auditing import audit
from demo.client import Client
from demo.story import Story
from orders.outages import FAILED

SETTLES_WITHIN = 180.0
"""Seconds that commands and subscribers may take once the faults are over."""
POLL = 0.1
_STREAMING = "select count(*) = 2 and bool_and(not snapshotting) from record.checkpoint"
_EVENTS = "select count(*) from record.feed"
_OPEN = "select count(*) from command.command where state not in ('SETTLED', 'REJECTED')"


class Plan(Struct, frozen=True):
    """`rate` is in orders a second, `every` in seconds."""

    seed: int
    minutes: float
    rate: float
    every: float

    @property
    def story(self) -> Story:
        return Story(seed=self.seed, orders=max(round(self.minutes * 60 * self.rate), 1))

    @property
    def faults(self) -> Sequence[Fault]:
        return schedule(self.seed, self.minutes * 60, self.every)


class Report(Struct, frozen=True):
    """What was done, and what was found. The numbers from `lost` on are to be 0."""

    seed: int
    minutes: float
    orders: int
    changes: int
    events: int
    kills: int
    faults: dict[str, int]
    breaks: int
    commands: int
    settled_after: float
    seconds: float
    lost: int
    duplicated: int
    misplaced: int
    dead_letters: int
    unexplained: int
    remainder: int
    disordered: int
    unheard: int
    heard_twice: int
    heard_out_of_order: int
    commands_vanished: int
    commands_open: int
    commands_wrong: int
    machine: str = f"{platform.machine()}, Python {platform.python_version()}, milepost {version('milepost')}"

    @property
    def holds(self) -> bool:
        names = self.__struct_fields__
        return not any(getattr(self, name) for name in names[names.index("lost") : names.index("machine")])


class History:
    """What happened when, a line of JSON each: a fault that is invoked, and whether it struck (`ok`, `fail`)."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._begun = time.monotonic()

    def note(self, kind: str, **what: Any) -> None:
        at = round(time.monotonic() - self._begun, 3)
        self._file.write(msgspec.json.encode({"at": at, "type": kind, **what}) + b"\n")

    def close(self) -> None:
        self._file.close()


async def soak_in(data: Path | None, plan: Plan, *, quiet: bool) -> Report:
    """As `soak`, and says where what is left of it lies."""
    say = partial(print, file=sys.stderr if quiet else sys.stdout, flush=True)
    folder = data or Path(tempfile.mkdtemp(prefix="milepost-soak-"))
    say(f"{len(plan.faults)} faults in {plan.minutes:g} minutes; what happens is written to {folder / 'soak.jsonl'}")
    return await soak(folder, plan, say)


async def soak(data: Path, plan: Plan, say: Callable[[str], None]) -> Report:
    """Leaves `data` as it is at the end, with `soak.jsonl` in it. Raises StartError."""
    begun = time.monotonic()
    async with running(data, Config(port=free_port()), say, partial(make_sources, data)) as supervisor:
        say(supervisor.banner())
        settings = Settings.load(data)
        for source in settings.sources:
            await audit(admin(settings, source.name), adapter(source.adapter).mapping.tables)
        await reached(data, _STREAMING, bool, SETTLES_WITHIN)
        history = History(data / "soak.jsonl")
        try:
            return await Soaking(data, plan, history, say).run(begun)
        finally:
            history.close()
    raise supervisor.early_exit()


class Soaking:
    """One soak of an installation that runs."""

    def __init__(self, data: Path, plan: Plan, history: History, say: Callable[[str], None]) -> None:
        self._data, self._plan, self._history, self._say = data, plan, history, say
        client = Client(url(data), token(data, "soak", "admin"))
        self._subscriber = Subscriber(client)
        self._clerk = Clerk(client, Random(plan.seed))
        self._struck: Counter[str] = Counter()
        self._ends = asyncio.Event()

    async def run(self, begun: float) -> Report:
        following = asyncio.create_task(self._subscriber.run())
        telling = asyncio.create_task(tell(self._data, self._plan.story, self._plan.rate))
        try:
            await self._heard(1)
            clerk = asyncio.create_task(self._clerk.run(self._ends))
            await self._strike_all()
            self._ends.set()
            await clerk
            over = time.monotonic()
            await cancelled(telling)
            await tell(self._data, self._plan.story, None)
            return await self._checked(begun, over)
        finally:
            await cancelled(following, telling)

    async def _strike_all(self) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as group:
            for fault in self._plan.faults:
                await asyncio.sleep(start + fault.at - loop.time())
                group.create_task(self._strike(fault))
        await asyncio.sleep(start + self._plan.minutes * 60 - loop.time())

    async def _strike(self, fault: Fault) -> None:
        self._history.note("invoke", fault=fault.name, seconds=fault.seconds)
        struck = await strike(fault, self._data)
        self._history.note("ok" if struck else "fail", fault=fault.name)
        self._struck[fault.name] += struck

    async def _checked(self, begun: float, over: float) -> Report:
        self._say("the faults are over, the story is told: checking")
        await reached(self._data, _OPEN, lambda count: count == 0, SETTLES_WITHIN)
        verdict = await settled_verdict(Settings.load(self._data))
        settings = Settings.load(self._data)
        db = await asyncpg.connect(settings.graph_dsn)
        try:
            feed = await checks.feed(db)
            await self._heard(len(feed))
            sums = checks.Sums()
            for source in settings.sources:
                sums = sums.plus(await checks.changes(db, source.name, admin(settings, source.name)))
            asked = await checks.commands(db, settings, self._clerk.accepted)
            disordered, dead = await checks.disordered(db), await checks.dead_letters(db)
        finally:
            await db.close()
        unheard, twice, misheard = missing(self._subscriber.heard, feed)
        now = time.monotonic()
        return Report(
            seed=self._plan.seed,
            minutes=self._plan.minutes,
            orders=self._plan.story.orders,
            changes=sums.changes,
            events=len(feed),
            kills=sum(count for name, count in self._struck.items() if name.startswith("kill")),
            faults=dict(sorted(self._struck.items())),
            breaks=self._subscriber.breaks,
            commands=asked.accepted,
            settled_after=round(now - over, 1),
            seconds=round(now - begun, 1),
            lost=sums.lost,
            duplicated=sums.duplicated,
            misplaced=sums.misplaced,
            dead_letters=dead,
            unexplained=len(verdict.replay) + len(verdict.direct),
            remainder=sum(abs(account.remainder) + (not account.balanced) for account in verdict.accounts),
            disordered=disordered,
            unheard=unheard,
            heard_twice=twice,
            heard_out_of_order=misheard,
            commands_vanished=asked.vanished,
            commands_open=asked.open,
            commands_wrong=asked.wrong,
        )

    async def _heard(self, count: int) -> None:
        """Until so many events were, if they ever are: who was told of a gap waits for no more."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SETTLES_WITHIN
        while len(self._subscriber.heard) < count and not self._subscriber.gaps and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(POLL)


async def reached(data: Path, sql: str, holds: Callable[[Any], bool], seconds: float) -> None:
    """Until the graph's database answers so, at most so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(*FAILED):
            db = await asyncpg.connect(Settings.load(data).graph_dsn)
            try:
                if holds(await db.fetchval(sql)):
                    return
            finally:
                await db.close()
        await asyncio.sleep(POLL)


async def cancelled(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def admin(settings: Settings, database: str) -> str:
    """The DSN of the embedded server's owner for one of its databases."""
    return urlunsplit(urlsplit(settings.graph_dsn)._replace(path=f"/{database}"))


def url(data: Path) -> str:
    settings = Settings.load(data)
    return f"http://{settings.host}:{settings.port}/graphql"


def report_text(report: Report) -> str:
    """For people, a line for each number."""
    found = msgspec.to_builtins(report)
    faults = ", ".join(f"{count} × {name}" for name, count in found.pop("faults").items())
    lines = [f"{name.replace('_', ' '):<20} {value}" for name, value in found.items()]
    verdict = "holds" if report.holds else "DOES NOT HOLD"
    return "\n".join([*lines, f"{'faults':<20} {faults}", verdict])

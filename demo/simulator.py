"""A simulator of discrete events: actors are generators that act, wait for the virtual clock, and start others."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from typing import TypeAlias

from demo.statements import System

Arg: TypeAlias = str | int | Decimal | datetime | date | None
Statement: TypeAlias = tuple[str, tuple[Arg, ...]]
"""The name of a statement of `demo.statements` and its arguments, in the order of $1, $2, …"""


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of one source system. `at` is its virtual time, in UTC."""

    at: datetime
    system: System
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Until:
    """Go on when the clock shows `at`; at once if it already does."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on after this time."""

    time: timedelta


@dataclass(frozen=True, slots=True)
class Do:
    """Run these statements in one transaction."""

    system: System
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """Set another actor going, beside this one."""

    actor: "Actor"


Act: TypeAlias = Until | Wait | Do | Start
Actor: TypeAlias = Generator[Act, None, None]


def erp(*statements: Statement) -> Do:
    return Do("erp", statements)


def east(*statements: Statement) -> Do:
    return Do("east", statements)


@dataclass(slots=True)
class Clock:
    """The virtual time, in UTC."""

    now: datetime


@dataclass(slots=True)
class Simulator:
    """Runs actors against a clock; who was scheduled first acts first among equals."""

    clock: Clock
    _queue: list[tuple[datetime, int, Actor]] = field(default_factory=list)
    _scheduled: int = 0

    def run(self, first: Actor) -> Iterator[Step]:
        """The transactions of all actors, in the order of their virtual time."""
        self._schedule(self.clock.now, first)
        while self._queue:
            self.clock.now, _, actor = heappop(self._queue)
            yield from self._drive(actor)

    def _drive(self, actor: Actor) -> Iterator[Step]:
        for act in actor:
            match act:
                case Do():
                    yield Step(self.clock.now, act.system, act.statements)
                case Start():
                    self._schedule(self.clock.now, act.actor)
                case Wait():
                    self._schedule(self.clock.now + act.time, actor)
                    return
                case Until():
                    self._schedule(max(act.at, self.clock.now), actor)
                    return

    def _schedule(self, at: datetime, actor: Actor) -> None:
        self._scheduled += 1
        heappush(self._queue, (at, self._scheduled, actor))

"""Plays a story into the two source databases, as those systems' users would write it; resumes where it was."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import TypeAlias

import asyncpg

from demo.simulator import Statement, Step
from demo.statements import STATEMENTS, System, named
from demo.story import INTERVAL, Story
from orders.errors import StartError

BATCH = 256
"""Steps that the two systems may run ahead of one another."""

_PROGRESS = named("progress.sql")


def _noting(sql: str) -> str:
    """The statement with the step noted in the same breath; the step and the story are its last two arguments."""
    last = max(map(int, re.findall(r"\$(\d+)", sql)))
    noted = _PROGRESS["advance_with"].replace("$step", f"${last + 1}").replace("$story", f"${last + 2}")
    return f"{noted} {sql}"


_NOTING = {
    system: {name: _noting(sql) for name, sql in statements.items()} for system, statements in STATEMENTS.items()
}

Numbered: TypeAlias = tuple[int, Step]


@dataclass(frozen=True, slots=True)
class Played:
    """How much of a story the databases hold: orders entered, rows changed, transactions.

    `resumed` of the transactions were there before this run.
    """

    orders: int = 0
    changes: int = 0
    transactions: int = 0
    resumed: int = 0

    def plus(self, step: Step, *, resumed: bool) -> "Played":
        """With this step."""
        entered = sum(name == "order_enter" for name, _ in step.statements)
        changes = self.changes + len(step.statements)
        return Played(self.orders + entered, changes, self.transactions + 1, self.resumed + resumed)


OnStep: TypeAlias = Callable[[Played], None]


async def play(
    story: Story, erp_dsn: str, east_dsn: str, *, rate: float | None, on_step: OnStep = lambda _: None
) -> Played:
    """Run the story's steps, each in one transaction, in their order within each system.

    `rate` is in orders per second of real time, the rest of the story keeps that pace; None is as fast as it goes.
    Every transaction also notes its step, so a run that was killed goes on behind its last commit, and a finished story
    is not played again. Raises StartError when a database holds another story; a lost connection is asyncpg's to raise.
    """
    played = Played()
    async with _stage(erp_dsn, "erp", story) as erp, _stage(east_dsn, "east", story) as east:
        found = {"erp": erp.found, "east": east.found}
        async for batch in _batches(enumerate(story, start=1), max(found.values()), rate):
            await _together(erp.perform(batch), east.perform(batch))
            for number, step in batch:
                played = played.plus(step, resumed=number <= found[step.system])
                on_step(played)
    return played


@dataclass(frozen=True, slots=True)
class _Stage:
    """One source database. `found` is the step that it had when it was opened."""

    connection: asyncpg.Connection
    system: System
    story: str
    found: int

    async def perform(self, batch: Sequence[Numbered]) -> None:
        """This system's steps of a batch, without those that are there already."""
        for number, step in batch:
            if step.system == self.system and number > self.found:
                await self._commit(number, step)

    async def _commit(self, number: int, step: Step) -> None:
        if len(step.statements) == 1:
            ((name, args),) = step.statements
            await self.connection.execute(_NOTING[self.system][name], *args, number, self.story)
        else:
            await self._commit_several(number, step)

    async def _commit_several(self, number: int, step: Step) -> None:
        async with self.connection.transaction():
            for name, rows in _runs(step.statements):
                await self._write(STATEMENTS[self.system][name], rows)
            await self.connection.execute(_PROGRESS["advance"], self.story, number)

    async def _write(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        if len(rows) == 1:
            await self.connection.execute(sql, *rows[0])
        else:
            await self.connection.executemany(sql, rows)


def _runs(statements: Iterable[Statement]) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    """Neighbors of the same name together: one round trip for all of them."""
    for name, run in groupby(statements, key=itemgetter(0)):
        yield name, [args for _, args in run]


@asynccontextmanager
async def _stage(dsn: str, system: System, story: Story) -> AsyncIterator[_Stage]:
    connection = await asyncpg.connect(dsn)
    try:
        yield _Stage(connection, system, story.name, await _found(connection, system, story.name))
    finally:
        await connection.close(timeout=5)


async def _found(connection: asyncpg.Connection, system: System, story: str) -> int:
    stories: dict[str, int] = {row["story"]: row["step"] for row in await connection.fetch(_PROGRESS["stories"])}
    if not stories:
        await connection.execute(_PROGRESS["begin_story"], story)
    elif story not in stories:
        raise StartError(f"database {system} holds the story {', '.join(stories)}, not {story}: use a new data folder")
    return stories.get(story, 0)


async def _batches(steps: Iterator[Numbered], found: int, rate: float | None) -> AsyncIterator[Sequence[Numbered]]:
    """The steps in batches; those beyond `found` not before they are due."""
    if rate is None:
        while batch := tuple(islice(steps, BATCH)):
            yield batch
    else:
        pace = _Pace(rate * INTERVAL.total_seconds())
        for numbered, step in steps:
            if numbered > found:
                await pace.due(step.at)
            yield ((numbered, step),)


@dataclass(slots=True)
class _Pace:
    """Virtual against real time, from the first step that is asked for; `speed` is virtual seconds per real one."""

    speed: float
    began: datetime | None = None
    real: float = 0.0

    async def due(self, at: datetime) -> None:
        now = asyncio.get_running_loop().time()
        if self.began is None:
            self.began, self.real = at, now
        await asyncio.sleep(self.real + (at - self.began).total_seconds() / self.speed - now)


async def _together(*works: Coroutine[None, None, None]) -> None:
    """All of them; when one fails the others end too, and its own error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None

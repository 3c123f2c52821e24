"""F7: what a source was told to forget is never more than what is durable here, whoever is killed and when. C1, C2.

A slot's confirmed place is looked at first and the checkpoint after it, each by a statement of its own: both only rise,
so a place that is behind the checkpoint then may have been ahead of it for less than the look took, and one that is
ahead of it is so for sure. When nobody runs that could move either, there is no such doubt.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from demo.story import Story
from tests.controls.accounting import check, check_so_far, tell
from tests.controls.crash_projector import installed, kill_engine, parts, projector
from tests.controls.milepost import SECONDS, Installed, streaming
from tests.controls.waiting import until

ROUNDS = 4
"""In each of them the engine is killed, and then the projector."""
EVERY = 0.01
"""Seconds between two looks."""
STORY = Story(seed=7, orders=48)

LOOK = """
create function pg_temp.look() returns table (source text, confirmed bigint, reached bigint) language plpgsql as $$
declare
    slots jsonb := (select jsonb_object_agg(slot_name, (confirmed_flush_lsn - '0/0'::pg_lsn)::bigint)
                    from pg_replication_slots);
begin
    return query select c.source, (slots ->> ('milepost_' || c.source))::bigint, c.log from record.checkpoint c;
end $$
"""
RESTING = "select not exists (select from pg_replication_slots where active)"


@dataclass
class Places:
    """`ahead` are looks that found a slot beyond the checkpoint; `seen` all confirmed places."""

    db: asyncpg.Connection
    ahead: list[tuple[str, int, int]] = field(default_factory=list)
    seen: dict[str, set[int]] = field(default_factory=dict)

    async def look(self) -> dict[str, int]:
        """How far each source is, by its checkpoint."""
        rows = await self.db.fetch("select * from pg_temp.look()")
        for source, confirmed, reached in rows:
            self.seen.setdefault(source, set()).add(confirmed)
            if confirmed is None or confirmed > reached:
                self.ahead.append((source, confirmed, reached))
        return {row["source"]: row["reached"] for row in rows}

    async def keep_looking(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY)


@asynccontextmanager
async def looking(whole: Installed) -> AsyncIterator[Places]:
    """One connection looks again and again, another is for the test."""
    one, other = [await asyncpg.connect(whole.settings.graph_dsn) for _ in range(2)]
    for db in (one, other):
        await db.execute(LOOK)
    places = Places(other)
    looks = Places(one, places.ahead, places.seen)
    task = asyncio.create_task(looks.keep_looking())
    try:
        yield places
    finally:
        assert not task.done(), task.exception()
        task.cancel()
        await asyncio.wait({task})
        await asyncio.gather(one.close(), other.close())


async def moved_on(places: Places) -> None:
    """Until a checkpoint has moved twice."""
    for _ in range(2):
        before = await places.look()

        async def moved(before: dict[str, int] = before) -> bool:
            return await places.look() != before

        await until(moved, SECONDS)


async def test_it_is_never_ahead_of_the_checkpoint(data: Path) -> None:
    untold = parts(STORY, ROUNDS)
    async with installed(data) as whole:
        await whole.audit()
        async with projector(data):
            await until(lambda: streaming(whole), SECONDS)
        async with looking(whole) as places:
            for part in untold:
                async with projector(data) as process:
                    telling = asyncio.create_task(tell(whole, part))
                    await moved_on(places)
                    kill_engine(process)
                    await telling
                    await moved_on(places)
                    process.kill()
                    await process.wait()
                await until(lambda: places.db.fetchval(RESTING), SECONDS)
                await places.look()
                assert places.ahead == []
                await check_so_far(whole)
            async with projector(data):
                await check(whole)
            assert places.ahead == []
        assert all(len(seen) > 1 for seen in places.seen.values()), f"a slot never moved: {places.seen}"

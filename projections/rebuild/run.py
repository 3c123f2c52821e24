"""The graph made anew beside the one that is read, and put in its place in one transaction."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
from msgspec import Struct

from orders.crash import CrashPoint, crash_here
from orders.errors import RejectedError, TransientError
from orders.facts import Doc
from projections.database import SQL as PROJECTING
from projections.database import Connection
from projections.letters import Letters
from projections.loader import position
from projections.mapping import Mappings
from projections.rebuild import beside
from projections.rebuild.beside import BEFORE, NEXT, SQL
from projections.rebuild.comparing import Comparison, Counts
from projections.rebuild.crew import Crew, Hand, Local, Workers, processes
from projections.rebuild.facts import Facts, page_after
from projections.rebuild.report import Shown, shown
from projections.rebuild.rows import Follower, derive_all
from projections.rebuild.staging import Entered, entered
from projections.revisions import GRAPH, move_on
from projections.sharing import Turn

log = logging.getLogger("milepost.rebuild")

LITTLE = 1_000
"""Changes that may be left when the graphs are compared, and when one takes the other's place."""
WAITS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds for which readers may be kept waiting for the last of them: longer each time. The last ones are longer than
it takes Postgres to end a vacuum that is in the way."""
TRIES = 200
PAUSE = 0.5


class Report(Struct, frozen=True):
    """`changes` were read of the ledger. `others` are rows that differ and are no order's, by table."""

    changes: int
    counts: Counts
    others: dict[str, int]
    shown: list[Shown]
    underivable: list[str]
    swapped: bool


class _NotYetError(Exception):
    """A snapshot has come in between: all has to be made of the facts once more."""


Say = Callable[[str], None]


class Rebuild:
    """Two connections to the graph's database, in UTC; the first one's session holds the lock and what is compared.

    Without `workers` all is done in this process.
    """

    def __init__(
        self,
        connection: Connection,
        reader: Connection,
        mappings: Mappings,
        say: Say = log.info,
        workers: Workers | None = None,
    ) -> None:
        self._db, self._reader, self._mappings, self._say = connection, reader, mappings, say
        self._workers = workers
        self._crew = Crew([])
        self._underivable: set[Doc] = set()
        self._facts = Facts(connection, reader, mappings)
        self._follower = Follower(connection, mappings, self._underivable)
        self._comparison = Comparison(connection, secrets.token_hex(4))
        self._turn = Turn()
        self._since = 0

    async def run(self, *, dry_run: bool = False) -> Report:
        """Make, compare and replace; a `dry_run` ends before the last. Raises RejectedError, TransientError."""
        try:
            await self._begin()
            async with self._called() as self._crew:
                await self._make()
                await self._compare()
                return await (self._drop_again() if dry_run else self._replace())
        except asyncpg.DataError as error:
            raise RejectedError(f"Postgres refuses what the mapping makes of the ledger: {error}") from error

    async def _begin(self) -> None:
        await locked(self._db)
        if await self._db.fetchval(SQL["is_there"], BEFORE):
            raise RejectedError(
                "the graph from before the last rebuild is still there: drop it with `milepost rebuild --drop-old`"
            )
        await beside.make(self._db)
        await self._db.execute(SQL["make_left"])
        await self._comparison.begin()

    async def _make(self) -> None:
        await self._wait_for_snapshots()
        await self._facts.read_on(self._crew)
        self._say(f"read the ledger up to {self._facts.reached}")
        crash_here(CrashPoint.REBUILD_FACTS)
        await self._make_rows()
        self._say("made the rows")
        crash_here(CrashPoint.REBUILD_ROWS)

    async def _make_rows(self) -> None:
        await beside.bare(self._db)
        await beside.hang(self._crew)
        await derive_all(self._reader, self._crew, self._underivable)
        await beside.index(self._db, self._crew)

    async def _make_again(self) -> None:
        """A snapshot ended meanwhile: with its facts, and without what it did not bring."""
        self._say("a snapshot ended meanwhile: all rows are made once more")
        await self._wait_for_snapshots()
        self._follower.forget()
        self._underivable.clear()
        await self._facts.read_on(self._crew)
        await self._make_rows()

    @asynccontextmanager
    async def _called(self) -> AsyncIterator[Crew]:
        """Those who do the work; for a small ledger nobody is called."""
        if self._workers is not None and await self._db.fetchval(SQL["worth"], 0, self._workers.least):
            async with processes(self._workers, self._mappings) as crew:
                yield crew
        else:
            yield Crew([Local(Hand(self._db, self._mappings))])

    async def _wait_for_snapshots(self) -> None:
        said = False
        while await self._db.fetchval(SQL["snapshotting"]):
            if not said:
                self._say("waiting for the end of a snapshot")
            said = True
            await asyncio.sleep(PAUSE)

    async def _compare(self) -> None:
        """All of both graphs, as of one instant."""
        while True:
            try:
                await self._catch_up()
                self._since = await self._comparison.all(self._reader, self._crew)
                await self._compare_again()
                self._say(f"compared: {(await self._comparison.counts()).orders} orders differ")
                crash_here(CrashPoint.REBUILD_COMPARED)
                return
            except _NotYetError:
                await self._make_again()

    async def _catch_up(self) -> set[str]:
        """Until little is left; the orders that were touched on the way. Raises _NotYetError."""
        touched = set[str]()
        while True:
            async with self._kept_up("repeatable_read", most=5 * LITTLE) as (_, more):
                touched |= more
            if await self._left() <= LITTLE:
                return touched

    async def _left(self) -> int:
        tail = await self._db.fetchrow(SQL["tail"], self._facts.reached)
        assert tail is not None
        if tail["snapshot"] or await self._facts.sweeps(self._db) or await self._db.fetchval(SQL["snapshotting"]):
            raise _NotYetError
        return int(tail["changes"])

    @asynccontextmanager
    async def _kept_up(self, isolation: str, most: int | None = None) -> AsyncIterator[tuple[int, set[str]]]:
        """A transaction that begins with what the ledger has gained, or the first `most` of it.

        With a number that all transactions have that it does not see, and the orders that were touched.
        """
        reached = self._facts.reached
        try:
            async with self._db.transaction(isolation=isolation):  # type: ignore[arg-type]  # a Literal
                if isolation == "read_committed":
                    await self._turn.take(self._db)
                since = await self._db.fetchval(SQL["snapshot_xmin"])
                await self._left()
                mended = await self._mended()
                entries = await self._gained(most)
                touched = await self._follower.take([*mended, *entries])
                if entries:
                    self._facts.reached = entries[-1].id
                    self._facts.changes += len(entries)
                yield since, touched
            self._facts.spared -= {each.id for each in mended}
        except BaseException:
            self._facts.reached = reached
            self._follower.forget()
            raise

    async def _gained(self, most: int | None) -> list[Entered]:
        found, after = list[Entered](), self._facts.reached
        head: int = await self._db.fetchval(SQL["ledger_head"])
        while (most is None or len(found) < most) and (rows := await page_after(self._db, after, head)):
            found += map(entered, rows)
            after = rows[-1]["id"]
        return found

    async def _mended(self) -> list[Entered]:
        """Dead letters of snapshots that were replayed since: their rows stay where they are in the ledger."""
        if not self._facts.spared:
            return []
        return [entered(row) for row in await self._db.fetch(SQL["alive_of"], list(self._facts.spared))]

    async def _drop_again(self) -> Report:
        report = await self._told()
        await beside.drop(self._db, NEXT.schema)
        return report

    async def _told(self) -> Report:
        """Of both graphs as of one instant: what is projected meanwhile differs in neither."""
        while True:
            try:
                touched = await self._catch_up()
                async with self._kept_up("repeatable_read") as (_, more):
                    await self._compared_again(touched | more)
                    return await self._report(swapped=False)
            except _NotYetError:
                await self._make_again()
                await self._compare()

    async def _replace(self) -> Report:
        await beside.put_past(self._db)
        for number in range(TRIES):
            try:
                await self._compare_again()
                return await self._swap(WAITS[min(number, len(WAITS) - 1)])
            except _NotYetError:
                await self._make_again()
                await self._compare()
            except asyncpg.LockNotAvailableError:
                await asyncio.sleep(PAUSE)
        raise TransientError("readers never let go of the graph: it is as it was, try again when less is read")

    async def _compare_again(self) -> None:
        touched = await self._catch_up()
        async with self._kept_up("repeatable_read") as (since, more):
            await self._compared_again(touched | more)
        self._since = since

    async def _compared_again(self, touched: set[str]) -> None:
        if not await self._comparison.again(self._since, touched):
            raise _NotYetError

    async def _swap(self, within: float) -> Report:
        async with self._kept_up("read_committed") as (_, touched):
            await self._compared_again(touched)
            report = await self._report(swapped=True)
            await self._comparison.put_into_feed()
            await self._tell_letters()
            await beside.put_past(self._db)
            await move_on(self._db, [GRAPH], NEXT)
            crash_here(CrashPoint.REBUILD_SWAPPING)
            await beside.replace(self._db, within)
        crash_here(CrashPoint.REBUILD_SWAPPED)
        self._say("the new graph is read now")
        return report

    async def _tell_letters(self) -> None:
        rows = await self._db.fetch(PROJECTING["load_checkpoints"])
        await Letters(self._db).made_anew({row["source"]: position(row) for row in rows}, self._underivable)

    async def _report(self, *, swapped: bool) -> Report:
        return Report(
            changes=self._facts.changes,
            counts=await self._comparison.counts(),
            others=await self._comparison.others() if not swapped else {},
            shown=await shown(self._db),
            underivable=sorted(map(str, self._underivable)),
            swapped=swapped,
        )


async def locked(connection: Connection) -> None:
    """One rebuild at a time. Raises TransientError."""
    if not await connection.fetchval(SQL["only_rebuild"]):
        raise TransientError("another rebuild is under way, or old changes are leaving the ledger: wait for its end")


async def drop_old(connection: Connection) -> bool:
    """Give up the graph from before the last rebuild, and what one that ended had made; False without a former."""
    await locked(connection)
    there: bool = await connection.fetchval(SQL["is_there"], BEFORE)
    await beside.drop(connection, BEFORE)
    await beside.drop(connection, NEXT.schema)
    return there

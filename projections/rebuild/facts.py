"""The facts of the graph that is being made: the ledger in its order, as far as the order counts."""

from collections.abc import AsyncIterator, Iterator, Sequence

import asyncpg

from cdc.change import Change, Op
from projections.database import Connection, columns
from projections.known import Key, Known
from projections.loader import position
from projections.mapping import Mappings, keys_of
from projections.rebuild.beside import BESIDE, SQL
from projections.rebuild.crew import Crew, Hand, Job
from projections.rebuild.staging import (
    Entered,
    Page,
    Versions,
    entered,
    facts_of,
    mapping_of,
    merge_part,
    merged,
    stage,
    staged_page,
)
from projections.replay import Sweep, sweeps
from projections.text import decode_fact

PAGE = 2_000
ROUND = 100_000
"""Changes whose facts wait outside the graph's table at most, but for a page."""


class Facts:
    """`reached` is the last row of the ledger that is in, after `changes` of them; `reader` is another connection than
    the one that writes.

    `spared` are the ledger's rows of changes that a snapshot brought and nobody could read.
    """

    def __init__(self, connection: Connection, reader: Connection, mappings: Mappings) -> None:
        self._connection, self._reader, self._mappings = connection, reader, mappings
        self._swept: set[tuple[str, int]] = set()
        self.spared: set[int] = set()
        self.reached, self.changes = 0, 0

    async def read_on(self, crew: Crew) -> None:
        """All that the ledger holds by now. Raises RejectedError for what the mapping cannot read any more."""
        async with self._reader.transaction(isolation="repeatable_read", readonly=True):
            head, ends = await self._reader.fetchval(SQL["ledger_head"]), await self.sweeps(self._reader)
        await self._connection.execute(BESIDE["make_staged"])
        at = self.reached
        while at < head or ends:
            upto = min(head, ends[0].after) if ends else head
            at = await self._read_between(at, upto, crew) if at < upto else at
            while ends and (ends[0].after <= at or at >= head):
                await self._sweep(ends.pop(0))
        await self._connection.execute(BESIDE["drop_staged"])
        self.reached = head

    async def sweeps(self, connection: Connection) -> list[Sweep]:
        """Of snapshots that have ended and whose ends are not in yet."""
        found = await sweeps(connection, None)
        return [each for each in found if (each.source, each.position.epoch) not in self._swept]

    async def _read_between(self, after: int, upto: int, crew: Crew) -> int:
        """Some of it at least; how far. What depends on what came before is taken by itself."""
        odd: int | None = await self._reader.fetchval(SQL["odd_after"], after, upto)
        if odd == await self._reader.fetchval(SQL["next_id"], after):
            return await self._read_odd(after, upto)
        return await self._read_round(after, odd - 1 if odd else upto, crew)

    async def _read_round(self, after: int, upto: int, crew: Crew) -> int:
        found = sorted(await crew.share(self._jobs(after, upto)))
        at = after
        for page in found:
            self.changes += page.changes
            if page.held:
                await self._merge(at, page.last)
                await self._put(await self._held(page.held), page.last)
                at = page.last
        last = found[-1].last
        await crew.each(lambda part, parts: merged(at, last, part, parts))
        await self._connection.execute(BESIDE["empty_staged"])
        return last

    async def _jobs(self, after: int, upto: int) -> AsyncIterator[Job[Page]]:
        for _ in range(ROUND // PAGE):
            if after < upto:
                last: int = await self._reader.fetchval(SQL["page_end"], after, upto, PAGE - 1) or upto
                yield staged_page(after, last)
                after = last

    async def _held(self, ids: Sequence[int]) -> list[Entered]:
        return [entered(row) for row in await self._reader.fetch(SQL["alive_of"], ids)]

    async def _read_odd(self, after: int, upto: int) -> int:
        page = [entered(row) for row in await page_after(self._reader, after, upto)]
        for part in parts(page):
            if not part[0].dead and part[0].change.op is Op.TRUNCATE:
                await self._empty(part[0].change)
            else:
                await self._put(part, part[-1].id)
                await self._spare([each for each in part if each.dead])
        await self._connection.execute(BESIDE["empty_staged"])
        self.changes += len(page)
        return page[-1].id

    async def _put(self, entries: Sequence[Entered], page: int) -> None:
        """All that came before is merged."""
        told = [(each.change, facts_of(self._mappings, each)) for each in entries if not each.dead]
        versions = Versions()
        versions.newest |= await self._known(
            [(c.source, fact.key) for c, facts in told for fact in facts if fact.partial]
        )
        for change, facts in told:
            versions.take(change, facts)
        await self._connection.execute(BESIDE["empty_staged_page"], page)
        await stage(self._connection, versions, page)
        await self._merge(page - 1, page)

    async def _known(self, keys: Sequence[Key]) -> dict[Key, Known]:
        """What is in already: the rest of a fact that came in part is as it was."""
        rows = await self._connection.fetch(BESIDE["facts_of_keys"], *columns(keys, 2)) if keys else ()
        return {(row["source"], row["key"]): Known(decode_fact(row["key"], row["fact"]), position(row)) for row in rows}

    async def _merge(self, after: int, upto: int) -> None:
        await merge_part(after, upto, 0, 1, Hand(self._connection, self._mappings))

    async def _sweep(self, found: Sweep) -> None:
        await self._connection.execute(BESIDE["leave_swept"], found.source, found.position.epoch)
        await self._connection.execute(BESIDE["sweep_facts"], found.source, *found.position)
        self._swept.add((found.source, found.position.epoch))

    async def _empty(self, change: Change) -> None:
        prefixes = mapping_of(self._mappings, change).prefixes(change.table)
        await self._connection.execute(BESIDE["leave_emptied"], change.source, prefixes)
        await self._connection.execute(BESIDE["empty_facts"], change.source, *change.position, prefixes)

    async def _spare(self, dead: Sequence[Entered]) -> None:
        """Their facts stay as they were, and are not swept."""
        read = [each for each in dead if each.change.op is Op.READ]
        self.spared |= {each.id for each in read}
        keys = [
            (each.change.source, key, each.change.position.epoch)
            for each in read
            for key in keys_of(mapping_of(self._mappings, each.change), each.change)
        ]
        if keys:
            await self._connection.execute(BESIDE["leave_spared"], *columns(keys, 3)[:2])
            await self._connection.execute(BESIDE["spare_facts"], *columns(keys, 3))


def parts(page: Sequence[Entered]) -> Iterator[Sequence[Entered]]:
    """Cut where the order of changes counts: at truncations, and before what is older than a snapshot's dead row."""
    part, epochs = list[Entered](), dict[str, int]()
    for each in page:
        source, epoch = each.change.source, each.change.position.epoch
        empties = each.change.op is Op.TRUNCATE and not each.dead
        if part and (empties or epoch < epochs.get(source, epoch)):
            yield part
            part, epochs = [], {}
        if empties:
            yield [each]
            continue
        if each.dead and each.change.op is Op.READ:
            epochs[source] = max(epoch, epochs.get(source, epoch))
        part.append(each)
    if part:
        yield part


async def page_after(connection: Connection, after: int, upto: int) -> list[asyncpg.Record]:
    return list(await connection.fetch(SQL["ledger_between"], after, upto, PAGE))

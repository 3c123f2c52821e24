"""The ledger's changes as facts of the graph that is being made: the newest of each key, set by set."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import asyncpg

from cdc.change import Change, Op
from orders.errors import RejectedError
from orders.facts import Fact
from projections.database import Connection, columns
from projections.loader import position
from projections.mapping import Mappings, SourceMapping, keys_of
from projections.rebuild.beside import BESIDE, SQL
from projections.replay import Sweep, change_of, sweeps
from projections.store import Key, Known, completed, same_place
from projections.text import decode_fact, doc_text, encode_fact
from projections.writer import FACT_COLUMNS

PAGE = 2_000
STAGED = 100_000
"""Facts that wait outside the table at most, but for a page's."""


class Entered(NamedTuple):
    """A ledger row."""

    id: int
    change: Change
    dead: bool


def entered(row: asyncpg.Record) -> Entered:
    return Entered(row["id"], change_of(dict(row)), row["outcome"] == "dead")


class Facts:
    """`reached` is the last row of the ledger that is in, after `changes` of them; `reader` is another connection than
    the one that writes.

    `spared` are the ledger's rows of changes that a snapshot brought and nobody could read.
    """

    def __init__(self, connection: Connection, reader: Connection, mappings: Mappings) -> None:
        self._connection, self._reader, self._mappings = connection, reader, mappings
        self._newest: dict[Key, Known] = {}
        self._left = list[tuple[Key, Known]]()
        self._staged = 0
        self._swept: set[tuple[str, int]] = set()
        self.spared: set[int] = set()
        self.reached, self.changes = 0, 0

    async def read_on(self) -> None:
        """All that the ledger holds by now. Raises RejectedError for what the mapping cannot read any more."""
        async with self._reader.transaction(isolation="repeatable_read", readonly=True):
            head, ends = await self._reader.fetchval(SQL["ledger_head"]), await self.sweeps(self._reader)
        async for page in pages(self._reader, self.reached, head):
            self.changes += len(page)
            while ends and ends[0].after < page[-1].id:
                before = [each for each in page if each.id <= ends[0].after]
                await self._take(before)
                await self._sweep(ends.pop(0))
                page = page[len(before) :]
            await self._take(page)
        for left in ends:
            await self._sweep(left)
        await self._merge()
        self.reached = head

    async def sweeps(self, connection: Connection) -> list[Sweep]:
        """Of snapshots that have ended and whose ends are not in yet."""
        found = await sweeps(connection, None)
        return [each for each in found if (each.source, each.position.epoch) not in self._swept]

    async def _take(self, page: Sequence[Entered]) -> None:
        for part in parts(page):
            if not part[0].dead and part[0].change.op is Op.TRUNCATE:
                await self._empty(part[0].change)
            else:
                await self._put(part)
        if self._staged > STAGED:
            await self._merge()

    async def _put(self, part: Sequence[Entered]) -> None:
        told = [(each.change, facts_of(self._mappings, each)) for each in part if not each.dead]
        await self._remember([(c.source, fact.key) for c, facts in told for fact in facts if fact.partial])
        for change, facts in told:
            for fact in facts:
                key = (change.source, fact.key)
                old = self._newest.get(key)
                if old is None or old.position < change.position:
                    if old is not None and not same_place(old.fact, fact):
                        self._left.append((key, old))
                    whole = completed(fact, old.fact.body if old else None) if fact.partial else fact
                    self._newest[key] = Known(whole, change.position)
        await self._stage()
        await self._spare([each for each in part if each.dead])

    async def _remember(self, keys: Sequence[Key]) -> None:
        """What is known of these already: the rest of a fact that came in part is as it was."""
        if keys:
            await self._merge()
            for row in await self._connection.fetch(BESIDE["facts_of_keys"], *columns(keys, 2)):
                fact = decode_fact(row["key"], row["fact"])
                self._newest[row["source"], row["key"]] = Known(fact, position(row))

    async def _stage(self) -> None:
        rows = [
            (*key, *known.position, doc_text(known.fact.doc) if known.fact.doc else None, encode_fact(known.fact))
            for key, known in chain(self._left, self._newest.items())
        ]
        if rows:
            await self._connection.copy_records_to_table("staged", columns=FACT_COLUMNS, records=rows)
        self._staged += len(rows)
        self._newest.clear()
        self._left.clear()

    async def _merge(self) -> None:
        if self._staged:
            await self._connection.execute(BESIDE["leave_merged"])
            await self._connection.execute(BESIDE["merge_facts"])
            await self._connection.execute("truncate staged")
        self._staged = 0

    async def _sweep(self, found: Sweep) -> None:
        await self._merge()
        await self._connection.execute(BESIDE["leave_swept"], found.source, found.position.epoch)
        await self._connection.execute(BESIDE["sweep_facts"], found.source, *found.position)
        self._swept.add((found.source, found.position.epoch))

    async def _empty(self, change: Change) -> None:
        await self._merge()
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
            await self._merge()
            await self._connection.execute(BESIDE["leave_spared"], *columns(keys, 3)[:2])
            await self._connection.execute(BESIDE["spare_facts"], *columns(keys, 3))


def mapping_of(mappings: Mappings, change: Change) -> SourceMapping:
    if change.source not in mappings:
        raise RejectedError(f"the ledger holds changes of {change.source}, which is no source any more")
    return mappings[change.source]


def facts_of(mappings: Mappings, entry: Entered) -> Sequence[Fact]:
    """What a change states that was applied before. Raises RejectedError."""
    change = entry.change
    mapping = mapping_of(mappings, change)
    try:
        return mapping.facts(change)
    except Exception as error:
        row = "/".join([change.source, change.table, *map(str, change.key.values())])
        raise RejectedError(
            f"the mapping cannot read what it could before: {row} at {change.position}, ledger {entry.id}: {error}"
        ) from error


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


async def pages(connection: Connection, after: int, head: int) -> AsyncIterator[Sequence[Entered]]:
    """Of the ledger, in its order; the next one is read meanwhile."""
    reading = asyncio.create_task(page_after(connection, after, head))
    try:
        while rows := await reading:
            reading = asyncio.create_task(page_after(connection, rows[-1]["id"], head))
            yield [entered(row) for row in rows]
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def page_after(connection: Connection, after: int, head: int) -> list[asyncpg.Record]:
    return list(await connection.fetch(SQL["ledger_between"], after, head, PAGE))

"""Folds what comes while Postgres writes what came before it.

One batch is being written at most, and one more grows until that is done: `project_or_isolate` has the rest, what a
batch alone can be, and what went wrong. Memory is ahead of what is stored then, so whenever something fails, all that
was folded and is not stored is forgotten and projected again, in its order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import asyncpg

from cdc.capture import checkpoint_behind
from cdc.change import Checkpoint, Transaction
from orders.crash import CrashPoint, crash_here
from projections.batch import Folded
from projections.database import Connection
from projections.drained import UnshowableError
from projections.events import Stated
from projections.isolating import is_poison, project_or_isolate
from projections.projector import Advanced, AlreadySeen, OutdatedError, Projector, Result
from projections.runs import fresh, is_plain

MOST: Final = 4_000
"""Changes with which a batch is large enough."""
_BREATH: Final = 20
"""Changes between two looks at what Postgres has answered: a millisecond or two."""


class Pipeline:
    """Of one projector. `done` is told what became of each batch, in their order.

    It reads by a connection of its own, which sees what is stored: what of that is being written just now is in memory.
    """

    def __init__(self, projector: Projector, reading: Connection, done: Callable[[Result], Awaitable[None]]) -> None:
        self._projector = projector
        self._reading = reading
        self._done = done
        self._growing = Folded()
        self._written = Folded()
        self._writing: asyncio.Task[Advanced] | None = None
        self._unbreathed = 0

    @property
    def writing(self) -> "set[asyncio.Task[Advanced]]":
        """What is to be waited for, before `look` has something to do."""
        return {self._writing} if self._writing else set()

    @property
    def has_room(self) -> bool:
        """Whether `take` may be called: for a full batch it has to be written, for a full memory all of it."""
        if self._projector.loader.is_full and (self._writing or self._growing.transactions):
            return False
        return self._growing.batch.seen < MOST

    async def take(self, transactions: Sequence[Transaction]) -> None:
        """Fold them ahead, or project them. Raises what `Projector.project` raises, and FencedError."""
        found = fresh(transactions, self._projector.checkpoints, self._written_up_to, self._growing.batch.checkpoints)
        if not found:
            await self._done(AlreadySeen())
        elif self._projector.alone and not self._projector.snapshotting and all(map(is_plain, found)):
            await self._fold(found)
        else:
            await self.finish()
            await self._done(await project_or_isolate(self._projector, found))

    async def write(self) -> None:
        """Begin to write what has been folded, unless something is being written."""
        if self._writing or not self._growing.transactions:
            return
        try:
            self._growing.batch.show(self._projector.fold.drain())
        except UnshowableError:
            await self._unshowable()
            return
        self._growing.facts = self._projector.fold.store.settle()
        self._written, self._growing = self._growing, Folded()
        self._writing = asyncio.create_task(self._projector.put(self._written))

    async def look(self) -> None:
        """Whether writing has ended."""
        if self._writing and self._writing.done():
            await self._ended()

    async def finish(self) -> None:
        """Until all that was taken is written."""
        while self._writing or self._growing.transactions:
            await self.write()
            await self._ended()

    async def stop(self) -> None:
        """Until what is being written is; what was folded behind it is of no use."""
        if self._writing:
            self._growing = Folded()
            await self._ended()

    async def cancel(self) -> None:
        if self._writing:
            self._writing.cancel()
            await asyncio.wait({self._writing})

    @property
    def _written_up_to(self) -> Mapping[str, Checkpoint]:
        return self._written.batch.checkpoints if self._writing else {}

    async def _fold(self, transactions: Sequence[Transaction]) -> None:
        crash_here(CrashPoint.RECEIVED)
        growing = self._growing
        growing.transactions += transactions
        try:
            read = [(each, await self._read(each)) for each in transactions]
            crash_here(CrashPoint.DECODED)
            await self._projector.loader.load(self._reading, [s for _, stated in read for s in stated])
            for transaction, stated in read:
                growing.batch.checkpoints[transaction.source] = checkpoint_behind(transaction)
                self._projector.intake.take(growing.batch, transaction, stated, live=True)
                self._projector.fold.underivable -= growing.batch.mended
                await self._breathe(len(stated))
        except UnshowableError:
            await self._unshowable()
        else:
            crash_here(CrashPoint.FOLDED)

    async def _read(self, transaction: Transaction) -> list[Stated]:
        stated = self._projector.intake.read(self._growing.batch, transaction)
        await self._breathe(len(stated))
        return stated

    async def _ended(self) -> None:
        """Waits for it. What Postgres refuses, or others have written behind, is projected anew."""
        if self._writing is None:
            return
        await asyncio.wait({self._writing})
        writing, self._writing = self._writing, None
        try:
            result = writing.result()
        except OutdatedError:
            await self._again(self._written)
        except asyncpg.PostgresError as error:
            if not is_poison(error):
                raise
            await self._again(self._written)
        else:
            if not self._growing.transactions:
                self._projector.loader.trim()
            await self._done(result)

    async def _unshowable(self) -> None:
        """Rows cannot be made of what grows: the change at fault is found by projecting it."""
        await self._ended()
        if self._growing.transactions:
            await self._again()

    async def _again(self, *failed: Folded) -> None:
        """Project all that was folded and is not stored, from what is."""
        lost, self._growing = [*failed, self._growing], Folded()
        for each in lost:
            self._projector.fold.underivable |= each.batch.mended
        self._projector.loader.forget()
        found = [transaction for each in lost for transaction in each.transactions]
        await self._done(await project_or_isolate(self._projector, found))

    async def _breathe(self, changes: int) -> None:
        """What Postgres has answered is taken on."""
        self._unbreathed += changes
        if self._unbreathed >= _BREATH:
            self._unbreathed = 0
            await asyncio.sleep(0)

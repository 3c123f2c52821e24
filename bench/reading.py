"""What is done with the batches of a change source: nothing, they are kept, or they are projected."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, TypeVar

from bench.machinery import MAPPINGS, connect
from cdc.change import ChangeSource, Checkpoint, Snapshot, Transaction
from projections.runner import Runner

SECONDS: Final = 600
Result = TypeVar("Result")
Enough = Callable[[int, int], bool]
"""Of the changes read and the snapshots ended so far."""


class Reader(Protocol):
    """What is done with batches."""

    async def start(self) -> dict[str, Checkpoint]: ...

    async def take(self, batch: Sequence[Transaction]) -> None: ...


@dataclass
class Alone:
    """Remembers how far it is, in memory."""

    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)

    async def start(self) -> dict[str, Checkpoint]:
        return dict(self.checkpoints)

    async def take(self, batch: Sequence[Transaction]) -> None:
        self.checkpoints.update((each.source, checkpoint(each)) for each in batch)


@dataclass
class Kept(Alone):
    """And all that it read."""

    kept: list[Transaction] = field(default_factory=list)

    async def take(self, batch: Sequence[Transaction]) -> None:
        await super().take(batch)
        self.kept += batch


class Watched:
    """A source, and how much of it its reader has done with: `changes`, and `ends` of snapshots.

    `opened` and `first` are called when it is open and when its first batch is there.
    """

    def __init__(
        self, source: ChangeSource, enough: Enough, opened: Callable[[], None], first: Callable[[], None]
    ) -> None:
        self._source, self._enough = source, enough
        self._opened, self._first = opened, first
        self._handed: list[Transaction] = []
        self.changes = self.ends = 0
        self.finished = asyncio.Event()

    @asynccontextmanager
    async def open(self, checkpoints: Mapping[str, Checkpoint]) -> AsyncIterator[AsyncIterator[Sequence[Transaction]]]:
        async with self._source.open(checkpoints) as batches:
            self._opened()
            yield self._read(batches)

    async def _read(self, batches: AsyncIterator[Sequence[Transaction]]) -> AsyncIterator[Sequence[Transaction]]:
        async for batch in batches:
            if not self._handed and not self.changes and not self.ends:
                self._first()
            self._handed += batch
            yield batch

    async def processed(self, checkpoints: Sequence[Checkpoint]) -> None:
        await self._source.processed(checkpoints)
        reached = {each.source: each.position for each in checkpoints}
        left = []
        for each in self._handed:
            if each.source in reached and each.position <= reached[each.source]:
                self.changes += len(each.changes)
                self.ends += each.snapshot is Snapshot.LAST
            else:
                left.append(each)
        self._handed = left
        if self._enough(self.changes, self.ends):
            self.finished.set()


@dataclass
class Whole:
    """Projects into a graph, as the projector's process does. `dsn` is that of its database."""

    dsn: str

    async def project(
        self,
        source: ChangeSource,
        enough: Enough,
        end: Callable[[int], Result],
        *,
        opened: Callable[[], None] = lambda: None,
        first: Callable[[], None] = lambda: None,
    ) -> Result:
        """Until it is enough: what `end` makes of the number of changes then."""
        watched = Watched(source, enough, opened, first)
        runner = Runner(watched, MAPPINGS, partial(connect, self.dsn))
        running = asyncio.create_task(runner.run())
        try:
            async with asyncio.timeout(SECONDS):
                await watched.finished.wait()
            return end(watched.changes)
        finally:
            runner.stop()
            await running


def checkpoint(last: Transaction) -> Checkpoint:
    return Checkpoint(last.source, last.position, last.resume, snapshotting=last.snapshot is Snapshot.PART)


async def read(
    source: ChangeSource,
    batches: AsyncIterator[Sequence[Transaction]],
    reader: Reader,
    enough: Enough,
    first: Callable[[], None] = lambda: None,
) -> int:
    """How many changes there were until it was enough; calls `first` when the first batch is there.

    What a source counts beside them, such as its heartbeats, is left out.
    """
    changes, ends = 0, 0
    async for batch in batches:
        if not changes and not ends:
            first()
        await reader.take(batch)
        await source.processed([checkpoint(each) for each in batch])
        changes += sum(len(each.changes) for each in batch)
        ends += sum(each.snapshot is Snapshot.LAST for each in batch)
        if enough(changes, ends):
            return changes
    raise RuntimeError("the source ended")

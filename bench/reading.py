"""What is done with the batches of a change source: nothing, they are kept, or they are projected."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cdc.change import ChangeSource, Checkpoint, Snapshot, Transaction
from projections.isolating import project_or_isolate
from projections.projector import Projector

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


@dataclass
class Whole:
    """Projects into a graph."""

    projector: Projector

    async def start(self) -> dict[str, Checkpoint]:
        return await self.projector.start()

    async def take(self, batch: Sequence[Transaction]) -> None:
        await project_or_isolate(self.projector, batch)


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

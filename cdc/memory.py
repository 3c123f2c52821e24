"""`MemorySource`: the twin of a real source for tests. It hands out what it was given and can be asked afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from cdc.change import Checkpoint, Position, Transaction


class MemorySource:
    """A source of the given transactions, one a batch unless `batch` says how many; ends behind the last of them."""

    def __init__(self, transactions: Iterable[Transaction] = (), batch: int = 1) -> None:
        self._transactions, self._batch = list(transactions), batch
        self.told: list[Checkpoint] = []

    def add(self, *transactions: Transaction) -> None:
        """For the next `open`."""
        self._transactions += transactions

    @property
    def processed_up_to(self) -> dict[str, Position]:
        """How far each source was told that its reader is."""
        return {checkpoint.source: checkpoint.position for checkpoint in self.told}

    @asynccontextmanager
    async def open(self, checkpoints: Mapping[str, Checkpoint]) -> AsyncIterator[AsyncIterator[Sequence[Transaction]]]:
        yield self._read([each for each in self._transactions if _behind(each, checkpoints)])

    async def processed(self, checkpoints: Sequence[Checkpoint]) -> None:
        self.told += checkpoints

    async def _read(self, transactions: list[Transaction]) -> AsyncIterator[Sequence[Transaction]]:
        for start in range(0, len(transactions), self._batch):
            await asyncio.sleep(0)
            yield transactions[start : start + self._batch]


def _behind(transaction: Transaction, checkpoints: Mapping[str, Checkpoint]) -> bool:
    checkpoint = checkpoints.get(transaction.source)
    return checkpoint is None or transaction.position > checkpoint.position

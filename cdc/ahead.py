"""What is read ahead of a reader that is at work, so that it need not wait for what it could have had already."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from cdc.change import Transaction


class Polled(NamedTuple):
    """Transactions that some records complete, which may be none, and how many records these are."""

    transactions: Sequence[Transaction]
    records: int


class Ahead:
    """What has been read and not been taken. Whoever puts waits while `most` records' worth lies here."""

    def __init__(self, most: int) -> None:
        self._most, self._records = most, 0
        self._transactions: list[Transaction] = []
        self._error: Exception | None = None
        self._news, self._room = asyncio.Event(), asyncio.Event()

    async def put(self, polled: Polled) -> None:
        self._transactions += polled.transactions
        self._records += polled.records
        self._news.set()
        while self._records >= self._most:
            self._room.clear()
            await self._room.wait()

    def fail(self, error: Exception) -> None:
        """Nothing more comes."""
        self._error = error
        self._news.set()

    async def take(self) -> Sequence[Transaction]:
        """All there is, maybe nothing; waits until something was put. Raises what reading failed with, behind that."""
        await self._news.wait()
        taken, self._transactions, self._records = self._transactions, [], 0
        self._room.set()
        if self._error is None:
            self._news.clear()
        elif not taken:
            raise self._error
        return taken


@asynccontextmanager
async def read_ahead(poll: Callable[[], Awaitable[Polled]], most: int) -> AsyncIterator[Ahead]:
    """Polls for as long as the block lasts, and while whoever takes waits for something else."""
    ahead = Ahead(most)
    polling = asyncio.create_task(_poll(poll, ahead))
    try:
        yield ahead
    finally:
        polling.cancel()
        await asyncio.wait({polling})


async def _poll(poll: Callable[[], Awaitable[Polled]], ahead: Ahead) -> None:
    try:
        while True:
            await ahead.put(await poll())
            await asyncio.sleep(0)  # others go first
    except Exception as error:
        ahead.fail(error)

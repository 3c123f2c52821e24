"""Connections of a pool that are kept at hand: borrowing one for each statement costs more than a short statement."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from gateway.database import CONNECT_TIMEOUT, Borrowed, Pool

T = TypeVar("T")


class Lanes:
    """For single statements that leave nothing behind. `size` is at most the pool's.

    `lost` is called when a connection broke: what is known of that Postgres may be of another one.
    """

    def __init__(self, pool: Pool, size: int, lost: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._free = asyncio.Semaphore(size)
        self._idle: list[Borrowed] = []
        self.lost = lost

    async def row(self, sql: str, *args: object) -> asyncpg.Record | None:
        return await self._run(lambda connection: connection.fetchrow(sql, *args))

    async def rows(self, sql: str, *args: object) -> Sequence[asyncpg.Record]:
        return await self._run(lambda connection: connection.fetch(sql, *args))

    async def close(self) -> None:
        """Give the connections back. Those in use go back when they are done."""
        while self._idle:
            await self._pool.release(self._idle.pop())

    async def _run(self, statement: Callable[[Borrowed], Awaitable[T]]) -> T:
        await self._turn()
        try:
            connection = await self._take()
            try:
                return await statement(connection)
            finally:
                await self._put(connection)
        finally:
            self._free.release()

    async def _turn(self) -> None:
        if self._free.locked():
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._free.acquire()
        else:
            await self._free.acquire()

    async def _take(self) -> Borrowed:
        while self._idle:
            connection = self._idle.pop()
            if not gone(connection):
                return connection
            await self._put(connection)
        return await self._pool.acquire(timeout=CONNECT_TIMEOUT)

    async def _put(self, connection: Borrowed) -> None:
        if gone(connection):
            self.lost()
            await self._pool.release(connection)
        else:
            self._idle.append(connection)


def gone(connection: Borrowed) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool saw it first, and took it back
        return True

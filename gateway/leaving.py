"""Whoever has gone is not answered: what runs for them is cancelled, in Postgres too."""

import asyncio
from types import TracebackType
from typing import Self

from gateway.asgi import Receive

UNWATCHED = 0.1
"""Seconds that a request may take before its client is looked after: most are over by then."""


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class Watched:
    """Around the work for a request whose body has been read. Raises ClientGoneError inside when the client leaves."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._working = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(UNWATCHED, self._watch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self._gone and kind is asyncio.CancelledError and self._working is not None:
            self._working.uncancel()
            raise ClientGoneError from None

    def _watch(self) -> None:
        self._watching = asyncio.create_task(self._cancel())

    async def _cancel(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._working is not None:
            self._working.cancel()

"""Keeps the terminal board true: polls the counts, follows the feed, draws."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from rich.console import Console
from rich.live import Live
from websockets.exceptions import WebSocketException

from demo.board import EVENTS, OVERVIEW, BoardState, render
from demo.client import Client, GraphQLError

FAILURES = (OSError, TimeoutError, GraphQLError, WebSocketException, msgspec.MsgspecError)
"""What a gateway that is down, restarting or of another version makes of a call."""

RETRY = 1.0
"""Seconds until a broken line is tried again."""


async def watch(
    url: str, token: str, *, console: Console | None = None, title: str = "Milepost", refresh: float = 0.5
) -> None:
    """Show the board of the gateway at `url` in the terminal until cancelled; `refresh` in seconds.

    A gateway that does not answer is shown as such and asked again.
    """
    state = BoardState(title)
    watcher = Watcher(Client(url, token), state)
    with Live(render(state), console=console, auto_refresh=False) as live:
        async with asyncio.TaskGroup() as group:
            group.create_task(watcher.follow())
            group.create_task(watcher.poll(refresh, lambda: live.update(render(state), refresh=True)))


@dataclass(frozen=True, slots=True)
class Watcher:
    """Brings what the API says into a board's state."""

    client: Client
    state: BoardState

    async def poll(self, refresh: float, drawn: Callable[[], None]) -> None:
        """Ask for the counts every `refresh` seconds; `drawn` is called after each time."""
        while True:
            await self._guarded(self._ask)
            drawn()
            await asyncio.sleep(refresh)

    async def follow(self) -> None:
        """Take the feed's events; behind the last one after a broken line."""
        while True:
            await self._guarded(self._listen)
            await asyncio.sleep(RETRY)

    async def _ask(self) -> None:
        data = await self.client.ask(OVERVIEW)
        self.state.take_overview(data, asyncio.get_running_loop().time())
        self.state.trouble = None

    async def _listen(self) -> None:
        async for data in self.client.follow(EVENTS, {"after": self.state.cursor}):
            self.state.take_event(data)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except FAILURES as error:
            self.state.trouble = f"{error}" or type(error).__name__

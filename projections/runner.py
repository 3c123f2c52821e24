"""Runs a projector against a change source for ever: a named state machine.

starting → catching_up → live → draining → stopped; any failure leads back to starting, after a pause.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar, assert_never

from cdc.change import ChangeSource, RebalancedError, SharedSource, Transaction
from orders.crash import CrashPoint, crash_here
from orders.errors import MilepostError
from orders.outages import FAILED
from projections.database import SQL, Connection
from projections.mapping import Mappings
from projections.pipeline import Pipeline
from projections.projector import Advanced, AlreadySeen, Fenced, Projector, Result
from projections.requests import CHANNEL
from projections.sharing import FencedError, Share

log = logging.getLogger("milepost.projector")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two tries."""
EXPECTED = (MilepostError, FencedError, *FAILED)
"""What ends a session although all is as it should be here."""

T = TypeVar("T")


class StoppedError(Exception):
    """`stop` was called while there was nothing to do yet."""


class State(StrEnum):
    STARTING = "starting"
    CATCHING_UP = "catching_up"
    LIVE = "live"
    DRAINING = "draining"
    STOPPED = "stopped"


class Runner:
    """`on_state` hears of each new state. `run` returns when `stop` was called and the batch in hand is done.

    `shared` is the source once more if other projectors read from it, too: this one then takes what it is assigned.
    """

    def __init__(
        self,
        source: ChangeSource,
        mappings: Mappings,
        connect: Callable[[], Awaitable[Connection]],
        on_state: Callable[[State], None] = lambda state: None,
        shared: SharedSource | None = None,
    ) -> None:
        self._source = source
        self._mappings = mappings
        self._connect = connect
        self._on_state = on_state
        self._shared = shared
        self._stopping = asyncio.Event()
        self._asked = asyncio.Event()
        self._deferred = False
        self._told = ""
        self.state = State.STARTING
        self.changes = 0

    def stop(self) -> None:
        self._enter(State.DRAINING)
        self._stopping.set()

    async def run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            before = self.changes
            try:
                await self._session()
            except RebalancedError as news:
                log.info("%s", news)
            except StoppedError:
                break
            except Exception as error:
                pause = FIRST_PAUSE if self.changes > before else min(pause * 2, LONGEST_PAUSE)
                self._tell(error, pause)
                await self._sleep(pause)
        self._enter(State.STOPPED)

    def _tell(self, error: Exception, pause: float) -> None:
        """With where it came from, if that is a mistake of ours; once, however often it is met again."""
        told, self._told = self._told, repr(error)
        mistake = not isinstance(error, EXPECTED) and told != self._told
        line = "projecting stopped, next try in %.1f s: %s: %s"
        log.warning(line, pause, type(error).__name__, error, exc_info=error if mistake else None)

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _enter(self, state: State) -> None:
        if state is not self.state and (self.state is not State.DRAINING or state is State.STOPPED):
            self.state = state
            self._on_state(state)

    async def _session(self) -> None:
        """From the checkpoint until something breaks or `stop`."""
        self._enter(State.STARTING)
        async with AsyncExitStack() as stack:
            connection = await self._connected(stack)
            await self._take_lock(connection)
            projector = Projector(connection, self._mappings, await self._claim(connection))
            checkpoints = await projector.start()
            await connection.add_listener(CHANNEL, lambda *_: self._asked.set())
            self._asked.set()  # for what was asked while nobody listened
            reading = await self._connected(stack)
            self._enter(State.CATCHING_UP)
            batches = await stack.enter_async_context(self._source.open(checkpoints))
            await self._consume(projector, reading, aiter(batches))

    async def _connected(self, stack: AsyncExitStack) -> Connection:
        connection = await self._connect()
        stack.push_async_callback(close, connection)
        return connection

    async def _take_lock(self, connection: Connection) -> None:
        """One projector at a time, unless they share; the second one waits here."""
        lock = SQL["share_projector_lock" if self._shared else "take_projector_lock"]
        while not self._stopping.is_set() and not await connection.fetchval(lock):
            await self._sleep(0.5)

    async def _claim(self, connection: Connection) -> Share | None:
        if self._shared is None:
            return None
        return await Share.claimed(connection, await self._unless_stopped(self._shared.assigned()))

    async def _unless_stopped(self, waiting: Coroutine[Any, Any, T]) -> T:
        task, stopping = asyncio.create_task(waiting), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise StoppedError
        finally:
            task.cancel()
            stopping.cancel()

    async def _consume(
        self, projector: Projector, reading: Connection, batches: AsyncIterator[Sequence[Transaction]]
    ) -> None:
        pipeline = Pipeline(projector, reading, partial(self._tell_source, projector))
        stopping = asyncio.ensure_future(self._stopping.wait())
        following = asyncio.ensure_future(anext(batches))
        try:
            while not self._stopping.is_set():
                ringing = asyncio.ensure_future(self._asked.wait())
                coming = {following} if pipeline.has_room else set()
                await asyncio.wait({*coming, *pipeline.writing, stopping, ringing}, return_when=asyncio.FIRST_COMPLETED)
                ringing.cancel()
                await pipeline.look()
                while following.done() and pipeline.has_room and not self._stopping.is_set():
                    if following.exception() is not None:
                        await pipeline.finish()
                    await pipeline.take(following.result())
                    await pipeline.look()
                    following = asyncio.ensure_future(anext(batches))
                    await asyncio.sleep(0)  # so that what is there already comes into the same batch
                await pipeline.write()
                if self._asked.is_set() or self._deferred:
                    await pipeline.finish()
                    await self._answer(projector)
            await pipeline.stop()
        finally:
            stopping.cancel()
            await pipeline.cancel()
            await cancelled(following)

    async def _answer(self, projector: Projector) -> None:
        """What people asked meanwhile; during a snapshot it waits for the next batch."""
        self._asked.clear()
        self._deferred = not await projector.answer_requests()

    async def _tell_source(self, projector: Projector, result: Result) -> None:
        match result:
            case Advanced():
                await self._source.processed(result.checkpoints)
                crash_here(CrashPoint.TOLD)
                self.changes += result.changes
                self._enter(State.CATCHING_UP if projector.snapshotting else State.LIVE)
            case AlreadySeen():
                await self._source.processed(list(projector.checkpoints.values()))
            case Fenced():
                raise FencedError(result.source)
            case _:
                assert_never(result)


async def cancelled(task: "asyncio.Future[Sequence[Transaction]]") -> None:
    task.cancel()
    await asyncio.wait({task})


async def close(connection: Connection) -> None:
    try:
        await connection.close(timeout=2)
    except FAILED:
        connection.terminate()

"""`EngineSource`: changes of several databases, by Debezium engines in one child process for each kind of them.

The checkpoints are the only truth. Every start of an engine, whatever ended the one before, compares the source with
the checkpoint first, and goes on exactly behind it or takes a new snapshot in a new epoch.
"""

import asyncio
import logging
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Final

from cdc.capture import Capture, SourceLag
from cdc.change import Checkpoint, Transaction
from cdc.child import Child, start_error
from cdc.database import CapturedDatabase, connected, drop_slot
from cdc.envelope import decoded
from cdc.frames import Ack, Header, Kind, Start, Stop
from cdc.kinds import Captured, altered, check, held, prepare, properties
from cdc.lag import lag_of
from cdc.pauses import Pauses
from cdc.resume import Anew, Continue, Identity
from cdc.transactions import TornError
from cdc.waiting import Waiting
from orders.crash import CrashPoint, crash_here
from orders.errors import MilepostError, TransientError

_log = logging.getLogger(__name__)
PATIENCE: Final = 60.0
"""Seconds: six heartbeats."""
_TICK: Final = 0.5
_LOOK: Final = 0.1
"""Seconds between two looks at what nothing announces."""
LOOKS: Final = 5.0
"""Seconds between two looks at what was altered in a source."""


class EngineSource:
    """Captures `databases`; scratch files go to `folder`; `heap_mb` bounds the heap of each Java machine.

    `patience`: seconds of silence after which an engine is taken to hang; more than the databases' `heartbeat`.
    `owner` names this installation to the sources: one at a time reads them.
    `looks`: seconds between two looks at whether the log of a source still tells all of its tables.
    `logs`: where a Java machine leaves its account of a crash; `folder` else, which is emptied at the next start.
    """

    def __init__(
        self,
        databases: Sequence[Captured],
        folder: Path,
        heap_mb: int = 128,
        patience: float = PATIENCE,
        looks: float = LOOKS,
        logs: Path | None = None,
        owner: str = "",
    ) -> None:
        self._databases = {database.name: database for database in databases}
        self._patience, self._looks, self._owner = patience, looks, owner
        self._folder, self._logs, self._heap_mb = folder, logs or folder, heap_mb
        self._captures: dict[str, Capture] = {}
        self._ended: dict[int, asyncio.Future[str]] = {}
        self._runs = count(1)
        self._batches: asyncio.Queue[list[Transaction] | Exception] = asyncio.Queue()
        self._waiting: dict[str, Waiting] = defaultdict(Waiting)
        self._children: dict[str, Child] = {}

    @property
    def child_pid(self) -> int | None:
        """Of the engine's process for the kind of the first database, None while there is none."""
        child = self._children.get(next(iter(self._databases.values())).machine)
        return child.process.pid if child else None

    @asynccontextmanager
    async def open(self, checkpoints: Mapping[str, Checkpoint]) -> AsyncIterator[AsyncIterator[Sequence[Transaction]]]:
        """Batches of whole transactions behind the checkpoints. Raises StartError when a source cannot be captured."""
        self._captures = {
            name: Capture(each, checkpoints.get(name), self._folder) for name, each in self._databases.items()
        }
        self._batches = asyncio.Queue()
        self._waiting.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        loop = asyncio.get_running_loop()
        greeted = {each.machine: loop.create_future() for each in self._databases.values()}
        keepers = [asyncio.create_task(self._keep_child(*each)) for each in greeted.items()]
        try:
            await self._check()
            await asyncio.gather(*greeted.values())
            yield self._read()
        finally:
            for each in (*greeted.values(), *keepers):
                each.cancel()
            await asyncio.wait(keepers)

    async def processed(self, checkpoints: Sequence[Checkpoint]) -> None:
        """These are durable: the sources may forget what lies before, and no more than that."""
        for checkpoint in checkpoints:
            self._waiting[checkpoint.source].done(checkpoint.position)
            if capture := self._captures.get(checkpoint.source):
                await self._answer(capture, capture.processed(checkpoint))

    async def lag(self, *names: str) -> list[SourceLag]:
        """How every source does, or those named that are captured, asked now; in the order of the databases."""
        asked = [each for name, each in self._captures.items() if name in (names or self._captures)]
        return await asyncio.gather(*map(lag_of, asked))

    async def _answer(self, capture: Capture, acks: Sequence[Ack]) -> None:
        for ack in acks:
            if child := self._children.get(capture.database.machine):
                await child.send(ack)

    def waiting(self, source: str) -> int:
        """Changes of the source that were captured and that the reader has not done with."""
        return self._waiting[source].count

    async def _check(self) -> None:
        """A source that is down may come up later; one that can never be captured is better said at once."""
        found = await asyncio.gather(*map(check, self._databases.values()), return_exceptions=True)
        for error in found:
            if isinstance(error, Exception) and not isinstance(error, TransientError):
                raise error

    async def _read(self) -> AsyncIterator[Sequence[Transaction]]:
        while True:
            batch = [await self._batches.get()]
            while not self._batches.empty():
                batch.append(self._batches.get_nowait())
            transactions: list[Transaction] = []
            for each in batch:
                if isinstance(each, Exception):
                    raise each
                transactions += each
            yield transactions

    async def _keep_child(self, machine: str, greeted: "asyncio.Future[None]") -> None:
        pauses = Pauses()
        try:
            while True:
                pauses.begin()
                epitaph = await self._with_child(machine, greeted)
                if not greeted.done():
                    greeted.set_exception(start_error(epitaph))
                _log.error("%s; it starts again", epitaph)
                await pauses.wait()
        except Exception as error:
            _log.exception("capture ended")
            if not greeted.done():
                greeted.set_exception(error)
            self._batches.put_nowait(error)

    async def _with_child(self, machine: str, greeted: "asyncio.Future[None]") -> str:
        """A child from its start to its end; what is to be said about it."""
        captures = [each for each in self._captures.values() if each.database.machine == machine]
        async with Child.running(self._heap_mb, machine, self._logs) as child:
            self._children[machine] = child
            hearing = asyncio.create_task(self._hear(child, greeted))
            watching = asyncio.create_task(self._watch(child, captures))
            keeping = [asyncio.create_task(self._keep_engine(child, each)) for each in captures]
            try:
                await _first_ended([hearing, watching, *keeping])
            finally:
                del self._children[machine]
            return await child.epitaph()

    async def _watch(self, child: Child, captures: Sequence[Capture]) -> None:
        """Kills a child that hangs: an engine tells every few seconds at least that nothing happens.

        The time is counted by our own ticks, so nobody is blamed for a machine that was asleep. A MariaDB has no beat.
        """
        beating = [each for each in captures if isinstance(each.database, CapturedDatabase)]
        while not (silent := [each for each in beating if each.silence >= self._patience]):
            await asyncio.sleep(_TICK)
            for each in beating:
                each.wait(_TICK)
        reason = f"its engine has said nothing for {self._patience:g} s"
        _log.error("%s: %s: it is killed", silent[0].database.where, reason)
        for each in captures:
            each.fail(reason)
        child.process.kill()

    async def _hear(self, child: Child, greeted: "asyncio.Future[None]") -> None:
        async for header, payload in child.frames():
            if header.kind is Kind.HELLO and not greeted.done():
                greeted.set_result(None)
            if capture := self._running(header.run):
                await self._heard(child, capture, header, payload)

    def _running(self, run: int) -> Capture | None:
        """The source of a run; None when the run is over, or none was meant."""
        return next((each for each in self._captures.values() if run and each.run == run), None)

    async def _heard(self, child: Child, capture: Capture, header: Header, payload: bytearray) -> None:
        match header.kind:
            case Kind.STARTED:
                capture.started()
            case Kind.BATCH:
                await self._batch(child, capture, header, payload)
            case Kind.FAILED:
                self._ended[header.run].set_result(payload.decode())

    async def _batch(self, child: Child, capture: Capture, header: Header, payload: bytearray) -> None:
        crash_here(CrashPoint.RECEIVED)
        try:
            transactions, answer = capture.take(header.sequence, decoded(payload))
        except TornError as error:
            capture.tear(str(error))
            await self._stop(child, capture, str(error))
            return
        crash_here(CrashPoint.DECODED)
        if transactions:
            self._batches.put_nowait(transactions)
            self._waiting[capture.database.name].add(transactions)
        if answer:
            await child.send(answer)

    async def _stop(self, child: Child, capture: Capture, reason: str) -> None:
        """End a run; the next one follows."""
        await child.send(Stop(capture.run))
        ended = self._ended.get(capture.run)
        if ended is not None and not ended.done():
            ended.set_result(reason)
        capture.fail(reason)

    async def shed(self, source: str, reason: str) -> None:
        """Give up the slot of a Postgres, because. What was not read is read anew once the reader has done with what
        it has. Raises MilepostError when the source cannot be reached.
        """
        database, capture = self._databases[source], self._captures.get(source)
        assert isinstance(database, CapturedDatabase)
        if capture is None:
            await _give_up(database)
            return
        async with capture.preparing:
            capture.given_up = reason
            if child := self._children.get(database.machine):
                await self._stop(child, capture, reason)
            try:
                await _give_up(database)
            except MilepostError:
                capture.given_up = ""
                raise

    async def _keep_engine(self, child: Child, capture: Capture) -> None:
        pauses, told = Pauses(), ""
        while True:
            pauses.begin()
            try:
                reason = await self._engine(child, capture)
            except MilepostError as error:
                reason = str(error)
            _log.log(logging.DEBUG if reason == told else logging.ERROR, "%s; it starts again", reason)
            told = reason
            capture.fail(reason)
            await pauses.wait()

    async def _engine(self, child: Child, capture: Capture) -> str:
        """An engine from its start to its end; why it ended."""
        run = next(self._runs)
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ended[run] = ended
        try:
            async with held(capture.database, self._owner):
                identity = await self._start(child, capture, run)
                await self._watched(child, capture, identity, ended)
            return f"{capture.database.where}: {ended.result()}"
        finally:
            del self._ended[run]

    async def _watched(self, child: Child, capture: Capture, identity: Identity, ended: "asyncio.Future[str]") -> None:
        """Until the run has ended, also by what was altered in the source."""
        looking = asyncio.create_task(self._altered(capture.database, identity))
        try:
            await asyncio.wait([ended, looking], return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                capture.altered = looking.result()
                await self._stop(child, capture, capture.altered)
        finally:
            looking.cancel()

    async def _altered(self, database: Captured, identity: Identity) -> str:
        """What was altered in a source while it was read, once it was: its log has not told all since then."""
        while not (found := await altered(database, identity)):  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(self._looks)
        return found

    async def _start(self, child: Child, capture: Capture, run: int) -> Identity:
        database = capture.database
        while capture.given_up and self._waiting[database.name].count:  # noqa: ASYNC110 (it may be taken anew when that is 0)
            await asyncio.sleep(_LOOK)
        async with capture.preparing:
            decision, identity = await prepare(database, capture.checkpoint, capture.altered)
        capture.begin(run, decision, identity)
        _announce(capture, decision)
        offset = decision.offset.decode() if isinstance(decision, Continue) else None
        settings = properties(database, self._folder / f"{run}.offset", snapshot=offset is None)
        await child.send(Start(run, database.name, settings, offset))
        return identity


def _announce(capture: Capture, decision: Continue | Anew) -> None:
    where, epoch = capture.database.where, capture.epoch
    match decision:
        case Continue():
            _log.info("%s: goes on behind %s", where, capture.checkpoint and capture.checkpoint.position)
        case Anew(reason, expected):
            level = logging.INFO if expected else logging.WARNING
            _log.log(level, "%s: takes a snapshot, epoch %d, because %s", where, epoch, reason)


async def _give_up(database: CapturedDatabase) -> None:
    async with connected(database) as db:
        await drop_slot(db, database)


async def _first_ended(tasks: "Sequence[asyncio.Task[None]]") -> None:
    """Wait for one of them, cancel the others. Raises what it raised."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

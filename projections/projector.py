"""The projector: source transactions in, one Postgres transaction out, checkpoint and all."""

from collections.abc import Collection, Sequence
from typing import TypeAlias

from msgspec import Struct

from cdc.capture import checkpoint_behind
from cdc.change import Checkpoint, Snapshot, Transaction
from orders.crash import CrashPoint, crash_here
from orders.facts import Doc
from projections.batch import Batch, Folded
from projections.database import SQL, Connection, committed
from projections.drained import UnshowableError
from projections.emptying import emptied
from projections.events import Stated
from projections.fold import Fold
from projections.intake import NONE, Intake, Refusals
from projections.letters import Letters
from projections.loader import CAP, Loader, position
from projections.mapping import Mappings
from projections.requests import Desk, carry_out
from projections.runs import fresh, is_large, parts, runs
from projections.sharing import FencedError, Share
from projections.snapshot import finish_snapshot
from projections.writer import write, write_checkpoint


class Advanced(Struct, frozen=True):
    """The graph holds the batch; the source may be told."""

    checkpoints: Sequence[Checkpoint]
    changes: int


class AlreadySeen(Struct, frozen=True):
    """Nothing of the batch was new."""


class Fenced(Struct, frozen=True):
    """Another projector has moved the checkpoint of this source: this one must stop."""

    source: str


Result: TypeAlias = Advanced | AlreadySeen | Fenced


class OutdatedError(Exception):
    """What was folded is of a memory that others have written behind."""


class Projector:
    """One at a time for each graph, or several that have a `share` each; a rebuild may replace the graph under it.

    `project` may be called again after it raised: memory is emptied then. `cap` is the most facts that it keeps there.
    """

    def __init__(self, connection: Connection, mappings: Mappings, share: Share | None = None, cap: int = CAP) -> None:
        self._connection = connection
        self._share = share or Share()
        self._mappings = mappings
        self.fold = Fold()
        self.intake = Intake(mappings, self.fold)
        self.loader = Loader(self.fold, cap)
        self._letters = Letters(connection)
        self.checkpoints: dict[str, Checkpoint] = {}
        self.alone = False
        """Whether nobody else wrote between the last turn and the one before."""

    async def start(self) -> dict[str, Checkpoint]:
        """Read where the graph stands. A source of which a new snapshot was asked for is read from its beginning."""
        if await self._connection.fetchval(SQL["asked_anew"]):
            await self._connection.execute(SQL["begin_anew"])
        self.checkpoints = await self._stored()
        self.fold.underivable |= await self._letters.start()
        return dict(self.checkpoints)

    async def _stored(self) -> dict[str, Checkpoint]:
        rows = await self._connection.fetch(SQL["load_checkpoints"])
        return {r["source"]: Checkpoint(r["source"], position(r), r["resume"], r["snapshotting"]) for r in rows}

    async def project(
        self, transactions: Sequence[Transaction], refusals: Refusals = NONE, *, trial: bool = False
    ) -> Result:
        """Fold the transactions and write what they changed. Raises what Postgres raises; nothing is written then.

        A change at a position in `refusals` is a dead letter for that reason. A `trial` leaves nothing behind.
        """
        changes, reached = 0, dict[str, Checkpoint]()
        try:
            for run in runs(fresh(transactions, self.checkpoints)):
                changes += await self._shown(run, refusals, trial=trial)
                reached.update((t.source, self.checkpoints[t.source]) for t in run if not trial)
        except FencedError as fenced:
            self.loader.forget()
            return Fenced(fenced.source)
        except BaseException:
            self.loader.forget()
            raise
        return Advanced(list(reached.values()), changes) if reached else AlreadySeen()

    async def put(self, folded: Folded) -> Advanced:
        """Write what was folded ahead, if nobody else has written since: else OutdatedError. Raises FencedError, and
        what Postgres raises, but only when the fence is passed; nothing is written then.
        """
        batch = folded.batch
        async with committed(self._connection):
            crash_here(CrashPoint.BEGUN)
            if await self._turn(batch.checkpoints):
                raise OutdatedError
            await self._advance(batch)
            await write(self._connection, batch, folded.facts)
            await self._letters.write(batch)
            crash_here(CrashPoint.WRITTEN)
        crash_here(CrashPoint.COMMITTED)
        self.checkpoints.update(batch.checkpoints)
        return Advanced(list(batch.checkpoints.values()), batch.seen)

    async def _shown(self, run: Sequence[Transaction], refusals: Refusals, *, trial: bool) -> int:
        """Rows are made of a batch at once; if some cannot be, again, and after each transaction."""
        try:
            return await self._project(run, refusals, trial=trial)
        except UnshowableError:
            self.loader.forget()
        with self.fold.thoroughly():
            # Of a run with a truncation each transaction is written by itself: some of them may be by now.
            return await self._project(fresh(run, self.checkpoints), refusals, trial=trial)

    async def _project_parts(self, whole: Transaction, refusals: Refusals, *, trial: bool) -> int:
        """One that is too large for memory: part by part, in one transaction of Postgres, so it is visible whole.

        An order that several parts touch may have events of the states between them.
        """
        old, mended = self.checkpoints.get(whole.source), set[Doc]()
        async with committed(self._connection, undone=trial):
            await self._take_turn({whole.source})
            for part in parts(whole):
                batch = Batch()
                stated = self.intake.read(batch, part, refusals, gathering=self._gathers([part]))
                if batch.truncates:
                    stated = await emptied(self._connection, self._mappings, batch, stated)
                await self.loader.load(self._connection, stated)
                self._take(batch, part, stated)
                reached = batch.checkpoints[whole.source]
                if not await write_checkpoint(self._connection, old, reached, batch.tallies[whole.source]):
                    raise FencedError(whole.source)
                old, mended = reached, mended | batch.mended
                await self._write(batch)
                self.loader.trim()
            crash_here(CrashPoint.WRITTEN)
        return self._ended(batch, mended, whole.seen, trial=trial)

    async def _project(self, transactions: Sequence[Transaction], refusals: Refusals, *, trial: bool) -> int:
        """How many changes the sources say these were."""
        if is_large(transactions[0]):
            return await self._project_parts(transactions[0], refusals, trial=trial)
        crash_here(CrashPoint.RECEIVED)
        batch = Batch()
        gathering = self._gathers(transactions)
        read = [(t, self.intake.read(batch, t, refusals, gathering=gathering)) for t in transactions]
        if batch.truncates and len(transactions) > 1:
            # All that is emptied has to be stored by then.
            return sum([await self._project([t], refusals, trial=trial) for t in transactions])
        crash_here(CrashPoint.DECODED)
        async with committed(self._connection, undone=trial):
            crash_here(CrashPoint.BEGUN)
            await self._take_turn({t.source for t in transactions})
            if batch.truncates:
                read = [(t, await emptied(self._connection, self._mappings, batch, stated)) for t, stated in read]
            await self.loader.load(self._connection, [s for _, stated in read for s in stated])
            await self._spare(batch)
            for transaction, stated in read:
                self._take(batch, transaction, stated)
            await self._advance(batch)  # first, so that a zombie is fenced before it writes anything
            await self._write(batch)
            await self._end_snapshot(batch, transactions[-1])
            crash_here(CrashPoint.WRITTEN)
        return self._ended(batch, batch.mended, batch.seen, trial=trial)

    async def _write(self, batch: Batch) -> None:
        batch.show(self.fold.drain())
        await write(self._connection, batch, self.fold.store.settle())
        await self._letters.write(batch)

    def _ended(self, batch: Batch, mended: set[Doc], seen: int, *, trial: bool) -> int:
        """What memory makes of the transaction's end."""
        if trial:
            self.loader.forget()
            return 0
        crash_here(CrashPoint.COMMITTED)
        self.checkpoints.update(batch.checkpoints)
        self.fold.underivable -= mended
        self.loader.trim()
        return seen

    async def _spare(self, batch: Batch) -> None:
        await self.loader.load_keys(self._connection, [(source, key) for source, key, _ in batch.spared])
        for each in batch.spared:
            self.fold.store.spare(*each)

    async def _turn(self, sources: Collection[str]) -> bool:
        """Whether others have written since the last one."""
        others = await self._share.take_turn(self._connection, sources)
        self.alone = not others
        return others

    async def _take_turn(self, sources: Collection[str]) -> None:
        """What the others wrote meanwhile is not in memory, and which of their snapshots go on may be otherwise."""
        if await self._turn(sources):
            self.loader.forget()
            self.fold.underivable = await self._letters.start()
            self.checkpoints |= {s: c for s, c in (await self._stored()).items() if s not in sources}

    def _take(self, batch: Batch, transaction: Transaction, stated: Sequence[Stated]) -> None:
        """During a snapshot facts are only gathered: the views follow when it is whole."""
        batch.checkpoints[transaction.source] = checkpoint_behind(transaction)
        live = not self._gathering(batch) and transaction.snapshot is Snapshot.NO
        self.intake.take(batch, transaction, stated, live=live)

    async def answer_requests(self) -> bool:
        """What was asked about dead letters; False while a snapshot is under way: then it has to wait.

        Raises FencedError when a new snapshot was asked for: `start` is needed for that.
        """
        if source := await self._connection.fetchval(SQL["asked_anew"]):
            raise FencedError(source)
        if self.snapshotting:
            return False
        desk = Desk(self._connection, self._mappings, self.loader, self._letters, self.checkpoints, self._take_turn)
        while await carry_out(desk):
            pass
        return True

    async def _end_snapshot(self, batch: Batch, last: Transaction) -> None:
        """If it is the end of one."""
        if last.snapshot is Snapshot.LAST:
            await finish_snapshot(self._connection, last, self.loader, derive=not self._gathering(batch))
            await self._letters.end_snapshot(last, self.fold.underivable)

    @property
    def snapshotting(self) -> bool:
        return any(checkpoint.snapshotting for checkpoint in self.checkpoints.values())

    def _gathers(self, transactions: Sequence[Transaction]) -> bool:
        """Whether some of these may be gathered only."""
        return self.snapshotting or any(each.snapshot is not Snapshot.NO for each in transactions)

    def _gathering(self, batch: Batch) -> bool:
        return any(c.snapshotting for c in {**self.checkpoints, **batch.checkpoints}.values())

    async def _advance(self, batch: Batch) -> None:
        for source, checkpoint in batch.checkpoints.items():
            old = self.checkpoints.get(source)
            if not await write_checkpoint(self._connection, old, checkpoint, batch.tallies[source]):
                raise FencedError(source)

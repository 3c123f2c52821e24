"""The projector: source transactions in, one Postgres transaction out, checkpoint and all."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from cdc.capture import checkpoint_behind
from cdc.change import Broken, Change, Checkpoint, Op, Position, Snapshot, Transaction
from orders.crash import CrashPoint, crash_here
from orders.facts import Doc, Fact
from projections.batch import Batch, Entry
from projections.burying import refused, rejected, unmapped, unreadable
from projections.database import SQL, Connection, committed
from projections.fold import Delta, Fold, Stated, UnshowableError
from projections.letters import Letters
from projections.loader import CAP, Loader, position
from projections.mapping import Mappings, keys_of
from projections.requests import Desk, carry_out
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


LARGE, PART = 10_000, 5_000
"""Changes: of a transaction that is projected in parts, and of one of these."""

Result: TypeAlias = Advanced | AlreadySeen | Fenced


Refusals: TypeAlias = Mapping[Position, str]
"""Positions of changes that Postgres refuses, and what it says."""
NONE: Refusals = {}


class Projector:
    """One at a time for each graph, or several that have a `share` each; a rebuild may replace the graph under it.

    `project` may be called again after it raised: memory is emptied then. `cap` is the most facts that it keeps there.
    """

    def __init__(self, connection: Connection, mappings: Mappings, share: Share | None = None, cap: int = CAP) -> None:
        self._connection = connection
        self._share = share or Share()
        self._mappings = mappings
        self._fold = Fold()
        self._loader = Loader(self._fold, cap)
        self._letters = Letters(connection)
        self.checkpoints: dict[str, Checkpoint] = {}

    async def start(self) -> dict[str, Checkpoint]:
        """Read where the graph stands. A source of which a new snapshot was asked for is read from its beginning."""
        if await self._connection.fetchval(SQL["asked_anew"]):
            await self._connection.execute(SQL["begin_anew"])
        self.checkpoints = await self._stored()
        self._fold.underivable |= await self._letters.start()
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
            for run in runs(self.fresh(transactions)):
                changes += await self._shown(run, refusals, trial=trial)
                reached.update((t.source, self.checkpoints[t.source]) for t in run if not trial)
        except FencedError as fenced:
            self._loader.forget()
            return Fenced(fenced.source)
        except BaseException:
            self._loader.forget()
            raise
        return Advanced(list(reached.values()), changes) if reached else AlreadySeen()

    async def _shown(self, run: Sequence[Transaction], refusals: Refusals, *, trial: bool) -> int:
        """Rows are made of a batch at once; if some cannot be, again, and after each transaction."""
        try:
            return await self._project(run, refusals, trial=trial)
        except UnshowableError:
            self._loader.forget()
        with self._fold.thoroughly():
            # Of a run with a truncation each transaction is written by itself: some of them may be by now.
            return await self._project(self.fresh(run), refusals, trial=trial)

    def fresh(self, transactions: Iterable[Transaction]) -> list[Transaction]:
        """Those behind the checkpoint; a redelivered one is as good as done."""
        reached = {source: checkpoint.position for source, checkpoint in self.checkpoints.items()}
        found = []
        for transaction in transactions:
            if transaction.source not in reached or transaction.position > reached[transaction.source]:
                reached[transaction.source] = transaction.position
                found.append(transaction)
        return found

    async def _project_parts(self, whole: Transaction, refusals: Refusals, *, trial: bool) -> int:
        """One that is too large for memory: part by part, in one transaction of Postgres, so it is visible whole.

        An order that several parts touch may have events of the states between them.
        """
        old, mended = self.checkpoints.get(whole.source), set[Doc]()
        async with committed(self._connection, undone=trial):
            await self._take_turn({whole.source})
            for part in parts(whole):
                batch = Batch()
                stated = self.read(batch, part, refusals)
                if batch.truncates:
                    stated = await self.emptied(batch, stated)
                await self._loader.load(self._connection, stated)
                self.take(batch, part, stated)
                reached = batch.checkpoints[whole.source]
                if not await write_checkpoint(self._connection, old, reached, batch.tallies[whole.source]):
                    raise FencedError(whole.source)
                old, mended = reached, mended | batch.mended
                batch.show(self._fold.drain())
                await write(self._connection, batch, self._fold.store)
                await self._letters.write(batch)
                self._loader.trim()
            crash_here(CrashPoint.WRITTEN)
        return self._ended(batch, mended, whole.seen, trial=trial)

    async def _project(self, transactions: Sequence[Transaction], refusals: Refusals, *, trial: bool) -> int:
        """How many changes the sources say these were."""
        if is_large(transactions[0]):
            return await self._project_parts(transactions[0], refusals, trial=trial)
        crash_here(CrashPoint.RECEIVED)
        batch = Batch()
        read = [(t, self.read(batch, t, refusals)) for t in transactions]
        if batch.truncates and len(transactions) > 1:
            # All that is emptied has to be stored by then.
            return sum([await self._project([t], refusals, trial=trial) for t in transactions])
        crash_here(CrashPoint.DECODED)
        async with committed(self._connection, undone=trial):
            crash_here(CrashPoint.BEGUN)
            await self._take_turn({t.source for t in transactions})
            if batch.truncates:
                read = [(t, await self.emptied(batch, stated)) for t, stated in read]
            await self._loader.load(self._connection, [s for _, stated in read for s in stated])
            await self.spare(batch)
            for transaction, stated in read:
                self.take(batch, transaction, stated)
            batch.show(self._fold.drain())
            await self.advance(batch)  # first, so that a zombie is fenced before it writes anything
            await write(self._connection, batch, self._fold.store)
            await self._letters.write(batch)
            await self.end_snapshot(batch, transactions[-1])
            crash_here(CrashPoint.WRITTEN)
        seen = sum(tally.seen for tally in batch.tallies.values())
        return self._ended(batch, batch.mended, seen, trial=trial)

    def _ended(self, batch: Batch, mended: set[Doc], seen: int, *, trial: bool) -> int:
        """What memory makes of the transaction's end."""
        if trial:
            self._loader.forget()
            return 0
        crash_here(CrashPoint.COMMITTED)
        self.checkpoints.update(batch.checkpoints)
        self._fold.underivable -= mended
        self._loader.trim()
        return seen

    def note_spared(self, batch: Batch, change: Change) -> None:
        if change.op is Op.READ:
            keys = keys_of(self._mappings[change.source], change)
            batch.spared += [(change.source, key, change.position.epoch) for key in keys]

    async def spare(self, batch: Batch) -> None:
        await self._loader.load_keys(self._connection, [(source, key) for source, key, _ in batch.spared])
        for each in batch.spared:
            self._fold.store.spare(*each)

    async def _take_turn(self, sources: Collection[str]) -> None:
        """What the others wrote meanwhile is not in memory, and which of their snapshots go on may be otherwise."""
        if await self._share.take_turn(self._connection, sources):
            self._loader.forget()
            self._fold.underivable = await self._letters.start()
            self.checkpoints |= {s: c for s, c in (await self._stored()).items() if s not in sources}

    def take(self, batch: Batch, transaction: Transaction, stated: Sequence[Stated]) -> None:
        """During a snapshot facts are only gathered: the views follow when it is whole."""
        batch.checkpoints[transaction.source] = checkpoint_behind(transaction)
        gathering = self.gathering(batch)
        live = not gathering and transaction.snapshot is Snapshot.NO
        delta = self.fold(batch, stated) if live else Delta(superseded=self._fold.put(stated))
        self.enter(batch, transaction, stated, delta)

    async def answer_requests(self) -> bool:
        """What was asked about dead letters; False while a snapshot is under way: then it has to wait.

        Raises FencedError when a new snapshot was asked for: `start` is needed for that.
        """
        if source := await self._connection.fetchval(SQL["asked_anew"]):
            raise FencedError(source)
        if any(checkpoint.snapshotting for checkpoint in self.checkpoints.values()):
            return False
        desk = Desk(self._connection, self._mappings, self._loader, self._letters, self.checkpoints, self._take_turn)
        while await carry_out(desk):
            pass
        return True

    async def end_snapshot(self, batch: Batch, last: Transaction) -> None:
        """If it is the end of one."""
        if last.snapshot is Snapshot.LAST:
            await finish_snapshot(self._connection, last, self._loader, derive=not self.gathering(batch))
            await self._letters.end_snapshot(last, self._fold.underivable)

    def gathering(self, batch: Batch) -> bool:
        return any(c.snapshotting for c in {**self.checkpoints, **batch.checkpoints}.values())

    def fold(self, batch: Batch, stated: Sequence[Stated]) -> Delta:
        delta = self._fold.apply(stated)
        batch.add(delta)
        for each, error in delta.rejected:
            letter = rejected(each.change, next((f.doc for f in each.facts if f.doc), None), error)
            batch.bury(letter, each.change)
        return delta

    def read(self, batch: Batch, transaction: Transaction, refusals: Refusals = NONE) -> list[Stated]:
        """The facts of each change; one that cannot be read becomes a dead letter, and the rest flows."""
        tally = batch.tallies[transaction.source]
        tally.seen += transaction.seen
        tally.filtered += transaction.seen - len(transaction.changes)
        found = []
        for change in transaction.changes:
            if isinstance(change, Broken):
                batch.bury(unreadable(change))
            elif change.position in refusals:
                batch.bury(refused(change, refusals[change.position]), change, transaction.snapshot)
                self.note_spared(batch, change)
            elif stated := self.state(batch, change, transaction.snapshot):
                found.append(stated)
        return found

    def state(self, batch: Batch, change: Change, snapshot: Snapshot) -> Stated | None:
        tally = batch.tallies[change.source]
        tally.committed_at = change.committed_at or tally.committed_at
        if change.op is Op.TRUNCATE:
            batch.truncates = True
            return Stated(change, ())
        try:
            facts = self._mappings[change.source].facts(change)
        except Exception as error:
            batch.bury(unmapped(change, error), change, snapshot)
            self.note_spared(batch, change)
            return None
        if not facts:
            tally.filtered += 1
            return None
        return Stated(change, facts)

    async def emptied(self, batch: Batch, stated: Sequence[Stated]) -> list[Stated]:
        """With the end of every fact of a truncated table: of those that are stored, and those told just before."""
        found: list[Stated] = []
        for each in stated:
            change = each.change
            if change.op is not Op.TRUNCATE:
                found.append(each)
                continue
            prefixes = self._mappings[change.source].prefixes(change.table)
            rows = await self._connection.fetch(SQL["keys_of_table"], change.source, prefixes)
            keys = {row["key"] for row in rows}
            keys |= {fact.key for told in found for fact in told.facts if fact.key.startswith(prefixes)}
            if keys:
                found.append(Stated(change, [Fact(key=key) for key in sorted(keys)]))
            else:
                batch.tallies[change.source].filtered += 1
        return found

    def enter(self, batch: Batch, transaction: Transaction, stated: Sequence[Stated], delta: Delta) -> None:
        """Into the ledger, with what became of each change."""
        dead = {each.change.position for each, _ in delta.rejected}
        losers = {change.position for change in delta.superseded} - dead
        tally = batch.tallies[transaction.source]
        for each in stated:
            if each.change.position not in dead:
                outcome = "superseded" if each.change.position in losers else "applied"
                batch.ledger.append(Entry(each.change, outcome, transaction.snapshot))
        tally.superseded += len(losers)
        tally.applied += len(stated) - len(losers) - len(dead)

    async def advance(self, batch: Batch) -> None:
        for source, checkpoint in batch.checkpoints.items():
            old = self.checkpoints.get(source)
            if not await write_checkpoint(self._connection, old, checkpoint, batch.tallies[source]):
                raise FencedError(source)


def runs(transactions: Sequence[Transaction]) -> Iterator[Sequence[Transaction]]:
    """Slices that go into one Postgres transaction each: a snapshot's end closes one, as memory may be emptied.

    A large one is alone.
    """
    start = 0
    for place, transaction in enumerate(transactions, 1):
        last = place == len(transactions)
        if last or transaction.snapshot is Snapshot.LAST or is_large(transaction) or is_large(transactions[place]):
            yield transactions[start:place]
            start = place


def is_large(transaction: Transaction) -> bool:
    return len(transaction.changes) > LARGE


def parts(transaction: Transaction) -> Iterator[Transaction]:
    """The same, a part of the changes each; the last one counts those that were filtered on the way."""
    rest, left = iter(transaction.changes), transaction.seen
    while changes := list(islice(rest, PART)):
        left -= len(changes)
        over = left if len(changes) < PART else 0
        yield replace(transaction, changes=changes, seen=len(changes) + over)
        left -= over
    if left:
        yield replace(transaction, changes=(), seen=left)

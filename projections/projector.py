"""The projector: source transactions in, one Postgres transaction out, checkpoint and all."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from cdc.change import Broken, Change, Checkpoint, Snapshot, Transaction
from orders.crash import CrashPoint, crash_here
from orders.errors import PoisonError
from orders.facts import Doc
from projections.batch import Batch, DeadLetter, Entry, dead_letter
from projections.database import SQL, Connection
from projections.fold import Fold, Stated
from projections.loader import Loader, position
from projections.mapping import Mappings
from projections.sharing import FencedError, Share
from projections.snapshot import finish_snapshot
from projections.writer import json_text, write, write_checkpoint


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


class Projector:
    """One at a time for each graph, or several that have a `share` each.

    `project` may be called again after it raised: memory is emptied then.
    """

    def __init__(self, connection: Connection, mappings: Mappings, share: Share | None = None) -> None:
        self._connection = connection
        self._share = share
        self._mappings = mappings
        self._fold = Fold()
        self._loader = Loader(self._fold)
        self.checkpoints: dict[str, Checkpoint] = {}

    async def start(self) -> dict[str, Checkpoint]:
        """Read where the graph stands."""
        self.checkpoints = await self._stored()
        return dict(self.checkpoints)

    async def _stored(self) -> dict[str, Checkpoint]:
        rows = await self._connection.fetch(SQL["load_checkpoints"])
        return {r["source"]: Checkpoint(r["source"], position(r), r["resume"], r["snapshotting"]) for r in rows}

    async def project(self, transactions: Sequence[Transaction]) -> Result:
        """Fold the transactions and write what they changed. Raises what Postgres raises; nothing is written then."""
        changes, reached = 0, dict[str, Checkpoint]()
        try:
            for run in runs(self.fresh(transactions)):
                changes += await self._project(run)
                reached.update((t.source, self.checkpoints[t.source]) for t in run)
        except FencedError as fenced:
            self._loader.forget()
            return Fenced(fenced.source)
        except BaseException:
            self._loader.forget()
            raise
        return Advanced(list(reached.values()), changes) if reached else AlreadySeen()

    def fresh(self, transactions: Iterable[Transaction]) -> list[Transaction]:
        """Those behind the checkpoint; a redelivered one is as good as done."""
        reached = {source: checkpoint.position for source, checkpoint in self.checkpoints.items()}
        found = []
        for transaction in transactions:
            if transaction.source not in reached or transaction.position > reached[transaction.source]:
                reached[transaction.source] = transaction.position
                found.append(transaction)
        return found

    async def _project(self, transactions: Sequence[Transaction]) -> int:
        """How many changes the sources say these were."""
        crash_here(CrashPoint.RECEIVED)
        batch = Batch()
        read = [(t, self.read(batch, t)) for t in transactions]
        crash_here(CrashPoint.DECODED)
        async with self._connection.transaction():
            crash_here(CrashPoint.BEGUN)
            await self._take_turn({t.source for t in transactions})
            await self._loader.load(self._connection, [s for _, stated in read for s in stated])
            for transaction, stated in read:
                self.take(batch, transaction, stated)
            await self.advance(batch)  # first, so that a zombie is fenced before it writes anything
            await write(self._connection, batch, self._fold.store)
            await self.end_snapshot(batch, transactions[-1])
            crash_here(CrashPoint.WRITTEN)
        crash_here(CrashPoint.COMMITTED)
        self.checkpoints.update(batch.checkpoints)
        self._loader.trim()
        return sum(tally.seen for tally in batch.tallies.values())

    async def _take_turn(self, sources: Collection[str]) -> None:
        """What the others wrote meanwhile is not in memory, and which of their snapshots go on may be otherwise."""
        if self._share is not None and await self._share.take_turn(self._connection, sources):
            self._loader.forget()
            self.checkpoints |= {s: c for s, c in (await self._stored()).items() if s not in sources}

    def take(self, batch: Batch, transaction: Transaction, stated: Sequence[Stated]) -> None:
        """During a snapshot facts are only gathered: the views follow when it is whole."""
        batch.checkpoints[transaction.source] = Checkpoint(
            transaction.source,
            transaction.position,
            transaction.resume,
            snapshotting=transaction.snapshot is Snapshot.PART,
        )
        gathering = self.gathering(batch)
        live = not gathering and transaction.snapshot is Snapshot.NO
        lost = self.fold(batch, stated) if live else self._fold.put(stated)
        self.enter(batch, transaction, stated, lost)

    async def end_snapshot(self, batch: Batch, last: Transaction) -> None:
        """If it is the end of one."""
        if last.snapshot is Snapshot.LAST:
            await finish_snapshot(self._connection, last, self._loader, derive=not self.gathering(batch))

    def gathering(self, batch: Batch) -> bool:
        return any(c.snapshotting for c in {**self.checkpoints, **batch.checkpoints}.values())

    def fold(self, batch: Batch, stated: Sequence[Stated]) -> Sequence[Change]:
        delta = self._fold.apply(stated)
        batch.add(delta)
        for doc, error in delta.broken:
            batch.dead.append(underivable(stated[0].change, doc, error))
        return delta.superseded

    def read(self, batch: Batch, transaction: Transaction) -> list[Stated]:
        """The facts of each change; one that cannot be read becomes a dead letter, and the rest flows."""
        tally = batch.tallies[transaction.source]
        tally.seen += transaction.seen
        tally.filtered += transaction.seen - len(transaction.changes)
        found = []
        for change in transaction.changes:
            if isinstance(change, Broken):
                batch.dead.append(dead_letter(change, change.reason, change.raw))
                tally.dead += 1
            elif stated := self.state(batch, change, transaction.snapshot):
                found.append(stated)
        return found

    def state(self, batch: Batch, change: Change, snapshot: Snapshot) -> Stated | None:
        tally = batch.tallies[change.source]
        tally.committed_at = change.committed_at or tally.committed_at
        try:
            facts = self._mappings[change.source].facts(change)
        except Exception as error:
            batch.dead.append(unmapped(change, error))
            batch.ledger.append(Entry(change, "dead", snapshot))
            tally.dead += 1
            return None
        if not facts:
            tally.filtered += 1
            return None
        return Stated(change, facts)

    def enter(self, batch: Batch, transaction: Transaction, stated: Sequence[Stated], lost: Sequence[Change]) -> None:
        """Into the ledger, with what became of each change."""
        losers = {change.position for change in lost}
        tally = batch.tallies[transaction.source]
        for each in stated:
            outcome = "superseded" if each.change.position in losers else "applied"
            batch.ledger.append(Entry(each.change, outcome, transaction.snapshot))
        tally.superseded += len(losers)
        tally.applied += len(stated) - len(losers)

    async def advance(self, batch: Batch) -> None:
        for source, checkpoint in batch.checkpoints.items():
            old = self.checkpoints.get(source)
            if not await write_checkpoint(self._connection, old, checkpoint, batch.tallies[source]):
                raise FencedError(source)


def runs(transactions: Sequence[Transaction]) -> Iterator[Sequence[Transaction]]:
    """Slices that go into one Postgres transaction each: a snapshot's end closes one, as memory may be emptied."""
    start = 0
    for place, transaction in enumerate(transactions, 1):
        if transaction.snapshot is Snapshot.LAST or place == len(transactions):
            yield transactions[start:place]
            start = place


def unmapped(change: Change, error: Exception) -> DeadLetter:
    doc = error.doc if isinstance(error, PoisonError) and isinstance(error.doc, Doc) else None
    reason = str(error) if isinstance(error, PoisonError) else f"{type(error).__name__}: {error}"
    return dead_letter(change, reason, raw_of(change), doc)


def underivable(change: Change, doc: Doc, error: Exception) -> DeadLetter:
    return dead_letter(change, f"cannot derive {type(error).__name__}: {error}", raw_of(change), doc)


def raw_of(change: Change) -> bytes:
    parts = {name: json_text(getattr(change, name)) for name in ("key", "before", "after")}
    return msgspec.json.encode({name: text and msgspec.Raw(text) for name, text in parts.items()})

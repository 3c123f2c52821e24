"""Takes transactions in: changes are read by their mappings, and what they state is folded into a batch. No I/O."""

from collections.abc import Mapping, Sequence

from cdc.change import Broken, Change, Op, Position, Snapshot, Transaction
from projections.batch import Batch, Entry
from projections.burying import refused, rejected, unmapped, unreadable
from projections.events import Delta, Stated
from projections.fold import Fold
from projections.mapping import Mappings, keys_of
from projections.text import has_nul

Refusals = Mapping[Position, str]
"""Positions of changes that Postgres refuses, and what it says."""
NONE: Refusals = {}


class Intake:
    """Into the memory of one projector."""

    def __init__(self, mappings: Mappings, fold: Fold) -> None:
        self._mappings = mappings
        self._fold = fold

    def read(
        self, batch: Batch, transaction: Transaction, refusals: Refusals = NONE, *, gathering: bool = False
    ) -> list[Stated]:
        """The facts of each change; one that cannot be read becomes a dead letter, and the rest flows.

        While facts are only `gathering`, what Postgres will refuse to show has to be found here: nobody else tries.
        """
        tally = batch.tallies[transaction.source]
        tally.seen += transaction.seen
        tally.filtered += transaction.seen - len(transaction.changes)
        found = []
        for change in transaction.changes:
            if isinstance(change, Broken):
                batch.bury(unreadable(change))
            elif change.position in refusals:
                self._refuse(batch, change, refusals[change.position], transaction.snapshot)
            elif stated := self._state(batch, change, transaction.snapshot):
                if gathering and any(map(has_nul, stated.facts)):
                    self._refuse(batch, change, "a text in it has a NUL", transaction.snapshot)
                else:
                    found.append(stated)
        return found

    def _refuse(self, batch: Batch, change: Change, reason: str, snapshot: Snapshot) -> None:
        batch.bury(refused(change, reason), change, snapshot)
        self._note_spared(batch, change)

    def take(self, batch: Batch, transaction: Transaction, stated: Sequence[Stated], *, live: bool) -> None:
        """Into facts and, if `live`, into what follows from them."""
        delta = self._folded(batch, stated) if live else Delta(superseded=self._fold.put(stated))
        enter(batch, transaction, stated, delta)

    def _state(self, batch: Batch, change: Change, snapshot: Snapshot) -> Stated | None:
        tally = batch.tallies[change.source]
        tally.committed_at = change.committed_at or tally.committed_at
        if change.op is Op.TRUNCATE:
            batch.truncates = True
            return Stated(change, ())
        try:
            facts = self._mappings[change.source].facts(change)
        except Exception as error:
            batch.bury(unmapped(change, error), change, snapshot)
            self._note_spared(batch, change)
            return None
        if not facts:
            tally.filtered += 1
            return None
        return Stated(change, facts)

    def _note_spared(self, batch: Batch, change: Change) -> None:
        if change.op is Op.READ:
            keys = keys_of(self._mappings[change.source], change)
            batch.spared += [(change.source, key, change.position.epoch) for key in keys]

    def _folded(self, batch: Batch, stated: Sequence[Stated]) -> Delta:
        delta = self._fold.apply(stated)
        batch.add(delta)
        for each, error in delta.rejected:
            letter = rejected(each.change, next((f.doc for f in each.facts if f.doc), None), error)
            batch.bury(letter, each.change)
        return delta


def enter(batch: Batch, transaction: Transaction, stated: Sequence[Stated], delta: Delta) -> None:
    """Into the ledger, with what became of each change."""
    tally, snapshot = batch.tallies[transaction.source], transaction.snapshot
    if not delta.rejected and not delta.superseded:  # nearly always
        batch.ledger += [Entry(each.change, "applied", snapshot) for each in stated]
        tally.applied += len(stated)
        return
    dead = {each.change.position for each, _ in delta.rejected}
    losers = {change.position for change in delta.superseded} - dead
    for each in stated:
        if each.change.position not in dead:
            outcome = "superseded" if each.change.position in losers else "applied"
            batch.ledger.append(Entry(each.change, outcome, snapshot))
    tally.superseded += len(losers)
    tally.applied += len(stated) - len(losers) - len(dead)

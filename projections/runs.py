"""Transactions cut to what goes into one transaction of Postgres."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from cdc.change import Checkpoint, Op, Snapshot, Transaction

LARGE, PART = 10_000, 5_000
"""Changes: of a transaction that is projected in parts, and of one of these."""
ALONE = frozenset({Op.READ, Op.TRUNCATE})
"""What is told of a row by a snapshot, and what empties a table."""


def fresh(transactions: Iterable[Transaction], *checkpoints: Mapping[str, Checkpoint]) -> list[Transaction]:
    """Those behind the checkpoints, of which the last one of a source counts; a redelivered one is as good as done."""
    reached = {source: checkpoint.position for each in checkpoints for source, checkpoint in each.items()}
    found = []
    for transaction in transactions:
        if transaction.source not in reached or transaction.position > reached[transaction.source]:
            reached[transaction.source] = transaction.position
            found.append(transaction)
    return found


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


def is_plain(transaction: Transaction) -> bool:
    """Whether it is a stream's, and in memory, and tells of single rows only."""
    if transaction.snapshot is not Snapshot.NO or is_large(transaction):
        return False
    return not any(getattr(change, "op", None) in ALONE for change in transaction.changes)


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

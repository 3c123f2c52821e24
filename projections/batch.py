"""What one Postgres transaction of the projector will hold, coalesced over several source transactions."""

from collections import defaultdict
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from cdc.change import Change, Checkpoint, Position, Snapshot, Transaction
from orders.facts import Doc, Ident
from orders.graph import Identity, Row
from projections.drained import Drained
from projections.events import Delta, Event
from projections.known import Unsaved


class Tally(Struct):
    """What became of a source's changes: seen = applied + superseded + dead + filtered."""

    seen: int = 0
    applied: int = 0
    superseded: int = 0
    dead: int = 0
    filtered: int = 0
    committed_at: datetime | None = None


class Entry(Struct, frozen=True):
    """A ledger row."""

    change: Change
    outcome: str
    snapshot: Snapshot


class Kind(StrEnum):
    """Why nobody could use a change: the bytes, the mapping, Postgres, or what is derived of it."""

    UNREADABLE = "UNREADABLE"
    UNMAPPED = "UNMAPPED"
    REFUSED = "REFUSED"
    UNDERIVABLE = "UNDERIVABLE"


class DeadLetter(Struct, frozen=True):
    """A change that nobody could use; `raw` is what came, `key` its row's as JSON.

    `doc` is the document that waits for it, `ident` an identifier that this one has or hangs on, if known.
    """

    source: str
    table: str
    op: str
    position: Position
    raw: bytes
    kind: Kind
    reason: str
    key: str | None = None
    doc: Doc | None = None
    ident: Ident | None = None


class Batch(Struct):
    rows: dict[Identity, Row | None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    ledger: list[Entry] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    mended: set[Doc] = field(default_factory=set)
    truncates: bool = False
    spared: list[tuple[str, str, int]] = field(default_factory=list)
    """Source, key and epoch of facts whose rows a snapshot brought so that nobody could read them."""
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        """How many changes the sources say these were."""
        return sum(tally.seen for tally in self.tallies.values())

    def add(self, delta: Delta) -> None:
        self.events += delta.events
        self.mended |= delta.mended

    def show(self, drained: Drained) -> None:
        self.rows, self.subjects = drained.rows, drained.subjects

    def bury(self, letter: DeadLetter, change: Change | None = None, snapshot: Snapshot = Snapshot.NO) -> None:
        """A change that counts as dead; one that could be read stands in the ledger all the same."""
        self.dead.append(letter)
        self.tallies[letter.source].dead += 1
        if change is not None:
            self.ledger.append(Entry(change, "dead", snapshot))


class Folded(Struct):
    """Transactions that were folded before their turn to be written: all that there is to write of them."""

    transactions: list[Transaction] = field(default_factory=list)
    batch: Batch = field(default_factory=Batch)
    facts: Unsaved = Unsaved()

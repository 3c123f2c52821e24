"""What one Postgres transaction of the projector will hold, coalesced over several source transactions."""

from collections import defaultdict
from datetime import datetime

from msgspec import Struct, field

from cdc.change import Broken, Change, Checkpoint, Position, Snapshot
from orders.facts import Doc
from orders.graph import Identity, Row
from projections.fold import Delta, Event


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


class DeadLetter(Struct, frozen=True):
    """A change that nobody could use; `raw` is what came, `doc` what waits for it, if known."""

    source: str
    table: str
    op: str
    position: Position
    raw: bytes
    reason: str
    doc: Doc | None = None


class Batch(Struct):
    rows: dict[Identity, Row | None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    ledger: list[Entry] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)

    def add(self, delta: Delta) -> None:
        self.rows.update(delta.rows)
        self.events += delta.events
        self.subjects |= delta.subjects


def dead_letter(change: Change | Broken, reason: str, raw: bytes, doc: Doc | None = None) -> DeadLetter:
    op = change.op.value if isinstance(change, Change) else ""
    return DeadLetter(change.source, change.table, op, change.position, raw, reason, doc)

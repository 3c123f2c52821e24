"""One captured database while it is captured: what was handed on, what was processed, what may be marked. No I/O."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from cdc import resume
from cdc.change import Change, Checkpoint, Position, Snapshot, Transaction
from cdc.envelope import Line, Unreadable
from cdc.frames import Ack
from cdc.kinds import Captured
from cdc.resume import Continue, Identity, sealed
from cdc.transactions import NOWHERE, Assembler, Ended, Tears


class State(StrEnum):
    STARTING = "starting"
    SNAPSHOTTING = "snapshotting"
    STREAMING = "streaming"
    FAILED = "failed"


class SlotHealth(msgspec.Struct, frozen=True):
    """What a source keeps for us. `status` is Postgres's wal_status, or absent; sizes in bytes.

    The source drops what we need when it has written `safe` more bytes, None: it never does. At the rate of late that
    is in `safe_seconds`, None: not to be seen yet.
    """

    status: str
    kept: int | None
    safe: int | None
    safe_seconds: float | None


class Healed(msgspec.Struct, frozen=True):
    """The last time that a snapshot was taken because something was lost."""

    at: datetime
    reason: str


class SourceLag(msgspec.Struct, frozen=True):
    """How a source does. `bytes_behind` is log that was not confirmed yet; None, as `slot`, when it does not answer.

    `last_event_at` is when the last change that came was committed there (read there, if by a snapshot).
    `given_up`: the source kept too much for us, so our slot went.
    """

    source: str
    state: State
    reason: str | None
    epoch: int
    bytes_behind: int | None
    last_event_at: datetime | None
    slot: SlotHealth | None = None
    healed: Healed | None = None
    given_up: bool = False


class Pace:
    """How fast a log grows, over the last minute or so."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=120)

    def see(self, now: float, log_end: int) -> float:
        """Bytes a second since the oldest mark; 0 while nothing can be said."""
        if self._marks and log_end < self._marks[-1][1]:
            self._marks.clear()
        self._marks.append((now, log_end))
        began, first = self._marks[0]
        return (log_end - first) / (now - began) if now > began else 0.0


class _Sent(NamedTuple):
    """A batch that ended transactions: once the last of them is processed, its line may be marked."""

    last: Position
    ack: Ack


class Capture:
    """The state of one source between its engine and its reader.

    `given_up`: why its slot was, `altered`: why its log has not told all, until it starts anew. `preparing` is held by
    whoever makes or drops its slot.
    `silence`: for how many seconds its engine has said nothing, though it streams and waits for nobody.
    """

    def __init__(self, database: Captured, checkpoint: Checkpoint | None, folder: Path | None = None) -> None:
        self.database, self.checkpoint, self._folder = database, checkpoint, folder
        self.state, self.reason, self.given_up, self.altered = State.STARTING, "", "", ""
        self.run, self.preparing, self.silence = 0, asyncio.Lock(), 0.0
        self.last_event_at: datetime | None = None
        self.healed: Healed | None = None
        self.pace = Pace()
        self._last = checkpoint.position if checkpoint else NOWHERE
        self._tears = Tears()
        self._sent: deque[_Sent] = deque()
        self._assembler = self._assemble(self._last.epoch, Identity("", 0), snapshotting=False)

    @property
    def epoch(self) -> int:
        return self._assembler.epoch

    def begin(self, run: int, decision: Continue | resume.Anew, identity: Identity) -> None:
        """A new run of the engine: whatever was not handed on as a whole is forgotten."""
        anew = isinstance(decision, resume.Anew)
        if isinstance(decision, resume.Anew) and not decision.expected:
            self.healed = Healed(datetime.now(UTC), self.given_up or decision.reason)
        self.given_up = self.altered = ""
        self.run, self.state, self.reason = run, State.STARTING, ""
        self._sent.clear()
        self._assembler = self._assemble(self._last.epoch + anew, identity, snapshotting=anew)

    def started(self) -> None:
        self.state = State.SNAPSHOTTING if self._assembler.snapshotting else State.STREAMING

    def fail(self, reason: str) -> None:
        self.silence = 0.0
        self.run, self.state, self.reason = 0, State.FAILED, self.given_up or reason
        self._sent.clear()

    def tear(self, reason: str) -> None:
        """What came last was torn. What always is, is read anew instead."""
        if self._tears.add(self._last):
            self.altered, self._tears = reason, Tears()

    def wait(self, seconds: float) -> None:
        """So much time has passed."""
        owed = self.state is State.STREAMING and not self._sent
        self.silence = self.silence + seconds if owed else 0.0

    def take(self, sequence: int, lines: Iterable[Line | Unreadable]) -> tuple[list[Transaction], Ack | None]:
        """What is new in a batch, and its answer if it can be given already. Raises TornError."""
        self.silence = 0.0
        ended = list(self._assembler.feed(lines))
        self.started()
        return self._fresh(ended), self._answer(sequence, ended)

    def processed(self, checkpoint: Checkpoint) -> list[Ack]:
        """The batches that are dealt with now that everything up to the checkpoint is durable."""
        self.checkpoint = checkpoint
        return [self._sent.popleft().ack for _ in range(sum(sent.last <= checkpoint.position for sent in self._sent))]

    def _assemble(self, epoch: int, identity: Identity, *, snapshotting: bool) -> Assembler:
        signals = self.database.signals
        hidden = frozenset([signals] if signals else [])
        return Assembler(self.database.name, epoch, snapshotting, hidden, partial(sealed, identity), self._folder)

    def _fresh(self, ended: Sequence[Ended]) -> list[Transaction]:
        # After a start behind a checkpoint, what was handed on but not processed by then comes once more.
        fresh = [each.transaction for each in ended if each.transaction.position > self._last]
        if fresh:
            self._last = fresh[-1].position
        for transaction in fresh:
            self._note(transaction)
        return fresh

    def _answer(self, sequence: int, ended: Sequence[Ended]) -> Ack | None:
        if not ended:
            return Ack(self.run, sequence, None)
        sent = _Sent(ended[-1].transaction.position, Ack(self.run, sequence, ended[-1].line))
        if self.checkpoint and sent.last <= self.checkpoint.position:
            return sent.ack
        self._sent.append(sent)
        return None

    def _note(self, transaction: Transaction) -> None:
        if transaction.changes and isinstance(last := transaction.changes[-1], Change):
            self.last_event_at = last.committed_at or last.captured_at


def checkpoint_behind(transaction: Transaction) -> Checkpoint:
    """The checkpoint of a reader that has made this transaction durable."""
    snapshotting = transaction.snapshot is Snapshot.PART
    return Checkpoint(transaction.source, transaction.position, transaction.resume, snapshotting)

"""What may be marked at the source, and what is handed on: never beyond the checkpoint, never twice."""

import msgspec
import pytest

from cdc.capture import Capture, State, checkpoint_behind
from cdc.change import Change, Checkpoint, Position, Transaction
from cdc.database import CapturedDatabase
from cdc.envelope import Line, Unreadable, decode
from cdc.frames import Ack
from cdc.resume import Anew, Continue, Identity
from cdc.transactions import TEARS, TornError

ERP = CapturedDatabase("erp", "postgresql://localhost/erp", ("public.t",))
IDENTITY = Identity("7", 1)
COMPLETED = {"aggregate_type": "Initial Snapshot", "type": "COMPLETED"}


def lines(*values: object) -> list[Line | Unreadable]:
    return decode(b"\n".join(msgspec.json.encode([None, value, {"lsn": 60}]) for value in values))


def whole(number: int) -> list[Line | Unreadable]:
    """A transaction of one row; its LSN is a hundred times its number."""
    source = {"schema": "public", "table": "t", "ts_us": number, "lsn": 1}
    row = {"op": "c", "after": {"id": number}, "source": source, "transaction": {"id": f"{number}:0"}}
    end = {"status": "END", "id": f"{number}:{number * 100}", "event_count": 1}
    return lines({"status": "BEGIN", "id": f"{number}:0"}, row, end)


def read(ident: int) -> list[Line | Unreadable]:
    source = {"schema": "public", "table": "t", "ts_us": 1, "lsn": 50}
    return lines({"op": "r", "after": {"id": ident}, "source": source, "transaction": None})


def at(log: int, epoch: int = 1, ordinal: int = 1) -> Checkpoint:
    return Checkpoint("erp", Position(epoch, log, ordinal), b"{}")


def streaming(checkpoint: Checkpoint, run: int = 1) -> Capture:
    capture = Capture(ERP, checkpoint)
    capture.begin(run, Continue(b"{}"), IDENTITY)
    return capture


def logs(transactions: list[Transaction]) -> list[int]:
    return [each.position.log for each in transactions]


def test_a_batch_is_answered_when_its_last_transaction_is_processed() -> None:
    capture = streaming(at(0))
    transactions, answer = capture.take(0, [*whole(1), *whole(2)])
    assert (logs(transactions), answer) == ([100, 200], None)
    assert capture.processed(at(100)) == []
    assert capture.processed(at(200)) == [Ack(1, 0, 5)]
    assert capture.processed(at(200)) == []


def test_one_checkpoint_answers_several_batches() -> None:
    capture = streaming(at(0))
    capture.take(0, whole(1))
    capture.take(1, whole(2))
    assert capture.processed(at(200)) == [Ack(1, 0, 2), Ack(1, 1, 2)]


def test_what_ends_no_transaction_is_answered_at_once_and_never_marked() -> None:
    capture = streaming(at(0))
    begin, row, end = whole(1)
    assert capture.take(0, [begin, row]) == ([], Ack(1, 0, None))
    assert capture.take(1, lines({"ts_ms": 1})) == ([], Ack(1, 1, None))
    transactions, answer = capture.take(2, [end])
    assert (logs(transactions), answer) == ([100], None)


def test_a_new_run_hands_on_only_what_was_not_and_acks_only_its_own() -> None:
    capture = streaming(at(0))
    capture.take(0, [*whole(1), *whole(2)])
    capture.processed(at(100))
    capture.begin(2, Continue(b"{}"), IDENTITY)
    transactions, answer = capture.take(0, [*whole(2), *whole(3)])
    assert (logs(transactions), answer) == ([300], None)
    assert capture.processed(at(200)) == []
    assert capture.processed(at(300)) == [Ack(2, 0, 5)]


def test_what_was_processed_while_the_engine_was_away_is_answered_at_once() -> None:
    capture = streaming(at(0))
    capture.take(0, whole(1))
    capture.begin(2, Continue(b"{}"), IDENTITY)
    capture.processed(at(100))
    assert capture.take(0, whole(1)) == ([], Ack(2, 0, 2))


def test_half_a_transaction_is_forgotten_with_its_run() -> None:
    capture = streaming(at(0))
    capture.take(0, whole(1)[:2])
    capture.begin(2, Continue(b"{}"), IDENTITY)
    (transaction,), _ = capture.take(0, whole(1))
    assert transaction.seen == 1


def test_a_snapshot_is_a_new_epoch_and_marks_nothing_before_its_end() -> None:
    capture = streaming(at(500, epoch=3))
    capture.begin(2, Anew("why"), IDENTITY)
    (part,), answer = capture.take(0, read(1))
    assert (part.position, answer) == (Position(4, 50, 1), None)
    assert capture.processed(checkpoint_behind(part)) == [Ack(2, 0, None)]
    (last,), answer = capture.take(1, lines(COMPLETED))
    assert capture.processed(checkpoint_behind(last)) == [Ack(2, 1, 0)]
    assert [checkpoint_behind(each).snapshotting for each in (part, last)] == [True, False]


def test_every_snapshot_wins_over_whatever_was_handed_on_before() -> None:
    capture = Capture(ERP, None)
    epochs = []
    for run in (1, 2, 3):
        capture.begin(run, Anew("why"), IDENTITY)
        (part,), _ = capture.take(0, read(1))
        epochs.append(part.position.epoch)
    assert epochs == [1, 2, 3]


def test_states() -> None:
    capture = Capture(ERP, None)
    seen = [capture.state]
    capture.begin(1, Anew("why"), IDENTITY)
    capture.started()
    seen.append(capture.state)
    capture.take(0, lines(COMPLETED))
    seen.append(capture.state)
    capture.fail("gone")
    assert [*seen, capture.state] == [State.STARTING, State.SNAPSHOTTING, State.STREAMING, State.FAILED]
    assert (capture.reason, capture.run) == ("gone", 0)


def test_a_torn_transaction_is_not_handed_on() -> None:
    capture = streaming(at(0))
    begin, _, end = whole(1)
    with pytest.raises(TornError):
        capture.take(0, [begin, end])


def test_tells_when_the_last_change_was_committed() -> None:
    capture = streaming(at(0))
    (transaction,), _ = capture.take(0, whole(7))
    assert isinstance(change := transaction.changes[0], Change)
    assert capture.last_event_at == change.committed_at


def test_what_is_always_torn_at_one_place_is_read_anew() -> None:
    capture = streaming(at(0))
    capture.take(0, whole(1))
    for _ in range(TEARS - 1):
        capture.tear("transaction 2 never ended")
    capture.take(1, whole(2))
    for _ in range(TEARS - 1):
        capture.tear("transaction 3 never ended")
    assert capture.altered == ""
    capture.tear("transaction 3 never ended")
    assert capture.altered == "transaction 3 never ended"
    capture.begin(2, Anew(capture.altered), IDENTITY)
    assert (capture.altered, capture.epoch) == ("", 2)

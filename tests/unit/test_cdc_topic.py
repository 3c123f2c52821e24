"""A topic read: whole transactions and none twice, whatever restarts, retention and another topic do to it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.capture import checkpoint_behind
from cdc.change import Broken, Change, Checkpoint, Position, Snapshot, Transaction
from cdc.topic import Bounds, Loss, Place, Record, Topic
from cdc.transactions import SLICE

Value = dict[str, object]


def row(number: int | None, ident: int) -> Value:
    transaction = {"id": f"{number}:{ident}"} if number else None
    source = {"schema": "public", "table": "t", "ts_us": 1, "lsn": 60}
    return {"op": "c" if number else "r", "after": {"id": ident}, "source": source, "transaction": transaction}


def begin(number: int) -> Value:
    return {"status": "BEGIN", "id": f"{number}:1"}


def end(number: int, count: int) -> Value:
    """Commits lie behind the snapshot at 60."""
    return {"status": "END", "id": f"{number}:{number * 100}", "event_count": count}


def announced(kind: str) -> Value:
    return {"aggregate_type": "Initial Snapshot", "type": kind}


STARTED, SKIPPED, COMPLETED = map(announced, ("STARTED", "SKIPPED", "COMPLETED"))


def transaction(number: int, *idents: int) -> list[Value]:
    return [begin(number), *(row(number, ident) for ident in idents), end(number, len(idents))]


def snapshot(*idents: int) -> list[Value]:
    return [STARTED, *(row(None, ident) for ident in idents), COMPLETED]


def topic_of(values: Iterable[Value]) -> list[Record]:
    return [Record(offset, b'{"id":1}', msgspec.json.encode(value)) for offset, value in enumerate(values)]


def opened(records: Sequence[Record], checkpoint: Checkpoint | None = None, first: int = 0) -> Topic:
    return Topic("erp", checkpoint, Bounds(first, len(records)), frozenset())


def read(records: Sequence[Record], checkpoint: Checkpoint | None = None, first: int = 0) -> list[Transaction]:
    """From where it begins to its end, record by record; sought again when that is asked for."""
    return list(reading(opened(records, checkpoint, first), records, first))


def reading(topic: Topic, records: Sequence[Record], first: int = 0) -> Iterator[Transaction]:
    while max(topic.offset, first) < len(records):
        yield from topic.feed([records[max(topic.offset, first)]])


def idents(found: Iterable[Transaction]) -> list[int]:
    changes = chain.from_iterable(each.changes for each in found)
    return [each.after["id"] for each in changes if isinstance(each, Change) and each.after]


def test_a_snapshot_and_transactions() -> None:
    found = read(topic_of([*snapshot(1, 2), {"ts_ms": 1}, *transaction(1, 3), *transaction(2, 4, 5)]))
    assert [idents([each]) for each in found] == [[1, 2], [3], [4, 5]]
    assert [each.snapshot for each in found] == [Snapshot.LAST, Snapshot.NO, Snapshot.NO]
    assert [each.position for each in found] == [Position(1, 60, 3), Position(1, 100, 1), Position(1, 200, 2)]


STREAM = [
    *snapshot(1, 2),
    *transaction(1, 3),
    *transaction(2, 4, 5),
    *transaction(3),
    *snapshot(1, 5),
    *transaction(9, 6),
]


@given(st.integers(0, len(STREAM)), st.integers(0, 8))
def test_whoever_reads_on_behind_a_checkpoint_gets_the_rest(cut: int, reach: int) -> None:
    records = topic_of(STREAM)
    whole = read(records)
    done = read(records[:cut])[:reach]
    checkpoint = checkpoint_behind(done[-1]) if done else None
    topic = opened(records, checkpoint)
    assert done + list(reading(topic, records)) == whole
    assert topic.loss is None


@given(st.integers(0, 7))
def test_all_of_it_once_more_is_nothing_new(reach: int) -> None:
    records = topic_of(STREAM)
    whole = read(records)
    last = whole[: reach + 1][-1]
    again = Checkpoint("erp", last.position, msgspec.json.encode(Place(0, 0)))
    assert read(records, again) == whole[reach + 1 :]


@given(st.data())
def test_a_restart_anywhere_loses_and_doubles_nothing(data: st.DataObject) -> None:
    """The task dies after any record and goes on behind one that was acknowledged: an END, so that nothing is lost."""
    streamed = [*transaction(1, 3), *transaction(2, 4, 5, 6), *transaction(3, 7)]
    died = data.draw(st.integers(0, len(streamed)))
    ends = [0, *(place for place, value in enumerate(streamed[:died], 1) if value.get("status") == "END")]
    resumed = data.draw(st.sampled_from(ends))
    records = topic_of([*snapshot(1), *streamed[:died], SKIPPED, *streamed[resumed:]])
    assert idents(read(records)) == [1, 3, 4, 5, 6, 7]


def test_a_transaction_that_goes_on_behind_a_restart_is_not_believed() -> None:
    """Debezium leaves out rows that share the LSN of its last offset, and counts as if they had never been."""
    torn = [*snapshot(1), *transaction(1, 2), begin(2), row(2, 3), SKIPPED, row(2, 5), end(2, 2), *transaction(3, 6)]
    records = topic_of(torn)
    topic = opened(records)
    assert idents(reading(topic, records)) == [1, 2]
    assert topic.loss == Loss("its connector was restarted within transaction 2", 100)
    mended = topic_of([*torn, SKIPPED, *transaction(2, 3, 4, 5), *transaction(3, 6)])
    topic = opened(mended)
    assert idents(reading(topic, mended)) == [1, 2, 3, 4, 5, 6]
    assert topic.loss is None


def test_one_that_is_there_already_may_be_torn_as_often_as_it_comes() -> None:
    """It will not come again, once what lies behind it has been asked for."""
    again = [SKIPPED, begin(2), row(2, 3), SKIPPED, row(2, 4), end(2, 1)]
    records = topic_of([*snapshot(1), *transaction(2, 3, 4), *again, *transaction(3, 6)])
    topic = opened(records)
    assert idents(reading(topic, records)) == [1, 3, 4, 6]
    assert topic.loss is None


def test_the_rest_of_a_transaction_that_is_there_already_is_ignored() -> None:
    values = [*snapshot(1), *transaction(2, 3, 4), SKIPPED, row(2, 4), end(2, 2), *transaction(3, 6)]
    assert idents(read(topic_of(values))) == [1, 3, 4, 6]


def test_a_wrong_count_is_a_loss() -> None:
    records = topic_of([*snapshot(1), begin(2), row(2, 3), end(2, 2), *transaction(3, 4)])
    topic = opened(records)
    assert idents(reading(topic, records)) == [1]
    assert topic.loss
    assert topic.loss.behind == 60


def test_a_broken_off_snapshot_begins_again_in_a_new_epoch() -> None:
    found = read(topic_of([STARTED, row(None, 1), *snapshot(1, 2), *transaction(1, 3)]))
    assert [(each.position.epoch, idents([each])) for each in found] == [(2, [1, 2]), (2, [3])]


def test_slices_are_the_same_ones_when_a_snapshot_is_read_again() -> None:
    records = topic_of(snapshot(*range(SLICE + 5)))
    [part, last] = read(records)
    assert (len(part.changes), part.snapshot, len(last.changes)) == (SLICE, Snapshot.PART, 5)
    behind = checkpoint_behind(part)
    assert behind.snapshotting
    assert read(records, behind) == [last]


def test_nothing_is_said_before_a_snapshot() -> None:
    records = topic_of([*transaction(1, 3), *snapshot(4)])
    assert idents(read(records)) == [4]
    topic = opened(records[:3])
    assert list(reading(topic, records[:3])) == []
    assert topic.loss == Loss("its topic does not begin with a snapshot", None)


def behind(records: Sequence[Record]) -> Checkpoint:
    return checkpoint_behind(read(records)[-1])


def test_another_topic_is_read_from_its_snapshot_in_a_new_epoch() -> None:
    checkpoint = behind(topic_of([*snapshot(1), *transaction(1, 2), *transaction(2, 3)]))
    for other in ([*snapshot(7), *transaction(5, 8), *transaction(6, 9, 10, 11)], snapshot(7)):
        found = read(topic_of(other), checkpoint)
        assert idents(found)[0] == 7
        assert {each.position.epoch for each in found} == {2}


def test_a_topic_that_was_cut_off_behind_the_checkpoint_waits_for_a_snapshot() -> None:
    values = [*snapshot(1), *transaction(1, 2), *transaction(2, 3), *transaction(3, 4)]
    checkpoint = behind(topic_of(values[:6]))
    records = topic_of([*values, *snapshot(5)])
    assert idents(read(records, checkpoint, first=6)) == [3, 4, 5]
    topic = opened(records[:12], checkpoint, first=9)
    assert list(reading(topic, records[:12], first=9)) == []
    assert topic.loss
    assert topic.loss.behind is None
    assert idents(read(records, checkpoint, first=9)) == [5]


def test_an_engines_checkpoint_leads_to_a_snapshot_of_a_new_epoch() -> None:
    engines = Checkpoint("erp", Position(4, 900, 1), b'{"system":"1","timeline":1,"offset":{"lsn":1}}')
    assert read(topic_of(snapshot(1)), engines)[0].position == Position(5, 60, 2)


@pytest.mark.parametrize("value", [b"no json", b"two\nlines", b""])
def test_what_cannot_be_read_is_kept_in_its_transaction(value: bytes) -> None:
    records = topic_of([*snapshot(), begin(1), row(1, 1), {}, end(1, 2 if value else 1)])
    records[4] = Record(4, None, value)
    [_, found] = read(records)
    broken = [each for each in found.changes if isinstance(each, Broken)]
    assert len(broken) == (1 if value else 0)
    assert idents([found]) == [1]

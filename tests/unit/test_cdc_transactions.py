"""Whole transactions, or none: whatever the batches look like and however often the engine starts anew."""

import logging
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cdc.change import Broken, Change, Position, Snapshot, Transaction
from cdc.envelope import Line, Membership, Unreadable, decode
from cdc.transactions import SLICE, Assembler, TornError

RECORDED = decode(Path(__file__).with_name("cdc_recorded.jsonl").read_bytes())
Lines = Sequence[Line | Unreadable]


def row(number: int | None, ident: int) -> dict[str, object]:
    """A row as it is streamed in transaction `number`, or read by a snapshot if there is none."""
    transaction = {"id": f"{number}:{ident}"} if number else None
    source = {"schema": "public", "table": "t", "ts_us": 1, "lsn": 60}
    return {"op": "c" if number else "r", "after": {"id": ident}, "source": source, "transaction": transaction}


def begin(number: int) -> dict[str, object]:
    return {"status": "BEGIN", "id": f"{number}:1"}


def end(number: int, lsn: int, count: int) -> dict[str, object]:
    return {"status": "END", "id": f"{number}:{lsn}", "event_count": count}


COMPLETED = {"aggregate_type": "Initial Snapshot", "type": "COMPLETED"}


def lines(*values: object) -> Lines:
    return decode(b"\n".join(msgspec.json.encode([None, value, {"lsn": 60}]) for value in values))


def transaction(number: int, idents: Sequence[int]) -> Lines:
    return lines(begin(number), *(row(number, ident) for ident in idents), end(number, number * 100, len(idents)))


def streaming() -> Assembler:
    return Assembler("erp", epoch=1, snapshotting=False)


def fed(assembler: Assembler, batches: Sequence[Lines]) -> list[Transaction]:
    return [ended.transaction for batch in batches for ended in assembler.feed(batch)]


def idents(transaction: Transaction) -> list[int]:
    return [each.after["id"] for each in transaction.changes if isinstance(each, Change) and each.after]


def incremental(ident: int) -> dict[str, object]:
    """A row of an incremental snapshot, as it comes within a transaction or between two."""
    return {
        "op": "r",
        "after": {"id": ident},
        "source": {"schema": "public", "table": "t", "ts_us": 1, "lsn": 60, "snapshot": "incremental"},
    }


@st.composite
def cuts(draw: st.DrawFn, stream: Lines) -> list[Lines]:
    places = sorted(draw(st.sets(st.integers(0, len(stream)))) | {0, len(stream)})
    return [stream[start:stop] for start, stop in pairwise(places)]


sizes = st.lists(st.integers(0, 5), max_size=6)


@given(st.data(), sizes)
def test_batches_do_not_matter(data: st.DataObject, sizes: list[int]) -> None:
    stream = [line for number, size in enumerate(sizes, 1) for line in transaction(number, range(size))]
    made = fed(streaming(), data.draw(cuts(stream)))
    assert [idents(each) for each in made] == [list(range(size)) for size in sizes]
    assert [each.seen for each in made] == sizes
    positions = [place for each in made for place in [*(change.position for change in each.changes), each.position]]
    assert positions == sorted(positions)
    assert len({each.position for each in made}) == len(made)


@given(st.data(), sizes)
def test_messages_that_wait_for_no_commit_are_nobodys_rows(data: st.DataObject, sizes: list[int]) -> None:
    """A program may write them into a Postgres's log at any moment, in a transaction or between two."""
    stream = [line for number, size in enumerate(sizes, 1) for line in transaction(number, range(size))]
    (message,) = lines({"op": "m", "source": {"ts_us": 1, "lsn": 60}, "message": {"prefix": "outbox", "content": ""}})
    told = list(stream)
    for place in data.draw(st.lists(st.integers(0, len(stream)), max_size=4)):
        told.insert(place, message)
    assert fed(streaming(), [told]) == fed(streaming(), [stream])


@given(st.data(), sizes)
def test_rows_of_an_incremental_snapshot_are_left_out(data: st.DataObject, sizes: list[int]) -> None:
    """Wherever they come, and however many: the transactions are what they are without them."""
    stream = [line for number, size in enumerate(sizes, 1) for line in transaction(number, range(size))]
    mixed = list(stream)
    for place in data.draw(st.lists(st.integers(0, len(stream)), max_size=6)):
        mixed[place:place] = lines(incremental(99))
    assert fed(streaming(), data.draw(cuts(mixed))) == fed(streaming(), [stream])


def test_that_they_are_left_out_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    fed(streaming(), [lines(incremental(1), begin(1), incremental(2), row(1, 3), end(1, 100, 1), incremental(4))])
    [said] = caplog.records
    assert said.levelno == logging.ERROR
    assert "incremental snapshot, as of public.t, are left out" in said.getMessage()


@given(
    st.data(), st.lists(st.sampled_from([*RECORDED, Unreadable(b"{torn", "no JSON")]), max_size=40), st.integers(1, 9)
)
def test_what_is_too_large_for_memory_is_the_same(data: st.DataObject, rows: Lines, few: int) -> None:
    """Whatever the rows hold and however many are kept in memory."""
    placed = [in_transaction(each) for each in rows if isinstance(each, Unreadable) or each.is_row]
    stream = [*lines(begin(7)), *placed, *lines(end(7, 900, len(placed)))]
    hidden = frozenset(each.table for each in placed[:1] if isinstance(each, Line))
    [whole] = fed(Assembler("erp", 1, snapshotting=False, hidden=hidden), [stream])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cdc.transactions.IN_MEMORY", few)
        patch.setattr("cdc.spill.CHUNK", 3)
        [spilled] = fed(Assembler("erp", 1, snapshotting=False, hidden=hidden), data.draw(cuts(stream)))
    assert [shown(each) for each in spilled.changes] == [shown(each) for each in whole.changes]
    assert (len(spilled.changes), spilled.seen, spilled.position) == (len(whole.changes), whole.seen, whole.position)
    assert [*map(shown, spilled.changes[2:5])] == [*map(shown, whole.changes[2:5])]
    if whole.changes:
        assert shown(spilled.changes[-1]) == shown(whole.changes[-1])


def shown(change: Change | Broken) -> object:
    """The reason why a line cannot be read may be told in other words."""
    return replace(change, reason="") if isinstance(change, Broken) else change


def in_transaction(line: Line | Unreadable) -> Line | Unreadable:
    """A recorded row as one of transaction 7."""
    if isinstance(line, Unreadable):
        return line
    return Line(line.key, replace(line.value, transaction=Membership("7:1")))


@given(st.data(), sizes, st.integers(0, 40))
def test_a_reconnect_replays_and_the_transactions_are_the_same(data: st.DataObject, sizes: list[int], cut: int) -> None:
    whole = [transaction(number, range(size)) for number, size in enumerate(sizes, 1)]
    stream = [line for each in whole for line in each]
    ended = len(fed(streaming(), [stream[:cut]]))
    replayed = [line for each in whole[data.draw(st.integers(0, ended)) :] for line in each]
    made = fed(streaming(), [*data.draw(cuts([*stream[:cut], *replayed]))])
    plain = fed(streaming(), [stream])
    by_position = {each.position: each for each in made}
    assert [by_position[position] for position in sorted(by_position)] == plain


def test_the_index_tells_which_line_may_be_marked() -> None:
    stream = [*transaction(1, [1]), *transaction(2, [1, 2])]
    assert [ended.line for ended in streaming().feed(stream)] == [2, 6]


def test_resume_is_what_the_end_carried() -> None:
    (made,) = fed(streaming(), [transaction(1, [1])])
    assert made.resume == b'{"lsn":60}'
    assert made.position == Position(1, 100, 1)


@pytest.mark.parametrize(
    "torn",
    [
        lines(begin(1), row(1, 1), end(1, 100, 2)),
        lines(begin(1), row(1, 1), row(1, 2), end(1, 100, 1)),
        lines(begin(1), row(2, 1)),
        lines(row(1, 1)),
        lines(row(None, 1)),
        lines(begin(1), end(2, 100, 0)),
        lines(end(1, 100, 0)),
    ],
)
def test_a_torn_transaction_is_never_shown(torn: Lines) -> None:
    with pytest.raises(TornError):
        fed(streaming(), [torn])


def test_an_unreadable_line_stays_in_its_transaction() -> None:
    bad = Unreadable(b"[{", "why")
    first, second = lines(begin(1), row(1, 1)), lines(row(1, 2), end(1, 100, 3))
    (made,) = fed(streaming(), [[*first, bad, *second]])
    assert [type(each) for each in made.changes] == [Change, Broken, Change]
    assert made.seen == 3


def test_an_unreadable_line_between_transactions_comes_with_the_next() -> None:
    (made,) = fed(streaming(), [[Unreadable(b"[{", "why"), *transaction(1, [1])]])
    assert [type(each) for each in made.changes] == [Change, Broken]


def snapshot(rows: int) -> Iterator[Transaction]:
    assembler = Assembler("erp", epoch=2, snapshotting=True)
    yield from fed(assembler, [lines(*(row(None, ident) for ident in range(rows))), lines(COMPLETED)])
    yield from fed(assembler, [transaction(7, [0])])


@pytest.mark.parametrize("rows", [0, 1, SLICE - 1, SLICE, SLICE + 1, 2 * SLICE + 3])
def test_a_snapshot_comes_in_slices_and_has_one_end(rows: int) -> None:
    *parts, last, streamed = snapshot(rows)
    assert [each.snapshot for each in parts] == [Snapshot.PART] * len(parts)
    assert (last.snapshot, streamed.snapshot) == (Snapshot.LAST, Snapshot.NO)
    assert all(len(each.changes) <= SLICE for each in parts)
    assert [ident for each in [*parts, last] for ident in idents(each)] == list(range(rows))
    assert [each.resume for each in parts] == [None] * len(parts)
    assert last.resume == b'{"lsn":60}'
    positions = [each.position for each in [*parts, last, streamed]]
    assert positions == sorted(set(positions))


def test_rows_that_end_with_the_snapshot_come_in_its_last_slice() -> None:
    assembler = Assembler("erp", epoch=1, snapshotting=True)
    (last,) = fed(assembler, [lines(row(None, 1), COMPLETED)])
    assert (idents(last), last.snapshot) == ([1], Snapshot.LAST)


def test_what_an_engine_said() -> None:
    """Interleaved commits: transaction 977 began before 978 and committed after 984."""
    hidden = frozenset({"public.signal"})
    part, *streamed = fed(Assembler("erp", epoch=1, snapshotting=True, hidden=hidden), [RECORDED])
    assert part.snapshot is Snapshot.LAST
    assert [each.table for each in part.changes] == ["public.f", "public.t"]
    numbers = [next((each.transaction for each in made.changes if isinstance(each, Change)), None) for made in streamed]
    assert [each for each in numbers if each] == ["978", "979", "980", "981", "982", "983", "984", "977"]
    assert [made.position for made in streamed] == sorted({made.position for made in streamed})
    assert [made.seen - len(made.changes) for made in streamed] == [1] * 4 + [0] * 4 + [1] + [0] * 3 + [1] * 3

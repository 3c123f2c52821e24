"""Debezium's JSON becomes typed changes; what cannot be read is kept, never raised."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from cdc.change import Broken, Change, Op, Position
from cdc.envelope import Line, Unreadable, changes, decode, decoded, is_absent

RECORDED = Path(__file__).with_name("cdc_recorded.jsonl").read_bytes()
ABSENT = msgspec.json.encode(
    [
        {"id": 1},
        {
            "op": "u",
            "before": {"id": 1, "known": "old", "unknown": None},
            "after": {"id": 1, "known": "__debezium_unavailable_value", "unknown": "__debezium_unavailable_value"},
        },
    ]
)
SIGNALS = frozenset({"public.signal"})


def read(chunk: bytes, hidden: frozenset[str] = frozenset()) -> list[Change | Broken]:
    return list(changes("erp", decode(chunk), lambda ordinal: Position(1, 9, ordinal), hidden))


def of_table(table: str) -> list[Change]:
    return [each for each in read(RECORDED) if isinstance(each, Change) and each.table == table]


def test_reads_what_an_engine_said() -> None:
    assert [change.op for change in of_table("public.u")] == [*"cdcdctccccc"]
    update = next(change for change in of_table("public.t") if change.op is Op.UPDATE)
    assert (update.key, update.before, update.transaction) == ({"id": 1}, None, "978")
    assert update.committed_at == datetime(2026, 11, 24, 0, 1, 54, 101_856, UTC)
    assert update.after
    assert {name: update.after[name] for name in ("a", "n", "d", "ts", "tz")} == {
        "a": "b",
        "n": "1.500",
        "d": "2026-01-02Z",
        "ts": "2026-01-02T03:04:05.678901Z",
        "tz": "2026-01-02T08:04:05.678901Z",
    }


@given(
    st.lists(st.sampled_from([*RECORDED.splitlines(), ABSENT, b"", b"{", b"\xff"])).map(b"\n".join),
    st.integers(0, 3_000),
    st.sampled_from([b"", b"\n"]),
)
def test_lines_are_the_same_when_they_are_decoded_in_pieces(chunk: bytes, piece: int, end: bytes) -> None:
    assert list(decoded(chunk + end, piece)) == decode(chunk + end)
    assert list(decoded(bytearray(chunk), piece)) == decode(chunk)


def test_what_the_log_did_not_carry_is_unset() -> None:
    update = next(change for change in of_table("public.t") if change.op is Op.UPDATE)
    assert update.after
    assert {name for name, value in update.after.items() if value is UNSET} == {"big", "arr", "bin", "js", "ia"}
    assert "unavailable" not in repr(update)


def test_an_absent_value_is_taken_from_before() -> None:
    update = next(change for change in of_table("public.f") if change.op is Op.UPDATE)
    assert update.after == {"id": 1, "big": "w" * 2100}
    (made,) = read(ABSENT)
    assert isinstance(made, Change)
    assert made.after == {"id": 1, "known": "old", "unknown": UNSET}


def test_snapshot_rows_have_no_transaction() -> None:
    reads = [each for each in read(RECORDED) if isinstance(each, Change) and each.op is Op.READ]
    assert {(each.transaction, each.committed_at) for each in reads} == {(None, None)}


def test_hidden_tables_count_and_do_not_show() -> None:
    seen, shown = read(RECORDED), read(RECORDED, SIGNALS)
    assert len(seen) - len(shown) == 1
    assert {each.position for each in shown} < {each.position for each in seen}


@pytest.mark.parametrize(
    "raw",
    [b"[{", b'[null,{"before":3,"op":"c"}]', b"\xff\xfe", b'{"op":"c"}', b'[0,{"after":{"x":"\xc3"},"op":"c"}]'],
)
def test_one_broken_line_spoils_no_other(raw: bytes) -> None:
    good = b'[{"id":1},{"op":"c","after":{"id":1},"source":{"schema":"s","table":"t"},"ts_us":1}]'
    first, second, third = read(b"\n".join([good, raw, good]))
    assert isinstance(first, Change)
    assert isinstance(third, Change)
    assert isinstance(second, Broken)
    assert second.raw == raw
    assert second.reason
    assert [each.position.ordinal for each in (first, second, third)] == [1, 2, 3]


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_raise_nothing_and_none_vanish(chunk: bytes) -> None:
    lines = decode(chunk)
    assert all(isinstance(line, (Line, Unreadable)) for line in lines)
    assert bool(lines) or not chunk.strip()


@given(st.recursive(st.none() | st.text() | st.integers() | st.booleans(), st.lists))
def test_ordinary_values_are_present(value: object) -> None:
    assert not is_absent(value)

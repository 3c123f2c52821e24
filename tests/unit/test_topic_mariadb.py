"""MariaDB's transactions in a topic: none lost, doubled or cut, wherever its connector is killed and goes on."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.binlog import binlog_log
from cdc.capture import checkpoint_behind
from cdc.change import Broken, Change, Checkpoint, Position, Transaction
from cdc.topic import Bounds, Loss, Place, Record, Topic
from cdc.transactions import TEARS

Value = dict[str, object]
SNAPSHOT_AT = 100
SKIPPED: Value = {"aggregate_type": "Initial Snapshot", "type": "SKIPPED", "id": "n2"}


def source(pos: int, row: int = 0) -> Value:
    return {"db": "wms", "table": "item", "ts_us": 1, "file": "binlog.000003", "pos": pos, "row": row}


class Said(NamedTuple):
    """One record of the log as the connector says it: of which transaction, and which of its rows, if it is one."""

    number: int
    ident: int | None
    value: Value


def begin(number: int) -> Value:
    return {"status": "BEGIN", "id": f"0-7-{number}"}


def end(number: int, count: int) -> Value:
    return {"status": "END", "id": f"0-7-{number}", "event_count": count}


def row(number: int, ident: int) -> Value:
    """Two rows in each event of the log."""
    place = source(number * 1000 + 10 * (ident % 100 // 2), ident % 2)
    return {"op": "c", "after": {"id": ident}, "source": place, "transaction": {"id": f"0-7-{number}"}}


def said(number: int, count: int) -> list[Said]:
    """A transaction as a whole; its rows are 100 × number, …"""
    idents = range(number * 100, number * 100 + count)
    rows = [Said(number, ident, row(number, ident)) for ident in idents]
    return [Said(number, None, begin(number)), *rows, Said(number, None, end(number, count))]


def snapshot(*idents: int) -> list[Value]:
    rows: list[Value] = [{"op": "r", "after": {"id": each}, "source": source(SNAPSHOT_AT)} for each in idents]
    started = {"aggregate_type": "Initial Snapshot", "type": "STARTED", "id": "n0"}
    return [started, *rows, {"aggregate_type": "Initial Snapshot", "type": "COMPLETED", "id": "n1"}]


def resumed(log: Sequence[Said], place: int) -> Iterator[tuple[int, Value]]:
    """What the connector says, and where that is in the log, when it stored the offset of the record there.

    In the middle of a transaction this begins once more, without the rows up to there, and ends with a count of the
    rest; so it does even where its END was the last.
    """
    number = log[place].number if place >= 0 else 0
    begun = next((at for at, each in enumerate(log) if each.number == number), 0)
    rest = [at for at in range(begun, len(log)) if log[at].ident is None or at > place]
    left = sum(log[at].number == number and log[at].ident is not None for at in rest)
    for at in rest:
        ends = log[at].number == number and log[at].value["status"] == "END" if log[at].ident is None else False
        yield at, end(number, left) if ends else log[at].value


def topic_of(values: Sequence[Value]) -> list[Record]:
    return [Record(offset, b'{"id":1}', msgspec.json.encode(value)) for offset, value in enumerate(values)]


def opened(records: Sequence[Record], checkpoint: Checkpoint | None = None) -> Topic:
    return Topic("west", checkpoint, Bounds(0, len(records)), frozenset())


def reading(topic: Topic, records: Sequence[Record]) -> Iterator[Transaction]:
    while topic.offset < len(records):
        yield from topic.feed([records[topic.offset]])


def read(values: Sequence[Value]) -> tuple[list[Transaction], Topic]:
    records = topic_of(values)
    topic = opened(records)
    return list(reading(topic, records)), topic


def rows(found: Sequence[Transaction]) -> list[tuple[int, Position]]:
    changes = [each for each in chain.from_iterable(each.changes for each in found) if isinstance(each, Change)]
    return [(each.after["id"], each.position) for each in changes if each.after]


def behind(log: Sequence[Said], loss: Loss) -> int:
    """The record of the END behind which that place is, where a mender has the connector go on."""
    ends = [at for at, each in enumerate(log) if each.ident is None and each.value["status"] == "END"]
    places = {f"0-7-{log[at].number}": at for at in ends}
    return places[loss.gtid] if loss.gtid else -1


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.data())
def test_kills_anywhere_lose_double_and_cut_nothing(counts: list[int], data: st.DataObject) -> None:
    log = [*chain.from_iterable(said(number, count) for number, count in enumerate(counts, 1))]
    values, stored = snapshot(1, 2), -1
    clean = rows(read([*values, *(each.value for each in log)])[0])
    for session in range(data.draw(st.integers(0, 4), label="kills")):
        spoken = [*resumed(log, stored)][: data.draw(st.integers(0, len(log)), label="records")]
        values += [*([SKIPPED] if session else []), *(value for _, value in spoken)]
        reached = max((at for at, _ in spoken), default=stored)
        stored = data.draw(st.integers(min(stored, reached), reached), label="stored")
    values += [SKIPPED, *(value for _, value in resumed(log, stored))]
    found, topic = read(values)
    if topic.loss:
        # Whoever mends has all said again behind the last transaction that is believed.
        assert topic.loss.behind == topic.last.log
        again = behind(log, topic.loss)
        values += [SKIPPED, *(each.value for each in log[again + 1 :])]
        found, topic = read(values)
    assert topic.loss is None
    assert rows(found) == clean
    assert [each.position for each in found] == sorted({each.position for each in found})


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.data())
def test_whoever_reads_on_behind_a_checkpoint_gets_the_rest(counts: list[int], data: st.DataObject) -> None:
    log = chain.from_iterable(said(number, count) for number, count in enumerate(counts, 1))
    records = topic_of([*snapshot(1), *(each.value for each in log)])
    whole = list(reading(opened(records), records))
    done = data.draw(st.integers(1, len(whole)))
    topic = opened(records, checkpoint_behind(whole[done - 1]))
    assert whole[:done] + list(reading(topic, records)) == whole
    assert topic.loss is None


def test_the_rest_of_a_torn_transaction_is_not_taken_for_the_whole() -> None:
    """It has a BEGIN, and END counts what is left of it."""
    log = [*said(1, 2), *said(2, 4)]
    torn = [*snapshot(1), *(each.value for each in log[:7]), SKIPPED]
    found, topic = read([*torn, *(value for _, value in resumed(log, 5))])
    assert [ident for ident, _ in rows(found)] == [1, 100, 101]
    place = binlog_log("binlog.000003", 1000)
    assert topic.loss == Loss("its connector left out the first rows of transaction 0-7-2", place, "0-7-1")
    found, topic = read([*torn, *(value for _, value in resumed(log, 3))])
    assert [ident for ident, _ in rows(found)] == [1, 100, 101, 200, 201, 202, 203]
    assert topic.loss is None


def test_a_transaction_that_never_ends_is_a_loss() -> None:
    """It has to come again, before what followed it."""
    log = [*said(1, 1), *said(2, 2), *said(3, 1)]
    values = [*snapshot(1), *(each.value for each in [*log[:5], *log[7:]])]
    found, topic = read(values)
    assert [ident for ident, _ in rows(found)] == [1, 100]
    assert topic.loss
    assert topic.loss.gtid == "0-7-1"
    found, topic = read([*values, SKIPPED, *(each.value for each in log[3:])])
    assert [ident for ident, _ in rows(found)] == [1, 100, 200, 201, 300]


def test_one_that_never_ends_is_read_anew() -> None:
    """As one in two phases, whose rows are said when it is prepared: however often its topic is filled again."""
    never = [begin(2), row(2, 200), begin(3)]
    values, reason = [*snapshot(1), *(each.value for each in said(1, 1)), *never], "0-7-2 never ended: 0-7-3 began"
    for _ in range(TEARS - 1):
        topic = read(values)[1]
        assert topic.loss == Loss(f"transaction {reason}", topic.last.log, "0-7-1")
        values += [SKIPPED, *never]
    assert read(values)[1].loss == Loss(f"transaction {reason}", None)


def test_an_alter_at_the_end_is_nothing_torn() -> None:
    """It has a BEGIN alone; whatever the connector begins with next is whole."""
    found, topic = read([*snapshot(1), begin(1), SKIPPED, *(each.value for each in said(2, 1))])
    assert [ident for ident, _ in rows(found)] == [1, 200]
    assert topic.loss is None


def test_what_has_no_row_lies_right_behind_what_has() -> None:
    """So a checkpoint moves on while only others write, and what comes again is known."""
    others = [*said(2, 0), *said(3, 0)]
    log = [*said(1, 2), *others, *said(4, 1)]
    found, _ = read([*snapshot(1), *(each.value for each in log)])
    places = [each.position for each in found[1:]]
    first = Position(1, binlog_log("binlog.000003", 1000), 2)
    assert places == [first, first._replace(ordinal=3), first._replace(ordinal=4), places[3]]
    assert places[3] > places[2]
    resume = msgspec.json.decode(found[3].resume or b"", type=Place)
    assert (resume.end, resume.gtid) == ("0-7-3", "0-7-1")


def test_a_row_that_cannot_be_read_has_a_place_of_its_own() -> None:
    values = [*snapshot(1), *(each.value for each in said(1, 2)), begin(2), {}, end(2, 1)]
    records = topic_of(values)
    records[-2] = Record(len(records) - 2, None, b"no json")
    [*_, before, last] = list(reading(opened(records), records))
    assert isinstance(last.changes[0], Broken)
    assert before.position < last.changes[0].position == last.position


@pytest.mark.parametrize("other", ["0-7-9", "0-8-1"])
def test_another_topic_than_the_checkpoint_knows_is_told_by_the_gtid(other: str) -> None:
    records = topic_of([*snapshot(1), *(each.value for each in said(1, 1))])
    [*_, last] = list(reading(opened(records), records))
    values = [*snapshot(1), *[each.value for each in said(1, 1)][:-1], {**end(1, 1), "id": other}]
    topic = opened(topic_of(values), checkpoint_behind(last))
    list(topic.feed([topic_of(values)[topic.offset]]))
    assert topic.loss
    assert topic.loss.behind is None

"""When a table is full, what a meter says, and what becomes of it."""

from datetime import UTC, datetime

import pytest

from bench.meter import RATE, Meter
from bench.project import (
    BROKER,
    CONNECT,
    DOES,
    JDBC,
    OURS,
    POSTGRES,
    PYTHON,
    READING,
    REPLICATION,
    WORK,
    cases,
    in_turn,
)
from bench.sinks import sink_config
from bench.topics import TABLES, ends
from cdc.change import Change, Op, Position

AT = datetime(2026, 6, 1, tzinfo=UTC)


def change(place: int, op: Op, key: int, table: str = "public.item") -> Change:
    row = None if op is Op.DELETE else {"id": key, "place": place}
    return Change("erp", table, op, {"id": key}, None, row, Position(1, 1, place), "1", AT, AT)


def test_a_table_ends_with_its_last_change() -> None:
    changes = [change(1, Op.CREATE, 1), change(2, Op.CREATE, 2, "public.other"), change(3, Op.UPDATE, 1)]
    assert ends(changes) == {"public.item": [changes[2]], "public.other": [changes[1]]}


def test_one_that_ends_with_a_deletion_ends_with_its_last_row_too() -> None:
    changes = [
        change(1, Op.CREATE, 1),
        change(2, Op.CREATE, 2),
        change(3, Op.UPDATE, 1),
        change(4, Op.CREATE, 3),
        change(5, Op.DELETE, 3),
        change(6, Op.DELETE, 4),
    ]
    assert ends(changes) == {"public.item": [changes[5], changes[2]]}
    assert ends([change(1, Op.CREATE, 1), last := change(2, Op.DELETE, 1)]) == {"public.item": [last]}


def test_a_meter_tells_the_rate_and_the_cost_of_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    now, used = iter((10.0, 12.0)), iter((1.0, 1.5))
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    meter = Meter({"Postgres": lambda: next(used)})
    meter.begin()
    assert meter.end(1000) == {RATE: 500, "Postgres": 500}


def test_costs_are_of_those_that_work_for_one() -> None:
    used = {RATE: 100.0, PYTHON: 1.0, CONNECT: 2.0, BROKER: 4.0, POSTGRES: 8.0}
    found = {each.case: each for each in cases(7, {name: [used] for name in DOES})}
    assert found["7 changes"].ratios[JDBC].median == 1
    assert found["CPU of Milepost"].peers == {READING: 1}
    assert found["CPU of Connect, JDBC sink"].ours == 2
    assert found["CPU of all"].ours == 13
    assert (found["CPU of all"].peers[JDBC], found["CPU of all"].peers[REPLICATION]) == (14, 8)


def test_another_one_is_first_in_each_round() -> None:
    firsts = [in_turn(number)[0][0] for number in range(len(WORK))]
    assert sorted(firsts) == sorted(WORK)
    assert firsts[0] == OURS
    assert all(sorted(name for name, _ in in_turn(number)) == sorted(WORK) for number in range(3))


def test_the_sink_is_told_where_and_what() -> None:
    dsn = "postgresql://owner:secret@127.0.0.1:5432/target"
    found = sink_config(dsn, ["sink.json", "tuned.json"])
    assert found["connection.url"] == "jdbc:postgresql://127.0.0.1:5432/target?reWriteBatchedInserts=true"
    assert (found["connection.username"], found["connection.password"]) == ("owner", "secret")
    assert found["topics"].split(",") == list(TABLES)
    assert sink_config(dsn, ["sink.json"])["connection.url"] == "jdbc:postgresql://127.0.0.1:5432/target"

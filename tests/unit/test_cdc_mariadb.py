"""MariaDB's places and transactions, without a server: lines as its connector writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.binlog import binlog_file, binlog_log
from cdc.capture import Capture, checkpoint_behind
from cdc.change import Change, Checkpoint, Snapshot, Transaction
from cdc.envelope import Line, Unreadable, decode
from cdc.mariadb.connector import properties
from cdc.mariadb.database import MariaDatabase
from cdc.resume import Anew, Continue, Identity
from cdc.transactions import TornError
from orders.errors import StartError
from tests.controls.west import items

WEST = items("mariadb://u%40x:p%2Fw@h:3307/w%20ms", "postgresql://m:p%2Fw@g:5433/graph?sslmode=require")
STORE = Path("store")
HERE = Identity("mariadb 7", 1)


def offset(file: int, pos: int, **more: object) -> dict[str, object]:
    return {"file": f"binlog.{file:06}", "pos": pos, "gtids": "0-7-1", **more}


def row(ident: int, gtid: str | None, file: int, pos: int) -> list[Any]:
    value = {
        "before": None,
        "after": {"id": ident},
        "source": {"db": "wms", "table": "item", "ts_us": 1_000_000, "file": f"binlog.{file:06}", "pos": pos},
        "op": "c" if gtid else "r",
        "ts_us": 2_000_000,
        "transaction": {"id": gtid} if gtid else None,
    }
    return [{"id": ident}, value]


def begin(gtid: str, place: dict[str, object]) -> list[Any]:
    return [{"id": gtid}, {"status": "BEGIN", "id": gtid}, place]


def end(gtid: str, rows: int, place: dict[str, object]) -> list[Any]:
    return [{"id": gtid}, {"status": "END", "id": gtid, "event_count": rows}, {**place, "event": rows + 2}]


def written(gtid: str, file: int, pos: int, *idents: int) -> list[list[Any]]:
    """A transaction that begins there."""
    place = offset(file, pos)
    return [begin(gtid, place), *(row(ident, gtid, file, pos + 150) for ident in idents), end(gtid, len(idents), place)]


def snapshot(file: int, pos: int, *idents: int) -> list[list[Any]]:
    done = [{"id": "n"}, {"id": "n", "aggregate_type": "Initial Snapshot", "type": "COMPLETED"}, offset(file, pos)]
    return [*(row(ident, None, file, pos) for ident in idents), done]


def lines(*values: list[Any]) -> list[Line | Unreadable]:
    return decode(b"\n".join(msgspec.json.encode(value) for value in values))


def taken(capture: Capture, *values: list[Any]) -> list[Transaction]:
    return capture.take(0, lines(*values))[0]


def begun(decision: Continue | Anew, checkpoint: Checkpoint | None = None) -> Capture:
    capture = Capture(WEST, checkpoint)
    capture.begin(1, decision, HERE)
    return capture


@given(st.lists(st.tuples(st.integers(1, 2**30), st.integers(4, 2**32 - 1)), max_size=20))
def test_places_are_ordered_as_the_log_is(places: list[tuple[int, int]]) -> None:
    logs = [binlog_log(f"any.name.{file:06}", pos) for file, pos in places]
    assert [binlog_file(log) for log in logs] == places
    assert [binlog_file(log) for log in sorted(logs)] == sorted(places)


def test_what_follows_right_behind_the_snapshot_is_not_taken_for_a_part_of_it() -> None:
    """The first transaction begins where the snapshot was taken, and has fewer rows."""
    found = taken(begun(Anew("first")), *snapshot(1, 400, 1, 2, 3), *written("0-7-2", 1, 400, 4))
    assert [each.snapshot for each in found] == [Snapshot.LAST, Snapshot.NO]
    assert found[0].position < found[1].position
    assert [change.key for change in found[1].changes if isinstance(change, Change)] == [{"id": 4}]


def test_positions_rise_over_files() -> None:
    found = taken(
        begun(Anew("first")), *snapshot(1, 400), *written("0-7-2", 1, 90_000, 4, 5), *written("0-7-3", 2, 300, 6)
    )
    assert sorted(each.position for each in found) == [each.position for each in found]
    assert len({each.position for each in found}) == 3


def test_an_alter_begins_and_never_ends() -> None:
    found = taken(begun(Anew("first")), *snapshot(1, 400), begin("0-7-2", offset(1, 400)), *written("0-7-3", 1, 500, 4))
    assert [len(each.changes) for each in found] == [0, 1]


def test_rows_without_an_end_are_torn_unless_they_come_again() -> None:
    """The reader of the log connects anew by itself."""
    whole = written("0-7-2", 1, 400, 4, 5)
    [_, again] = taken(begun(Anew("first")), *snapshot(1, 400), *whole[:2], *whole)
    assert len(again.changes) == 2
    with pytest.raises(TornError, match="0-7-2 never ended: 0-7-3 began"):
        taken(begun(Anew("first")), *snapshot(1, 400), *whole[:2], *written("0-7-3", 1, 900, 6))


@pytest.mark.parametrize("idents", [(), (4,), (4, 5)])
def test_a_transaction_that_comes_again_without_its_rows_is_nothing_new(idents: Sequence[int]) -> None:
    """As it does where the engine goes on from the offset of its END; the batch is answered nevertheless."""
    [_, last] = taken(begun(Anew("first")), *snapshot(1, 400), *written("0-7-2", 1, 400, *idents))
    checkpoint = checkpoint_behind(last)
    capture = begun(Continue(b""), checkpoint)
    fresh, answer = capture.take(0, lines(*written("0-7-2", 1, 400)))
    assert fresh == []
    assert answer
    assert [len(each.changes) for each in taken(capture, *written("0-7-3", 1, 500, 6))] == [1]


def test_the_engine_is_told_where_and_what() -> None:
    told = properties(WEST, STORE, snapshot=True)
    assert (told["database.hostname"], told["database.port"]) == ("h", "3307")
    assert (told["database.user"], told["database.password"]) == ("u@x", "p/w")
    assert told["table.include.list"] == r"w\ ms\.item"
    history = "schema.history.internal.jdbc"
    assert told[f"{history}.connection.url"] == "jdbc:postgresql://g:5433/graph?currentSchema=capture&sslmode=require"
    assert (told[f"{history}.connection.user"], told[f"{history}.connection.password"]) == ("m", "p/w")
    assert told[f"{history}.table.name"] == "schema_history_west"
    assert told["snapshot.mode"] == "initial"
    assert properties(WEST, STORE, snapshot=False)["snapshot.mode"] == "no_data"


def test_the_number_as_a_replica_can_be_chosen() -> None:
    assert WEST.server_id == items("mariadb://u@other/db", WEST.history).server_id
    assert items("mariadb://u@h/db?server_id=77", WEST.history).server_id == 77


@pytest.mark.parametrize(
    ("name", "dsn", "tables"),
    [
        ("West", "mariadb://u@h/db", ("item",)),
        ("west", "mysql://u@h/db", ("item",)),
        ("west", "mariadb://u@h", ("item",)),
        ("west", "mariadb://u@h/db", ()),
        ("west", "mariadb://u@h/db", ("db.item",)),
    ],
)
def test_what_cannot_be_captured_is_said(name: str, dsn: str, tables: tuple[str, ...]) -> None:
    with pytest.raises(StartError):
        MariaDatabase(name, dsn, tables, WEST.history)

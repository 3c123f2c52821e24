"""The small parts of capture: settings, frames, class path, accounts of crashes, and the twin for tests."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from cdc import jvm
from cdc.change import Checkpoint, Position, Transaction
from cdc.connector import properties
from cdc.crashes import KEPT, account, option
from cdc.database import CapturedDatabase
from cdc.frames import HEADER_SIZE, Ack, Command, Header, Kind, Start, Stop, pack, unpack
from cdc.memory import MemorySource
from orders.errors import StartError

STORE = Path("store")
ERP = CapturedDatabase(
    "erp", "postgresql://u%40x:p%2Fw@h:5433/e%20rp?sslmode=require", ("public.a", "odd$.b"), heartbeat=2
)


def test_the_engine_is_told_where_and_what() -> None:
    told = properties(ERP, STORE, snapshot=True)
    assert (told["database.hostname"], told["database.port"], told["database.dbname"]) == ("h", "5433", "e rp")
    assert (told["database.user"], told["database.password"], told["database.sslmode"]) == ("u@x", "p/w", "require")
    assert told["table.include.list"] == r"public\.a,odd\$\.b"
    assert (told["slot.name"], told["publication.name"]) == ("milepost_erp", "milepost_erp")
    assert told["heartbeat.interval.ms"] == "2000"


@pytest.mark.parametrize(("snapshot", "mode"), [(True, "initial"), (False, "no_data")])
def test_the_crash_recipe_is_followed(snapshot: bool, mode: str) -> None:
    told = properties(ERP, STORE, snapshot=snapshot)
    assert told["snapshot.mode"] == mode
    assert told["lsn.flush.mode"] == "connector"
    assert told["offset.flush.interval.ms"] == "0"
    assert told["provide.transaction.metadata"] == "true"


def test_frames_survive_the_wire() -> None:
    header = Header(Kind.BATCH, 4_000_000_000, 2**60, 4_000_000_000)
    assert unpack(pack(header)) == header
    assert len(pack(header)) == HEADER_SIZE


@pytest.mark.parametrize("command", [Start(1, "erp", {"a": "b"}, None), Ack(1, 2, None), Ack(1, 2, 0), Stop(3)])
def test_commands_survive_the_wire(command: Command) -> None:
    line = msgspec.json.encode(command)
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=Command) == command


def test_the_class_path_is_short_and_complete() -> None:
    jars = jvm.class_path()
    assert len(jars) == 26
    assert all(jar.is_file() for jar in jars)


def test_a_missing_jar_is_named(tmp_path: Path) -> None:
    for name in ("debezium-api-3.6.3.Final.jar", "debezium-api-more-1.jar"):
        (tmp_path / name).touch()
    assert [jar.name for jar in jvm.find_jars(tmp_path, ["debezium-api"])] == ["debezium-api-3.6.3.Final.jar"]
    with pytest.raises(StartError, match="lacks the jars slf4j-api, connect-api"):
        jvm.find_jars(tmp_path, ["slf4j-api", "debezium-api", "connect-api"])


def test_the_latest_accounts_of_crashes_stay_and_nothing_else_goes(tmp_path: Path) -> None:
    logs = tmp_path / "log"
    written = []
    for number in range(KEPT + 2):
        written.append(account(logs, "mariadb" if number % 2 else "postgres"))
        written[-1].touch()
        os.utime(written[-1], (number, number))
        (logs / "projector.log").touch()
    assert account(logs, "postgres") not in written
    assert {*logs.iterdir()} == {logs / "projector.log", *written[-KEPT + 1 :]}


def test_java_takes_the_path_of_its_account_as_it_is(tmp_path: Path) -> None:
    """It would put its process's number in place of a %p."""
    assert option(tmp_path / "100%pure" / "java.log") == f"-XX:ErrorFile={tmp_path}/100%%pure/java.log"


def committed(logs: Iterable[int]) -> list[Transaction]:
    return [Transaction("erp", (), Position(1, log, 0), b"{}", 0) for log in logs]


async def test_memory_hands_out_what_lies_behind_the_checkpoints() -> None:
    source = MemorySource(committed(range(5)), batch=2)
    at_two = Checkpoint("erp", Position(1, 2, 0), None)
    async with source.open({}) as batches:
        assert [len(batch) async for batch in batches] == [2, 2, 1]
    async with source.open({"erp": at_two}) as batches:
        assert [each.position.log async for batch in batches for each in batch] == [3, 4]


async def test_memory_can_be_asked_what_was_processed() -> None:
    source = MemorySource(committed(range(2)))
    source.add(*committed([7]))
    await source.processed([Checkpoint("erp", Position(1, 1, 0), None), Checkpoint("east", Position(3, 1, 0), None)])
    assert source.processed_up_to == {"erp": Position(1, 1, 0), "east": Position(3, 1, 0)}
    async with source.open({}) as batches:
        assert [each.position.log async for batch in batches for each in batch] == [0, 1, 7]

"""What the command says when something is wrong: one line that tells what, where and what to do, and exit code 2."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest
from msgspec import structs

from app import cli
from app.cli import common
from app.cli.failing import line_of
from app.cli.ledger import do
from app.keys import ensure_keys
from app.processes import record
from app.rebuilding import Rebuilt
from app.settings import KafkaConfig, Settings, SourceSettings
from app.statuses import SourceState, Status, source_line
from orders.errors import RejectedError
from orders.outages import reason
from projections.rebuild.report import Shown
from tests.controls.connecting import written
from tests.controls.milepost import MILEPOST

CANARY = "s3cret"
QUERY = "{ orders { nodes { id } } }"
OVER_GRAPH = [
    ["verify"],
    ["rebuild"],
    ["rebuild", "--dry-run"],
    ["rebuild", "--drop-old"],
    ["rebuild", "--snapshot", "erp"],
    ["rebuild", "--order", "1042"],
    ["snapshot", "erp"],
    ["deadletters", "list"],
    ["deadletters", "show", "1"],
    ["deadletters", "replay", "1"],
    ["deadletters", "discard", "1", "--note", "why"],
    ["ledger", "list"],
    ["ledger", "prune", "--older-than", "1d"],
    ["ledger", "export", "--to", "old"],
    ["explain", QUERY, "--analyze"],
]

WAITS = """
import asyncio, signal, threading
from app.cli.common import finish, say
async def main():
    say("waits")
    try:
        await asyncio.Event().wait()
    finally:
        say("tidied up")
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
finish(main)
"""


class Said:
    """What a command said, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: object) -> None:
        with pytest.raises(SystemExit) as ended:
            cli.app([str(word) for word in words])
        self.code = ended.value.code
        self.out, self.err = capsys.readouterr()


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A data folder whose databases are all away."""
    (tmp_path / "run").mkdir()
    postgres = f"postgresql://capture:{CANARY}@127.0.0.1:1"
    sources = (
        SourceSettings("erp", "erp_legacy", f"{postgres}/erp"),
        SourceSettings("west", "wms_west", f"mariadb://capture:{CANARY}@127.0.0.1:1/west"),
    )
    Settings(tmp_path, f"{postgres}/milepost", f"{postgres}/milepost", "127.0.0.1", 8000, sources).save()
    return tmp_path


@pytest.mark.parametrize("words", OVER_GRAPH, ids=" ".join)
def test_a_graph_that_is_away(words: Sequence[str], away: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, *words, "--data", away)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    away_is = "the graph's Postgres at 127.0.0.1:1/milepost does not answer: connection refused"
    assert said.err.startswith(f"milepost: {away_is}; ")
    assert said.err.endswith(f"; nothing of Milepost runs in {away}: start it there\n")
    assert CANARY not in said.err


@pytest.mark.parametrize("words", [*OVER_GRAPH, ["sources"]], ids=" ".join)
def test_a_folder_that_nothing_was_started_in(
    words: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Said(capsys, *words, "--data", tmp_path)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith(
        f"milepost: nothing was ever started in {tmp_path}: name the right folder by --data DIR "
    )


def test_settings_that_are_torn(away: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (away / "run" / "settings.json").write_text("{")
    said = Said(capsys, "verify", "--data", away)
    torn = f"cannot read {away / 'run' / 'settings.json'} (Input data was truncated): `milepost up` writes it anew"
    assert (said.code, said.out, said.err) == (2, "", f"milepost: {torn}\n")


def test_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "status", "--data", tmp_path)
    right = "and nothing ever was: name the right folder by --data DIR or --demo"
    assert (said.code, said.out) == (1, f"nothing runs in {tmp_path}, {right}\n")
    (tmp_path / "format").touch()
    said = Said(capsys, "status", "--data", tmp_path)
    assert (said.code, said.out) == (1, f"nothing runs in {tmp_path}\n")


def test_sources_that_are_away_are_told_one_by_one(away: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "sources", "--data", away)
    assert (said.code, said.err) == (1, "")
    _, erp, west = said.out.splitlines()
    assert "source erp (127.0.0.1:1/erp): connection refused; no projector captures it: see what runs" in erp
    assert "source west (127.0.0.1:1/west): " in west
    assert CANARY not in said.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--drop-old --dry-run", "nothing can tell beforehand what comes of --drop-old: leave out --dry-run"),
        ("--snapshot erp --dry-run", "nothing can tell beforehand what comes of --snapshot: leave out --dry-run"),
        ("--snapshot erp --drop-old", "--drop-old and --snapshot are different things: ask for one at a time"),
        ("--order 1 --snapshot erp", "--snapshot and --order or --table are different things: ask for one at a time"),
    ],
)
def test_what_contradicts_itself_does_nothing(
    words: str, complaint: str, away: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Said(capsys, "rebuild", *words.split(), "--data", away)
    assert (said.code, said.err) == (2, f"milepost: {complaint}\n")


@pytest.mark.parametrize(
    "words",
    [
        "demo --rate 0",
        "demo --orders 0",
        "soak --every 0",
        "soak --minutes -1",
        "token --days 0",
        "up --port 70000",
        "rebuild --workers -1",
    ],
)
def test_a_number_that_cannot_be(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, *words.split(), "--data", tmp_path)
    assert said.code == 2
    assert "Must be" in said.err
    assert not [*tmp_path.iterdir()]


def test_a_rebuild_that_leaves_something_to_be_done(away: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def ask(settings: Settings) -> Rebuilt:
        return Rebuilt(True, 9, 1, 1, 1, {}, ["order erp/7"], [Shown("7", [])])

    for json, says in ((False, "nothing can be derived of order erp/7"), (True, '"underivable":["order erp/7"]')):
        with pytest.raises(SystemExit) as ended:
            do(away, False, json, ask)
        assert (ended.value.code, says in capsys.readouterr().out) == (1, True)


def test_a_kafka_connect_that_is_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kafka = KafkaConfig("127.0.0.1:1", connect="http://127.0.0.1:1")
    config = written(tmp_path, kafka, SourceSettings("erp", "erp_legacy", "postgresql://capture:x@127.0.0.1:1/erp"))
    said = Said(capsys, "connect", "status", "--config", config)
    why = "connection refused; start it, or correct `connect` in [kafka]"
    assert (said.code, said.out) == (2, "")
    assert said.err == f"milepost: cannot reach Kafka Connect at http://127.0.0.1:1: {why}\n"


def test_what_is_neither_query_nor_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "explain", tmp_path / "orders.graphql")
    complaint = f"{tmp_path / 'orders.graphql'} is no query, and no file that can be read: No such file or directory"
    assert (said.code, said.err) == (2, f"milepost: {complaint}\n")


def test_one_error_of_several_tasks_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails() -> None:
        raise RejectedError("so not")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())

    with pytest.raises(SystemExit) as ended:
        common.finish(main)
    assert (ended.value.code, capsys.readouterr().err) == (2, "milepost: so not\n")


def test_a_fault_of_ours_keeps_its_traceback(tmp_path: Path) -> None:
    assert line_of(KeyError("x"), tmp_path) is None


def test_a_graph_that_answers_and_refuses(away: Path) -> None:
    said = line_of(asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT\nmore"), away)
    assert said is not None
    assert said.startswith("the graph's Postgres at 127.0.0.1:1/milepost refuses: cannot execute INSERT; ")


def test_a_graph_that_is_silent(away: Path) -> None:
    said = line_of(TimeoutError(), away)
    assert said is not None
    assert said.startswith("the graph's Postgres at 127.0.0.1:1/milepost does not answer in time; ")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--role bogus", "there is no role bogus; there are admin, "),
        ("--role customer", "the role customer needs --scope: customers' numbers"),
        ("--role partner", "the role partner needs --scope: names of sources"),
        ("--role admin --scope C1", "the role admin sees everything and takes no --scope"),
    ],
)
def test_a_role_that_cannot_be(words: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["token"], ["explain", QUERY]):
        said = Said(capsys, *command, *words.split(), "--data", tmp_path)
        assert (said.code, said.err.count("\n")) == (2, 1)
        assert said.err.startswith(f"milepost: {complaint}")


def test_a_partner_that_is_no_source(away: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ensure_keys(away)
    words = ["token", "--data", away, "--role", "partner", "--scope", "west"]
    said = Said(capsys, *words, "--scope", "esat")
    assert (said.code, said.out, said.err) == (2, "", "milepost: there is no source esat: name one of erp, west\n")
    said = Said(capsys, *words)
    assert (said.code, said.out.count("."), said.err) == (0, 2, "")


def test_a_query_that_is_wrong_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "explain", "{ nope }")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert said.err.endswith("(line 1, column 3)\n")


def test_a_supervisor_that_died_is_down(away: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(away / "run", "gateway", os.getpid(), away / "log" / "gateway.log", "http://127.0.0.1:8000/graphql")
    said = Said(capsys, "status", "--data", away)
    assert (said.code, said.err) == (1, "")
    _, supervisor, gateway, sources = said.out.splitlines()
    assert supervisor == "supervisor down"
    assert f"pid {os.getpid()}" in gateway
    assert sources.startswith("sources    unknown: ")


def test_how_old_the_news_of_a_source_are() -> None:
    fresh = SourceState("erp", "streaming", None, 0, 0, 0, 7, "1/0/8/1", 0.4)
    assert source_line(fresh) == "erp        streaming, 7 changes seen, at 1/0/8/1, lag 0 changes, 0 bytes, 0 s"
    assert "streaming, as it was 12 s ago, 7 changes" in source_line(structs.replace(fresh, silent_seconds=12))
    silent = structs.replace(fresh, silent_seconds=30)
    assert "streaming, as it was 30 s ago: no projector has looked since, 7 changes" in source_line(silent)
    assert not Status("", [], [silent]).well


def test_a_file_that_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory") as refused:
        tmp_path.read_text()
    assert line_of(refused.value, tmp_path) == f"{tmp_path}: Is a directory"
    denied = PermissionError(errno.EACCES, "Permission denied", "/var/lib/milepost/run")
    assert line_of(denied, None) == "/var/lib/milepost/run: Permission denied: run it as the user who owns that"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TimeoutError(), "no answer in time"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"), "connection refused"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 111] …"), "connection refused"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "No route to host"),
        (FileNotFoundError(errno.ENOENT, "No such file", "ca.pem"), "ca.pem: No such file"),
        (asyncpg.PostgresError("cannot\nDETAIL: more"), "cannot"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
    ids=["silent", "refused", "refused twice", "away", "file", "postgres", "bare"],
)
def test_why_a_database_is_away(error: Exception, says: str) -> None:
    assert reason(error) == says


def test_whoever_reads_us_may_stop_reading(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [*MILEPOST, "status", "--data", str(tmp_path)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c_while_the_modules_are_read(tmp_path: Path) -> None:
    (tmp_path / "cyclopts.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(MILEPOST, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_does_not_interrupt_the_wait_is_heard(number: signal.Signals) -> None:
    """As one does not that comes just before it; here, since another thread takes it."""
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"waits\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (128 + number, b"tidied up\n", b"")


def test_each_option_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["deadletters"], ["ledger"], ["connect"], ["documents"]):
        for command in commands_of(words):
            said = Said(capsys, *command, "--help")
            assert said.code == 0
            bare = [
                line for line in said.out.splitlines() if line.strip("│ ").startswith("--") and len(line.split()) < 4
            ]
            assert bare == [], command


def commands_of(words: Sequence[str]) -> list[list[str]]:
    found = cli.app
    for word in words:
        found = found[word]
    return [[*words, name] for name in found if not name.startswith("-")]

"""The supervisor with children made for the purpose: restarts them, ends them in order, leaves no orphan."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from app.child import Child
from app.folder import lock_holder
from app.logs import LogPump
from app.postgres import Postgres
from app.processes import end, living, records
from app.pulse import TICK, Pulse
from app.settings import Settings, SourceSettings
from app.status import processes
from app.supervisor import BackOff, Supervisor
from orders.errors import StartError
from tests.controls.files import opened

Eventually = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]

SERVES = """
import signal, sys
from app.children import exit_when_orphaned, ready
exit_when_orphaned()
def end(*_):
    print("ended", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
ready("127.0.0.1:1")
while True:
    signal.pause()
"""
NOTES = """with open(sys.argv[1] + "/ended", "a") as file: file.write("{} ")"""
IGNORES_TERM = """
import signal
from app.children import exit_when_orphaned, ready
signal.signal(signal.SIGTERM, signal.SIG_IGN)
exit_when_orphaned()
ready()
while True:
    signal.pause()
"""
CRASHES = "import sys; sys.exit('the roof fell in')"
SPEAKS_ONCE = """
import sys
from app.children import ready
ready()
sys.exit('ready, then gone')
"""
REFUSES = """
from app.children import run_child
from orders.errors import StartError
async def main():
    print("some noise")
    raise StartError("source erp: mend this")
run_child(main)
"""
HANGS = """
import time
from app.children import ready, run_child
async def main():
    ready()
    while True:
        time.sleep(60)
run_child(main)
"""
SLOW = """
import asyncio, time
from app.children import ready, run_child
async def main():
    ready()
    for _ in range(8):
        time.sleep(0.5)
        await asyncio.sleep(0)
    print("all done", flush=True)
    await asyncio.Event().wait()
run_child(main)
"""
SUPERVISES = """
import asyncio, pathlib, sys
from app.child import Child
from app.postgres import Postgres
from app.supervisor import Supervisor
async def main(data, code):
    async with Supervisor(data, say=print) as supervisor:
        await supervisor.start_postgres(Postgres(data, {"fsync": "off"}))
        await supervisor.start(Child("gateway", (sys.executable, "-c", code, str(data))))
        print(supervisor.banner(), flush=True)
        print("up", flush=True)
        await supervisor.wait()
    print("down", supervisor.stopped.name)
    raise supervisor.early_exit()
asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
"""


def child(folder: Path, name: str, code: str, **options: object) -> Child:
    return Child(name, (sys.executable, "-c", code, str(folder)), **options)  # type: ignore[arg-type]  # pass-through of keywords


async def run(supervisor: Supervisor, *children: Child) -> None:
    async with supervisor:
        await supervisor.start_postgres(Postgres(supervisor.data, {"fsync": "off"}))
        await supervisor.start(*children)


@pytest.fixture
def folder(data: Path) -> Path:
    return opened(data)


@pytest.fixture
def supervised(folder: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Starts a supervisor process over Postgres and one child of the given code; waits until it is up."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-c", SUPERVISES, str(folder), code]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        said = list(iter(process.stdout.readline, "up\n"))
        assert any(line.startswith("Milepost") for line in said), said
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
    for each in alive(folder):
        with contextlib.suppress(psutil.NoSuchProcess):  # what is orphaned ends by itself meanwhile
            each.kill()


def alive(folder: Path) -> list[psutil.Process]:
    """Whatever still runs of this folder: supervisors and children name it, and so does its Postgres."""
    return [each for each in psutil.process_iter() if _belongs(each, folder)]


def _belongs(process: psutil.Process, folder: Path) -> bool:
    try:
        named = any(part.startswith(str(folder)) for part in process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and (named or process.cwd() == str(folder / "postgres"))
    except psutil.Error:
        return False


def test_back_off_doubles_to_ten_seconds_and_forgets_after_a_long_life() -> None:
    back_off = BackOff()
    assert [back_off.after(1) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0]
    assert back_off.after(1) == 10.0
    assert [back_off.after(30), back_off.after(1)] == [0.2, 0.4]


async def test_a_killed_child_is_started_again(folder: Path, eventually: Eventually) -> None:
    said: list[str] = []
    async with Supervisor(folder, say=said.append) as supervisor:
        await supervisor.start(child(folder, "worker", SERVES))
        [first] = records(folder / "run")
        os.kill(first.pid, signal.SIGKILL)

        async def again() -> bool:
            return any(each.pid != first.pid and each.address for each in records(folder / "run"))

        await eventually(again)
    [line] = said
    assert line.startswith(f"worker (pid {first.pid}) was ended by SIGKILL after ")
    assert line.endswith("log/worker.log; starting it again in 0.2 s")
    assert not alive(folder)


async def test_a_killed_postgres_is_started_again_at_its_port(folder: Path, eventually: Eventually) -> None:
    said: list[str] = []
    postgres = Postgres(folder, {"fsync": "off"})
    async with Supervisor(folder, say=said.append) as supervisor:
        await supervisor.start_postgres(postgres)
        first, port = postgres.pid, postgres.port
        assert first
        os.kill(first, signal.SIGKILL)

        async def again() -> bool:
            return records(folder / "run")[0].pid not in (first, None)

        await eventually(again)
        assert postgres.port == port
    assert said[0].startswith("postgres was ended by SIGKILL")
    assert not alive(folder)


async def test_children_follow_a_postgres_that_had_to_move(folder: Path, eventually: Eventually) -> None:
    moved: list[int] = []

    async def note() -> None:
        moved.append(postgres.port)

    postgres = Postgres(folder, {"fsync": "off"})
    async with Supervisor(folder, say=lambda _: None, moved=note) as supervisor:
        await supervisor.start_postgres(postgres)
        await supervisor.start(child(folder, "worker", SERVES))
        before = {each.name: each.pid for each in records(folder / "run")}
        await supervisor._follow()

        async def again() -> bool:
            return {each.name: each.pid for each in records(folder / "run") if each.address}.get("worker") not in (
                before["worker"],
                None,
            )

        await eventually(again)
    assert moved == [postgres.port]


async def test_children_are_ended_the_other_way_round(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.supervisor._GRACE", 60.0)
    monkeypatch.setattr("app.supervisor._TURN", 60.0)
    names = ("projector", "worker", "gateway")
    noting = {name: SERVES.replace('print("ended", flush=True)', NOTES.format(name)) for name in names}
    async with Supervisor(folder, say=lambda _: None) as supervisor:
        await supervisor.start(*(child(folder, name, code) for name, code in noting.items()))
    assert (folder / "ended").read_text().split() == ["gateway", "worker", "projector"]


async def test_what_a_child_says_at_its_end_is_in_its_log(folder: Path, eventually: Eventually) -> None:
    log = folder / "log" / "worker.log"

    async def said() -> bool:
        return await asyncio.to_thread(log.read_text) == "ended\n"

    async with Supervisor(folder, say=lambda _: None) as supervisor:
        await supervisor.start(child(folder, "worker", SERVES))
    await eventually(said)


async def test_deaf_children_are_killed_within_five_seconds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what they are given: three seconds in all, and then Postgres has its own."""
    given: list[float] = []

    async def noted(process: "subprocess.Popen[bytes]", steps: Sequence[tuple[signal.Signals, float]]) -> int:
        given.append(sum(seconds for _, seconds in steps))
        return await end(process, steps)

    async with Supervisor(folder, say=lambda _: None) as supervisor:
        await supervisor.start_postgres(Postgres(folder, {"fsync": "off"}))
        await supervisor.start(*(child(folder, name, IGNORES_TERM) for name in ("projector", "worker", "gateway")))
        for place in ("app.child.end", "app.postgres.end"):
            monkeypatch.setattr(place, noted)
    *children, postgres = given
    assert len(children) == 3
    assert max(children) + postgres < 5
    assert not alive(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all(
    folder: Path, supervised: Callable[[str], "subprocess.Popen[str]"], number: signal.Signals
) -> None:
    process = supervised(SERVES)
    assert {each.name for each in processes(folder)} == {"supervisor", "postgres", "gateway"}
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (128 + number, f"down {number.name}\n")
    assert (alive(folder), records(folder / "run"), processes(folder)) == ([], [], [])


async def test_a_signal_during_the_start_ends_all(folder: Path, eventually: Eventually) -> None:
    silent = SERVES.replace('ready("127.0.0.1:1")', 'print("here", flush=True)')
    log = folder / "log" / "gateway.log"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SUPERVISES, str(folder), silent, stdout=subprocess.PIPE
    )

    async def launched() -> bool:
        return await asyncio.to_thread(log.exists) and "here" in await asyncio.to_thread(log.read_text)

    await eventually(launched)
    process.terminate()
    out, _ = await process.communicate()
    assert (process.returncode, out) == (128 + signal.SIGTERM, b"down SIGTERM\n")
    assert (alive(folder), records(folder / "run")) == ([], [])


@pytest.mark.parametrize("code", [SERVES, IGNORES_TERM])
async def test_no_orphan_outlives_a_killed_supervisor(
    folder: Path, supervised: Callable[[str], "subprocess.Popen[str]"], eventually: Eventually, code: str
) -> None:
    process = supervised(code)
    assert len(alive(folder)) > 2
    process.kill()

    async def gone() -> bool:
        return not alive(folder)

    await eventually(gone)


def test_what_was_left_is_ended_at_the_next_start(
    folder: Path, supervised: Callable[[str], "subprocess.Popen[str]"]
) -> None:
    careless = SERVES.replace("exit_when_orphaned()\n", "")
    first = supervised(careless)
    [left] = [each for each in records(folder / "run") if each.name == "gateway"]
    first.kill()
    first.wait()
    assert living(left)
    supervised(SERVES)
    assert not living(left)


def test_a_record_of_a_pid_that_is_another_process_now_harms_nobody(folder: Path) -> None:
    record = f'{{"name":"gateway","pid":{os.getpid()},"created":1.0,"log":""}}'
    (folder / "run" / "gateway.process.json").write_text(record)

    async def enter() -> None:
        async with Supervisor(folder, say=lambda _: None):
            pass

    asyncio.run(enter())
    assert records(folder / "run") == []


async def test_a_start_error_of_a_child_is_its_own_line_and_ends_all(folder: Path) -> None:
    supervisor = Supervisor(folder, say=lambda _: None)
    with pytest.raises(StartError, match=r"^source erp: mend this$"):
        await run(supervisor, child(folder, "worker", SERVES), child(folder, "projector", REFUSES))
    assert (alive(folder), records(folder / "run")) == ([], [])


async def test_a_child_that_never_gets_ready_is_given_up_after_three_tries(folder: Path) -> None:
    with pytest.raises(StartError, match=r"^worker .* with code 1 .*the roof fell in; log .*; it failed 3 times$"):
        async with Supervisor(folder, say=lambda _: None) as supervisor:
            await supervisor.start(child(folder, "worker", CRASHES))
    assert (folder / "log" / "worker.log").read_text().count("the roof fell in") == 3


async def test_a_child_that_is_silent_is_given_up_in_time(folder: Path) -> None:
    silent = SERVES.replace('ready("127.0.0.1:1")', "")
    with pytest.raises(StartError, match=r"^worker is not ready after 0\.5 s: it said nothing; see .*worker\.log$"):
        async with Supervisor(folder, say=lambda _: None) as supervisor:
            await supervisor.start(child(folder, "worker", silent, ready_timeout=0.5))
    assert not alive(folder)


async def test_a_probe_may_say_that_a_child_is_ready(folder: Path) -> None:
    answers = iter([False, False, True])

    async def probe() -> bool:
        return next(answers)

    async with Supervisor(folder, say=lambda _: None) as supervisor:
        await supervisor.start(child(folder, "worker", SERVES, probe=probe))
        assert next(answers, None) is None
        assert "worker" in supervisor.banner()


async def test_a_child_that_dies_after_it_was_ready_is_started_again_and_again(
    folder: Path, eventually: Eventually
) -> None:
    said: list[str] = []

    async def twice() -> bool:
        return len(said) >= 2

    async with Supervisor(folder, say=said.append) as supervisor:
        await supervisor.start(child(folder, "worker", SPEAKS_ONCE))
        await eventually(twice)
    assert all("ready, then gone" in line for line in said)
    assert [line.rsplit(" in ", 1)[1] for line in said[:2]] == ["0.2 s", "0.4 s"]


async def test_a_second_supervisor_is_refused_and_the_first_is_not_harmed(folder: Path) -> None:
    async with Supervisor(folder, say=lambda _: None) as supervisor:
        await supervisor.start(child(folder, "worker", SERVES))
        with pytest.raises(StartError, match=f"in use by process {os.getpid()}: stop it"):
            async with Supervisor(folder, say=lambda _: None):
                pass
        assert [each.name for each in processes(folder) if each.running] == ["supervisor", "worker"]
    assert lock_holder(folder) is None


async def test_status_tells_where_since_when_and_how_much(folder: Path) -> None:
    async with Supervisor(folder, say=lambda _: None) as supervisor:
        await supervisor.start(child(folder, "worker", SERVES))
        _, state = processes(folder)
        assert (state.name, state.address, state.running) == ("worker", "127.0.0.1:1", True)
        assert state.since
        assert abs(state.since.timestamp() - time.time()) < 60
        assert state.memory
        assert 1_000_000 < state.memory < 200_000_000


def test_logs_are_bounded_and_the_last_lines_are_at_hand(data: Path) -> None:
    with subprocess.Popen(["/bin/sh", "-c", "seq 1 1000"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        pump = LogPump(process.stdout, data / "x.log", limit=1000)
        assert pump.tail(10)[-2:] == ["999", "1000"]
    assert (data / "x.log").stat().st_size < 1010
    assert (data / "x.log.1").stat().st_size < 1010


def test_settings_go_to_the_children_and_to_nobody_else(folder: Path) -> None:
    source = SourceSettings("erp", "erp_legacy", "postgresql://u:p@h/erp")
    settings = Settings(folder, "postgresql://o:p@h/g", "postgresql://r:p@h/g", "127.0.0.1", 8000, (source,))
    settings.save()
    assert Settings.load(folder) == settings
    assert (folder / "run" / "settings.json").stat().st_mode & 0o777 == 0o600


async def test_a_child_whose_loop_hangs_is_killed_and_given_more_time(folder: Path, eventually: Eventually) -> None:
    said: list[str] = []

    async def twice() -> bool:
        return len(said) >= 4

    async with Supervisor(folder, say=said.append) as supervisor:
        await supervisor.start(child(folder, "worker", HANGS, patience=1))
        await eventually(twice)
    hung = [line.partition(") ")[2] for line in said[::2]]
    assert hung[:2] == ["has hung for 1 s: it is killed", "has hung for 2 s: it is killed"]
    assert all("was ended by SIGKILL" in line for line in said[1:4:2])


async def test_a_child_that_is_only_slow_is_let_be(folder: Path, eventually: Eventually) -> None:
    said: list[str] = []
    log = folder / "log" / "worker.log"

    async def done() -> bool:
        return "all done" in await asyncio.to_thread(log.read_text)

    async with Supervisor(folder, say=said.append) as supervisor:
        await supervisor.start(child(folder, "worker", SLOW, patience=3))
        await eventually(done)
    assert said == []


async def test_silence_is_counted_in_ticks_of_our_own() -> None:
    """However long one of them takes, as on a machine that was asleep."""
    pulse, ticks = Pulse(), 0

    async def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks in (2, 5):
            os.write(pulse.write, b"...")

    await pulse.stops(4 * TICK, tick)
    assert ticks == 9
    pulse.close()
    os.close(pulse.write)

"""Processes of a data folder: how they are ended, and the records that let the next start find them."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import psutil

from app.folder import write_private

POLL = 0.05


class ProcessRecord(msgspec.Struct, frozen=True):
    """A process that was started here. `created` is the kernel's word (seconds since the epoch): it tells a pid
    that was given to somebody else. `address` is where it serves, if it does."""

    name: str
    pid: int
    created: float
    log: str
    address: str = ""


async def exited(process: subprocess.Popen[bytes]) -> int:
    """The exit code; negative is the signal that ended it."""
    while (code := process.poll()) is None:
        await _change(process.pid)
    return code


async def _change(pid: int) -> None:
    """Returns when the process may have ended: at once where the kernel tells (Linux), else after a moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return await asyncio.sleep(POLL)
    gone, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def end(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> int:
    """Send each signal and give it its seconds, then kill. The exit code."""
    for number, seconds in steps:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(exited(process), seconds)
    process.kill()
    return await exited(process)


def record(run: Path, name: str, pid: int, log: Path, address: str = "") -> None:
    """Note a running process; one that has gone already is not noted."""
    with contextlib.suppress(psutil.NoSuchProcess):
        entry = ProcessRecord(name, pid, psutil.Process(pid).create_time(), str(log), address)
        write_private(_path(run, name), msgspec.json.encode(entry))


def forget(run: Path, name: str) -> None:
    _path(run, name).unlink(missing_ok=True)


def records(run: Path) -> list[ProcessRecord]:
    """All that are noted, running or not; a file that cannot be read counts as none."""
    return list(_read(sorted(run.glob("*.process.json"))))


def _read(paths: Iterable[Path]) -> Iterator[ProcessRecord]:
    for path in paths:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            yield msgspec.json.decode(path.read_bytes(), type=ProcessRecord)


def _path(run: Path, name: str) -> Path:
    return run / f"{name}.process.json"


def living(entry: ProcessRecord) -> psutil.Process | None:
    """The process of a record if it is the same one and still runs; a zombie does not."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(entry.pid)
        if abs(process.create_time() - entry.created) < 1 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def end_leftovers(run: Path, grace: float = 3.0) -> list[ProcessRecord]:
    """End what an earlier supervisor left running; those that were. SIGTERM, after `grace` seconds SIGKILL."""
    found = [(entry, process) for entry in records(run) if (process := living(entry))]
    kill_all([process for _, process in found], signal.SIGTERM, grace)
    for entry in records(run):
        forget(run, entry.name)
    return [entry for entry, _ in found]


def kill_all(processes: Sequence[psutil.Process], gently: signal.Signals, grace: float) -> None:
    """Returns when all are gone."""
    _signal(processes, gently)
    _signal(_remaining(processes, grace), signal.SIGKILL)
    _remaining(processes, 5.0)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _remaining(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after `seconds`. A zombie counts as gone: whose child it was may not live to collect it."""
    deadline = time.monotonic() + seconds
    while (left := [each for each in processes if _runs(each)]) and time.monotonic() < deadline:
        time.sleep(POLL)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

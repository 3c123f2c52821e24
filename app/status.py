"""What runs in a data folder, read from outside: no lock is taken and no process is asked."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
from msgspec import Struct

from app.folder import lock_holder
from app.processes import ProcessRecord, living, records


class ProcessState(Struct, frozen=True):
    """A process of Milepost. `memory` in bytes, of the children it has too, pages shared among them counted once
    where the system can tell; None of pid, since and memory when it does not run. `address` is empty when it
    serves nobody or is not ready."""

    name: str
    running: bool
    pid: int | None
    address: str
    since: datetime | None
    memory: int | None
    log: str


def processes(data: Path) -> list[ProcessState]:
    """The supervisor first, if one runs; then what it started."""
    return [*_supervisor(data), *map(_state, records(data / "run"))]


def _supervisor(data: Path) -> Iterator[ProcessState]:
    with contextlib.suppress(psutil.Error, OSError):
        if (holder := lock_holder(data)) is None:
            return
        process = psutil.Process(holder)
        # Whoever wrote the lock file was there before it: a younger process has only inherited the pid.
        if process.create_time() <= (data / "lock").stat().st_mtime + 1:
            yield _running("supervisor", process, [process])


def _state(entry: ProcessRecord) -> ProcessState:
    with contextlib.suppress(psutil.NoSuchProcess):
        if process := living(entry):
            family = [process, *process.children(recursive=True)]
            return _running(entry.name, process, family, entry.address, entry.log)
    return ProcessState(entry.name, False, None, entry.address, None, None, entry.log)


def _running(
    name: str, process: psutil.Process, family: list[psutil.Process], address: str = "", log: str = ""
) -> ProcessState:
    since = datetime.fromtimestamp(process.create_time(), UTC)
    return ProcessState(name, True, process.pid, address, since, sum(map(_memory, family)), log)


def _memory(process: psutil.Process) -> int:
    """The proportional set where the system tells it and we may ask, else the resident set."""
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0

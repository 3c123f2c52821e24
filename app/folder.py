"""The data folder: where Milepost keeps everything on this machine.

format            version of this layout
lock              held by the one supervisor that runs here; names its pid
run/              settings of the children, records of the running processes
log/              one bounded log per process, and what Java machines wrote about their last crashes
postgres/         the embedded server's files; postgres.json holds its port and passwords
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_data_path

from orders.errors import StartError

FORMAT = 1
MEGABYTE = 1_000_000


def default_folder() -> Path:
    return user_data_path("milepost", appauthor=False)


def open_folder(data: Path) -> Path:
    """Make the folder and its parts if they are missing; its absolute path. Raises StartError."""
    data = data.expanduser().resolve()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_format(data)
        for part in (data / "run", data / "log"):
            part.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartError(f"data folder {data}: {error.strerror}; choose another with --data DIR") from None
    return data


def _check_format(data: Path) -> None:
    path = data / "format"
    if not path.exists():
        _claim(data, path)
    found = path.read_text().strip()
    if found != str(FORMAT):
        raise StartError(
            f"data folder {data} has format {found[:20]!r}, this version of Milepost needs {FORMAT}: "
            "use the version that made it, or another --data DIR"
        )


def _claim(data: Path, path: Path) -> None:
    """A folder of somebody else's files is never taken over."""
    visible = {entry.name for entry in data.iterdir() if not entry.name.startswith(".")}
    strangers = visible - {"run", "log", "lock", "format.new", "lost+found"}
    if strangers:
        raise StartError(
            f"data folder {data} holds other files ({min(strangers)}): choose an empty one with --data DIR"
        )
    write_private(path, f"{FORMAT}\n".encode())


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the folder alone. The kernel lets go of it when this process ends, however it ends."""
    with open(data / "lock", "a+b") as file:
        _lock(file.fileno(), data)
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        yield
        file.truncate(0)


def _lock(descriptor: int, data: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = lock_holder(data) or "unknown"
        raise StartError(
            f"data folder {data} is in use by process {holder}: stop it, or use another --data DIR"
        ) from None


def lock_holder(data: Path) -> int | None:
    """Pid of the supervisor that wrote itself into the lock file last, else None."""
    try:
        return int((data / "lock").read_text())
    except (OSError, ValueError):
        return None


def check_disk(data: Path, minimum_mb: int) -> None:
    """Raises StartError when fewer than `minimum_mb` megabytes (10^6 bytes) are free."""
    free = shutil.disk_usage(data).free // MEGABYTE
    if free < minimum_mb:
        raise StartError(
            f"disk full: {free} MB free at {data}, {minimum_mb} MB needed; free some space or use another --data DIR"
        )


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` in one step, readable by its owner only; a crash leaves the old or the new file, whole."""
    fresh = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)

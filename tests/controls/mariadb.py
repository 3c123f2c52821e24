"""A real MariaDB server, as a process of this user; and what tests say to it."""

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pymysql

from adapters.origins import DirectSource
from app.cluster import free_port
from cdc.mariadb import login
from tests.controls.kafka import MissingError, die_with_parent

_PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults")
"""The last one is what the second one asks."""
_INSTALL = ("--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db")
_RIGHTS = "select, reload, replication slave, binlog monitor, slave monitor"
PASSWORD: Final = "capture-secret"  # noqa: S105 (of a server that lives for one test)
CAPTURE: Final = f"grant {_RIGHTS} on *.* to 'capture'@'127.0.0.1' identified by '{PASSWORD}'"


class MariaDb:
    """A server whose files are in `folder`. It can be killed and started again, and keeps its port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder, self._options, self.port = folder, options, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        program, install, _ = found = [shutil.which(name) for name in _PROGRAMS]
        if program is None or install is None or None in found:
            wanted = "Debian's mariadb-server-core and mariadb-client-core, or MariaDB's like"
            raise MissingError(f"one of {', '.join(_PROGRAMS)} is not here: install {wanted}")
        self._program = program
        command = [install, *_INSTALL, f"--datadir={folder}/data", f"--user={_user(folder)}"]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    def start(self) -> None:
        """It answers afterwards."""
        command = [
            self._program,
            "--no-defaults",
            f"--user={_user(self._folder)}",
            f"--datadir={self._folder}/data",
            f"--socket={self._folder}/socket",
            f"--pid-file={self._folder}/pid",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--server-id=7",
            "--log-bin=binlog",
            "--binlog-format=ROW",
            "--binlog-row-image=FULL",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=0",
            *self._options,
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """And wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    async def answers(self) -> bool:
        assert self._process, "it was not started"
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            run(self.dsn("mysql"), "select 1")
        except pymysql.OperationalError:
            return False
        return True

    def dsn(self, database: str, user: str = "root", password: str = "") -> str:
        return f"mariadb://{user}:{password}@127.0.0.1:{self.port}/{database}"


def _user(folder: Path) -> str:
    return folder.owner()


def connect(dsn: str) -> "pymysql.Connection[Any]":
    """Each statement is a transaction, unless it is told to begin one."""
    return login.connect(DirectSource("test", "", dsn), autocommit=True)


def run(dsn: str, *statements: str) -> None:
    """Each in a transaction of its own, unless one begins one."""
    with connect(dsn) as db, db.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def ask(dsn: str, sql: str, arguments: Sequence[object] = ()) -> Any:
    """The first column of the first row."""
    with connect(dsn) as db, db.cursor() as cursor:
        cursor.execute(sql, arguments)
        row = cursor.fetchone()
        return row[0] if row else None

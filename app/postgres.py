"""Embedded Postgres: one server in the data folder, a direct child of this process.

It listens on 127.0.0.1 only, at a port of its own, and asks every user for a password (scram-sha-256).
A guard, a shell that waits for this process to vanish, ends the server when nobody else can.
"""

import asyncio
import contextlib
import secrets
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from urllib.parse import quote

import asyncpg
import msgspec

from app import cluster
from app.folder import write_private
from app.logs import LogPump
from app.processes import end, exited
from orders.errors import StartError

SUPERUSER = "milepost"

_GUARD = """
read -r _
kill -INT "$1"
for _ in 1 2 3 4 5; do sleep 1; kill -0 "$1" || exit; done
kill -QUIT "$1"
"""
_PASSING = (
    "Address already in use",
    "could not bind",
    "could not create any TCP/IP",
    "shared memory block",
    "lock file",
)

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": cluster.HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_logical_replication_workers": "0",
    "max_connections": "60",
    "shared_buffers": "48MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "512MB",
    "autovacuum_max_workers": "2",
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_ROLE_EXISTS = "select exists (select from pg_roles where rolname = $1)"
_CREATE_ROLE = "select format('create role %I', $1::text)"
_ALTER_ROLE = """
select format('alter role %I with login password %L ', $1::text, $2::text)
    || case when $3 then 'replication' else 'noreplication' end
"""
_DATABASE_EXISTS = "select exists (select from pg_database where datname = $1)"
_CREATE_DATABASE = "select format('create database %I owner %I', $1::text, $2::text)"


class _Secret(msgspec.Struct):
    """What it takes to find the server and to enter it; kept 0600 beside its folder."""

    port: int
    passwords: dict[str, str]


class Postgres:
    """A Postgres server whose files are in `data`/postgres. `settings` overrule those of this module."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = data.resolve()
        self.folder = self.data / "postgres"
        self.log = self.data / "log" / "postgres.log"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._user = cluster.SystemUser()
        self._secret = _Secret(port=0, passwords={})
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._pump: LogPump | None = None

    @property
    def pid(self) -> int | None:
        """Of the server while it runs, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def port(self) -> int:
        """Of this and, if it is free then, of every later start; 0 before the first."""
        return self._secret.port

    def dsn(self, database: str, user: str = SUPERUSER) -> str:
        """With the password. KeyError for a user that `create_role` has not made."""
        login = f"{quote(user, safe='')}:{quote(self._secret.passwords[user], safe='')}"
        return f"postgresql://{login}@{cluster.HOST}:{self.port}/{quote(database, safe='')}"

    async def start(self, timeout: float = 120) -> None:
        """Make the files if there are none, end what an earlier run left, start, wait for a real connection.

        `timeout` in seconds has to cover crash recovery too. Raises StartError, and then nothing is left running.
        """
        deadline = time.monotonic() + timeout
        await asyncio.to_thread(self._prepare)
        while not await self._attempt(deadline):  # noqa: ASYNC110 (each round is another attempt)
            await asyncio.sleep(0.2)

    async def stop(self, timeout: float = 2.0) -> None:
        """Fast shutdown; after `timeout` seconds an immediate one, from which the next start recovers."""
        if self._process and await end(self._process, [(SIGINT, timeout), (SIGQUIT, 0.5)]) == -SIGKILL:
            # It could not take its own processes along: those that work would go on until they have done.
            await asyncio.to_thread(cluster.end_servers, self.folder)
        if self._guard:
            # Last: until here it would have ended the server in our place.
            self._guard.kill()
            self._guard.communicate()
        self._process = self._guard = None

    async def wait(self) -> int:
        """Returns the exit code once the server has ended; negative is the signal."""
        return await exited(self._process) if self._process else 0

    def last_line(self) -> str:
        """What the server said last."""
        return self._pump.last_line() if self._pump else "it was not started"

    async def create_role(self, name: str, *, replication: bool = False) -> None:
        """Make a role that may log in, or mend it; its password is generated once and kept for `dsn`."""
        if name not in self._secret.passwords:
            self._secret.passwords[name] = secrets.token_urlsafe(24)
            self._save()
        async with self._session() as db:
            if not await db.fetchval(_ROLE_EXISTS, name):
                await db.execute(await db.fetchval(_CREATE_ROLE, name))
            await db.execute(await db.fetchval(_ALTER_ROLE, name, self._secret.passwords[name], replication))

    async def create_database(self, name: str, owner: str = SUPERUSER) -> None:
        """Does nothing when the database is there already."""
        async with self._session() as db:
            if not await db.fetchval(_DATABASE_EXISTS, name):
                await db.execute(await db.fetchval(_CREATE_DATABASE, name, owner))

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.dsn("postgres"), timeout=10)
        try:
            yield connection
        finally:
            await connection.close()

    def _prepare(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._load()
        cluster.check_version(self.folder)
        self._user = cluster.system_user(self.data)
        if not self.folder.exists():
            cluster.make(self.folder, SUPERUSER, self._secret.passwords[SUPERUSER], self._user)

    @property
    def _secret_path(self) -> Path:
        return self.data / "postgres.json"

    def _load(self) -> None:
        if self._secret_path.exists():
            self._secret = _read_secret(self._secret_path)
        elif self.folder.exists():
            raise StartError(
                f"{self._secret_path} with the passwords of {self.folder} is gone: restore it or use another --data DIR"
            )
        else:
            self._secret = _Secret(cluster.free_port(), {SUPERUSER: secrets.token_urlsafe(24)})
            self._save()

    def _save(self) -> None:
        write_private(self._secret_path, msgspec.json.encode(self._secret))

    async def _attempt(self, deadline: float) -> bool:
        """True once it runs; False when another try may work."""
        await asyncio.to_thread(cluster.end_servers, self.folder)
        if not cluster.is_free(self.port):
            self._secret.port = cluster.free_port()
            self._save()
        self._spawn()
        try:
            return await self._ready(deadline)
        except BaseException:
            await self.stop()
            raise

    def _spawn(self) -> None:
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [str(cluster.BIN / "postgres"), "-D", str(self.folder), "-p", str(self.port), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
            user=self._user.uid,
            group=self._user.gid,
            extra_groups=self._user.groups,
        )
        assert self._process.stdout
        self._pump = LogPump(self._process.stdout, self.log)
        self._guard = _spawn_guard(self._process.pid)

    async def _ready(self, deadline: float) -> bool:
        while self.pid:
            if await self._is_ours():
                return True
            if time.monotonic() > deadline:
                raise StartError(
                    f"Postgres in {self.folder} does not accept connections: {self.last_line()}; see {self.log}"
                )
            await asyncio.sleep(0.02)
        return await self._failed(deadline)

    async def _failed(self, deadline: float) -> bool:
        await self.stop()
        said = "\n".join(self._pump.tail()) if self._pump else ""
        if any(reason in said for reason in _PASSING) and time.monotonic() < deadline:
            return False
        raise StartError(f"Postgres in {self.folder} does not start: {self.last_line()}; see {self.log}")

    async def _is_ours(self) -> bool:
        """A port that answers is no proof: it may be another server's, or a dead one's."""
        if not cluster.accepts(self.folder, self._process.pid if self._process else 0):
            return False
        try:
            async with self._session() as db:
                return Path(await db.fetchval("show data_directory")) == self.folder
        except asyncpg.InvalidPasswordError:
            raise StartError(f"{self._secret_path} does not hold the password of {self.folder}: restore it") from None
        except (OSError, asyncpg.PostgresError):
            return False


def _read_secret(path: Path) -> _Secret:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Secret)
    except msgspec.DecodeError as error:
        raise StartError(f"{path} is damaged ({error}): restore it, or use another --data DIR") from None


def _spawn_guard(pid: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "milepost-guard", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )

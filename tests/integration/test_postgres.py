"""The embedded Postgres: starts, stops, survives kill -9, keeps its port, lets nobody in without a password."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import psutil
import pytest

from app import cluster
from app.postgres import Postgres
from orders.errors import StartError
from tests.controls.files import prepare

BUSY = "select count(*) from generate_series(1, 100000000)"
TWO_WORK = "select count(*) > 1 from pg_stat_activity where state = 'active'"
Eventually = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]


@pytest.fixture
async def server(data: Path) -> AsyncIterator[Postgres]:
    prepare(data)
    server = Postgres(data, {"fsync": "off"})
    await server.start()
    yield server
    await server.stop()


async def ask(dsn: str, sql: str) -> object:
    db = await asyncpg.connect(dsn, timeout=60)
    try:
        return await db.fetchval(sql)
    finally:
        await db.close()


async def test_serves_its_own_folder_with_logical_replication(server: Postgres) -> None:
    assert await ask(server.dsn("postgres"), "show data_directory") == str(server.folder)
    assert await ask(server.dsn("postgres"), "show wal_level") == "logical"
    assert server._secret_path.stat().st_mode & 0o777 == 0o600


async def test_wants_the_password(server: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(f"postgresql://milepost:wrong@127.0.0.1:{server.port}/postgres", "select 1")


async def test_roles_and_databases_are_made_once(server: Postgres) -> None:
    for _ in range(2):
        await server.create_role('odd "name"', replication=True)
        await server.create_database("graph'; --", owner='odd "name"')
    assert await ask(server.dsn("graph'; --", 'odd "name"'), "select current_database()") == "graph'; --"
    assert await ask(server.dsn("postgres"), "select rolreplication from pg_roles where rolname like 'odd%'") is True


async def test_resumes_after_stop_at_the_same_port(server: Postgres) -> None:
    await ask(server.dsn("postgres"), "create table kept as select 1 as id")
    port = server.port
    await server.stop()
    assert server.pid is None
    again = Postgres(server.data, {"fsync": "off"})
    await again.start()
    try:
        assert again.port == port
        assert await ask(again.dsn("postgres"), "select count(*) from kept") == 1
    finally:
        await again.stop()


async def test_resumes_after_kill_of_the_postmaster_under_load(server: Postgres, eventually: Eventually) -> None:
    await ask(server.dsn("postgres"), "create table kept as select 1 as id")
    port, pid = server.port, server.pid
    busy = asyncio.ensure_future(ask(server.dsn("postgres"), BUSY))
    await eventually(lambda: ask(server.dsn("postgres"), TWO_WORK))
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert await server.wait() == -signal.SIGKILL
    await server.start()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
        await busy
    assert server.port == port
    assert await ask(server.dsn("postgres"), "select count(*) from kept") == 1


async def test_one_that_has_to_be_killed_leaves_nothing(server: Postgres, eventually: Eventually) -> None:
    busy = asyncio.ensure_future(ask(server.dsn("postgres"), BUSY))
    await eventually(lambda: ask(server.dsn("postgres"), TWO_WORK))
    assert server.pid
    os.kill(server.pid, signal.SIGSTOP)
    await server.stop(timeout=0.1)
    assert not [each for each in psutil.process_iter(["cwd"]) if each.info["cwd"] == str(server.folder)]
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
        await busy


async def test_moves_when_its_port_is_taken(server: Postgres) -> None:
    await server.stop()
    with socket.create_server(("127.0.0.1", server.port)) as taken:
        await server.start()
        assert server.port != taken.getsockname()[1]
        assert await ask(server.dsn("postgres"), "show data_directory") == str(server.folder)


async def test_a_stale_pid_file_with_a_living_pid_is_no_obstacle(server: Postgres) -> None:
    await server.stop()
    # Of the server's own user: Postgres takes the pid of anybody else for stale by itself.
    other = await asyncio.create_subprocess_exec("sleep", "60", user=server._user.uid)
    try:
        stale = f"{other.pid}\n{server.folder}\n0\n{server.port}\n\n127.0.0.1\n\nready\n"
        server.folder.joinpath("postmaster.pid").write_text(stale)
        await server.start()
        assert server.pid not in (None, other.pid)
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()


async def test_a_server_left_by_another_process_is_ended_first(server: Postgres) -> None:
    second = Postgres(server.data, {"fsync": "off"})
    await second.start()
    try:
        assert server.pid is None
        assert await ask(second.dsn("postgres"), "select 1") == 1
    finally:
        await second.stop()


def test_ends_when_its_owner_is_killed(data: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from app.postgres import Postgres\n"
        "async def main():\n"
        "    server = Postgres(pathlib.Path(sys.argv[1]), {'fsync': 'off'})\n"
        "    await server.start()\n"
        "    print(server.pid, flush=True)\n"
        "    await server.wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(data)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        postmaster = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    assert psutil.wait_procs([postmaster], 10)[0] == [postmaster]
    assert not [each for each in psutil.process_iter() if cluster._serves(each, data / "postgres")]


async def test_a_folder_of_another_major_is_refused(data: Path) -> None:
    prepare(data)
    server = Postgres(data)
    (data / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(StartError, match=r"made by Postgres 16.*brings 18.*--data"):
        await server.start()


async def test_a_broken_folder_is_one_line_and_leaves_nothing(data: Path) -> None:
    prepare(data)
    server = Postgres(data)
    (data / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(StartError, match=r"does not start: .*pg_control.*log/postgres\.log") as failed:
        await server.start()
    assert "\n" not in str(failed.value)
    assert server.pid is None


async def test_a_half_made_folder_is_made_anew(data: Path) -> None:
    (data / "postgres.new").mkdir()
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = Postgres(data, {"fsync": "off"})
    await server.start()
    await server.stop()


async def test_lost_passwords_are_named(server: Postgres) -> None:
    await server.stop()
    server._secret_path.unlink()
    with pytest.raises(StartError, match=r"postgres\.json"):
        await Postgres(server.data).start()


async def test_foreign_passwords_are_named(server: Postgres) -> None:
    await server.stop()
    kept = server._secret_path.read_bytes()
    server._secret_path.write_bytes(kept.replace(server._secret.passwords["milepost"].encode(), b"other"))
    with pytest.raises(StartError, match="does not hold the password"):
        await Postgres(server.data).start()


async def test_database_fixture_is_empty_and_fresh(database: str) -> None:
    assert await ask(database, "select count(*) from pg_tables where schemaname = 'public'") == 0

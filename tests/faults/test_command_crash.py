"""F40, F41, F28, C4: real processes killed, stopped and cut off at each step of a write; the ERP has one effect."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from app.settings import Settings, SourceSettings
from commands.log import Command, CommandState, accept, get
from orders.crash import ENVIRONMENT, CrashPoint
from tests.controls import commands as controls
from tests.controls.cutting import cut_line
from tests.controls.waiting import until

WORKER_POINTS = [CrashPoint.COMMAND_SENDING, CrashPoint.COMMAND_SENT, CrashPoint.COMMAND_MARKED]
EFFECTS = "select count(*) from ordhld where extref = $1 and actcd = 'H' and hldcd = 'CR'"
HELD = "select hldcd = 'CR' and hlddt is not null and chgdt = hlddt from ordhdr where ordno = 1042"
WAITS = """
select exists (select from pg_stat_activity
               where application_name = 'milepost' and wait_event_type = 'Lock' and datname = current_database())
"""
NOBODY_IN_THE_ERP = """
select count(*) = 0 from pg_stat_activity where application_name = 'milepost' and datname = current_database()
"""


class Scene:
    """One database that is both ours and the ERP's, and the worker processes around it."""

    def __init__(self, dsn: str, data: Path, db: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.dsn, self.data, self.db = dsn, data, db
        data.joinpath("run").mkdir()
        self.write_to(dsn)

    def write_to(self, dsn: str) -> None:
        """Let the workers reach the ERP by this DSN."""
        source = SourceSettings(controls.SOURCE, "erp_legacy", dsn, dsn)
        Settings(self.data, self.dsn, self.dsn, "127.0.0.1", 0, (source,)).save()

    @contextmanager
    def worker(self, crash_at: str = "") -> Iterator[subprocess.Popen[bytes]]:
        process = _python("-m", "app.worker", "--data", str(self.data), crash_at=crash_at)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    async def accept(self) -> Command:
        return await accept(self.db, controls.hold())

    async def state(self, command: Command, *states: CommandState) -> Command:
        async def ask() -> Command | None:
            found = await get(self.db, command.id)
            return found if found.state in states else None

        return await until(ask)

    async def lease_ends(self) -> None:
        """As if so much time had passed since the claim."""
        await self.db.execute("update command.command set next_attempt_at = now()")

    async def applied_once(self, command: Command) -> Command:
        applied = await self.state(command, CommandState.APPLIED)
        assert await self.db.fetchval(EFFECTS, command.id) == 1
        assert await self.db.fetchval("select count(*) from ordhld") == 1
        assert await self.db.fetchval(HELD)
        return applied


def _python(*arguments: str, crash_at: str = "") -> subprocess.Popen[bytes]:
    environment = {**os.environ, ENVIRONMENT: crash_at}
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=controls.ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Exit code and output."""
    out, _ = await asyncio.wait_for(asyncio.to_thread(process.communicate), 60)
    return process.returncode, out.decode()


@pytest.fixture
async def scene(database: str, data: Path) -> AsyncIterator[Scene]:
    await controls.create_schemas(database)
    await controls.create_orders(database)
    await controls.create_erp(database)
    db = await asyncpg.connect(database)
    yield Scene(database, data, db)
    await db.close()


@pytest.mark.parametrize("point", WORKER_POINTS)
async def test_a_worker_killed_at(scene: Scene, point: CrashPoint) -> None:
    command = await scene.accept()
    with scene.worker(crash_at=point) as worker:
        assert (await ended(worker))[0] == -signal.SIGKILL
    left = await get(scene.db, command.id)
    assert left.state is (CommandState.APPLIED if point is CrashPoint.COMMAND_MARKED else CommandState.SENDING)
    assert await scene.db.fetchval(EFFECTS, command.id) == (0 if point is CrashPoint.COMMAND_SENDING else 1)
    await scene.lease_ends()
    with scene.worker():
        await scene.applied_once(command)


async def test_a_worker_killed_again_and_again(scene: Scene) -> None:
    command = await scene.accept()
    for point in (CrashPoint.COMMAND_SENDING, CrashPoint.COMMAND_SENT, CrashPoint.COMMAND_SENT):
        with scene.worker(crash_at=point) as worker:
            assert (await ended(worker))[0] == -signal.SIGKILL
        await scene.lease_ends()
    with scene.worker():
        assert (await scene.applied_once(command)).attempts == 4


async def test_a_gateway_killed_after_it_accepted(scene: Scene) -> None:
    """The client never had an answer, so it asks again with its key."""
    arguments = ("-m", "tests.controls.accepting", scene.dsn, "k1")
    assert await ended(_python(*arguments, crash_at=CrashPoint.COMMAND_ACCEPTED)) == (-signal.SIGKILL, "")
    code, command_id = await ended(_python(*arguments))
    assert code == 0
    assert await scene.db.fetchval("select array_agg(id) from command.command") == [command_id]
    with scene.worker():
        await scene.applied_once(await get(scene.db, command_id))


async def test_the_line_to_the_erp_is_cut_behind_its_commit(scene: Scene) -> None:
    async with cut_line(scene.dsn) as line:
        scene.write_to(line.dsn)
        command = await scene.accept()
        with scene.worker():
            await until(lambda: scene.db.fetchval(EFFECTS, command.id))
            line.cut()
            assert (await scene.applied_once(command)).attempts == 2
        assert line.commits == 1


async def test_the_erps_answer_never_comes(scene: Scene) -> None:
    """Nothing is cut: the commit is done and the line is silent until the worker gives up waiting."""
    async with cut_line(scene.dsn) as line:
        scene.write_to(line.dsn)
        command = await scene.accept()
        with scene.worker():
            assert (await scene.applied_once(command)).attempts == 2


async def test_a_worker_killed_within_the_erps_transaction(scene: Scene) -> None:
    clerk = await asyncpg.connect(scene.dsn)
    command = await scene.accept()
    async with clerk.transaction():
        await clerk.execute("select from ordhdr where ordno = 1042 for update")
        with scene.worker():
            await until(lambda: scene.db.fetchval(WAITS))
    await until(lambda: nobody_in_the_erp(scene))
    assert await scene.db.fetchval(EFFECTS, command.id) == 0
    await scene.lease_ends()
    with scene.worker():
        await scene.applied_once(command)
    await clerk.close()


async def test_a_worker_that_sleeps_beyond_its_lease(scene: Scene) -> None:
    """It wakes with a half-done transaction when another has long done its work."""
    command = await scene.accept()
    with scene.worker() as sleeper:
        await put_to_sleep_in_the_erp(scene, sleeper)
        await scene.lease_ends()
        with scene.worker():
            applied = await scene.applied_once(command)
        sleeper.send_signal(signal.SIGCONT)
        await until(lambda: nobody_in_the_erp(scene))
        sleeper.terminate()
        assert (await ended(sleeper))[0] == 0
    assert await scene.applied_once(command) == applied


async def put_to_sleep_in_the_erp(scene: Scene, worker: subprocess.Popen[bytes]) -> None:
    clerk = await asyncpg.connect(scene.dsn)
    async with clerk.transaction():
        await clerk.execute("select from ordhdr where ordno = 1042 for update")
        await until(lambda: scene.db.fetchval(WAITS))
        worker.send_signal(signal.SIGSTOP)
    await clerk.close()


async def nobody_in_the_erp(scene: Scene) -> bool:
    return bool(await scene.db.fetchval(NOBODY_IN_THE_ERP))


async def test_a_whole_batch_survives_kills_at_random_steps(scene: Scene) -> None:
    """Holds and releases of one order, a kill every few steps: each has one entry, in their order."""
    requests = [(controls.release if n % 2 else controls.hold)(f"k{n}") for n in range(8)]
    commands = [await accept(scene.db, request) for request in requests]
    for point, count in ((CrashPoint.COMMAND_SENT, 2), (CrashPoint.COMMAND_MARKED, 1), (CrashPoint.COMMAND_SENDING, 3)):
        with scene.worker(crash_at=f"{point}:{count}") as worker:
            assert (await ended(worker))[0] == -signal.SIGKILL
        await scene.lease_ends()
    with scene.worker():
        await scene.state(commands[-1], CommandState.APPLIED)
    logged = await scene.db.fetch("select extref from ordhld order by hldid")
    assert [row["extref"] for row in logged] == [command.id for command in commands]
    assert await scene.db.fetchval("select count(*) from command.command where state = 'APPLIED'") == len(commands)

"""What many tests share: a place for data, one embedded Postgres, a fresh database or graph in it for each test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from app.postgres import Postgres
from projections.database import Connection
from tests.controls import projecting, serving
from tests.controls.kafka import Kafka, MissingError
from tests.controls.mariadb import CAPTURE, PASSWORD, MariaDb, run
from tests.controls.postgres import Programs
from tests.controls.postgres import programs_with_tls as postgres_programs
from tests.controls.serving import Client
from tests.controls.waiting import until
from tests.controls.west import ITEMS

# No test is about time.
settings.register_profile("milepost", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("milepost")

_numbers = count(1)
_FAST = {"fsync": "off", "max_connections": "100"}
_DROP_SLOTS = """
select pg_drop_replication_slot(slot_name) from pg_replication_slots
where database = $1 and (active_pid is null or pg_terminate_backend(active_pid, 5000))
"""
_DROP_DATABASE = "select format('drop database if exists %I with (force)', $1::text)"


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder of its own; not tmp_path, which other users, Postgres' one among them, may not enter."""
    path = Path(tempfile.mkdtemp(prefix="milepost-test-")).resolve()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]:
    """Waits until the condition holds, at most a minute: `await eventually(lambda: is_done())`."""

    async def wait(condition: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.timeout(60):
            while not await condition():  # noqa: ASYNC110 (for conditions that nothing announces)
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The embedded server, running, with logical replication; use `database` unless a server is what you need."""
    path = Path(tempfile.mkdtemp(prefix="milepost-session-"))
    server = Postgres(path, _FAST)
    _run(server.start)
    yield server
    _run(server.stop)
    shutil.rmtree(path, ignore_errors=True)


def _run(make: Callable[[], Awaitable[None]]) -> None:
    """In a thread, so that the loops of the tests are left alone."""

    async def main() -> None:
        await make()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result()


@contextmanager
def _obtained() -> Iterator[None]:
    """What cannot be had here is a reason to skip for a user, and an error in CI."""
    try:
        yield
    except MissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def programs_with_tls() -> Programs:
    with _obtained():
        return postgres_programs()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A broker and a Connect worker, running; use topics of your own."""
    path = Path(tempfile.mkdtemp(prefix="milepost-kafka-"))
    with _obtained():
        running = Kafka(path)
        running.start()
    _run(running.up)
    yield running
    running.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A server, running, with its log on; use databases of your own."""
    path = Path(tempfile.mkdtemp(prefix="milepost-mariadb-"))
    with _obtained():
        server = MariaDb(path)
    server.start()
    _run(lambda: _answers(server))
    yield server
    server.kill()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def west(mariadb: MariaDb) -> Iterator[str]:
    """DSN of a database in MariaDB with an empty table `item`, for a user who may capture it."""
    name = f"west_{next(_numbers)}"
    run(mariadb.dsn("mysql"), CAPTURE, f"create database {name}", f"grant all on {name}.* to 'capture'@'127.0.0.1'")
    dsn = mariadb.dsn(name, "capture", PASSWORD)
    run(dsn, ITEMS)
    yield dsn
    run(mariadb.dsn("mysql"), f"drop database {name}")


async def _answers(server: MariaDb) -> None:
    await until(server.answers, 60)


@asynccontextmanager
async def _created(postgres: Postgres) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await postgres.create_database(name)
    yield postgres.dsn(name)
    db = await asyncpg.connect(postgres.dsn("postgres"))
    try:
        await db.execute(_DROP_SLOTS, name)
        await db.execute(await db.fetchval(_DROP_DATABASE, name))
    finally:
        await db.close()


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """DSN of an empty database; it goes with its slots and connections when the test ends."""
    async with _created(postgres) as dsn:
        yield dsn


@pytest.fixture
async def dsn(database: str) -> str:
    """Of a database with the canonical orders, for gateways."""
    await serving.create_graph(database)
    return database


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_dsn(postgres: Postgres) -> AsyncIterator[str]:
    """As `dsn`, for all tests of a module, which share a loop."""
    async with _created(postgres) as dsn:
        await serving.create_graph(dsn)
        yield dsn


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(shared_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """Of a gateway over `shared_dsn`."""
    async with serving.running(shared_dsn, tmp_path_factory.mktemp("gateway")) as client:
        yield client


@pytest.fixture
async def graph(database: str) -> AsyncIterator[Connection]:
    """A connection to a database with Milepost's schemas."""
    db = await projecting.connected(database)
    await projecting.create_schemas(db)
    yield db
    await db.close()

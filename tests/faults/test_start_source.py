"""A source that cannot be reached or captured is refused in one line that never shows its password."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starting import NEEDS, erp, one_line, start

from app.postgres import Postgres
from app.preflight import Needs, check_graph, check_source, first_failure, place
from app.settings import SourceSettings
from orders.errors import StartError
from tests.controls.sql import run

TABLES = "create table ordhdr (ordno integer primary key); create table ordlin (ordno integer, linno integer)"


@pytest.fixture
async def source(database: str) -> str:
    """DSN of a database that can be captured."""
    await run(database, TABLES)
    return database


@pytest.fixture
async def reader(postgres: Postgres, source: str) -> str:
    """DSN of a role that may replicate but was granted nothing."""
    await postgres.create_role("reader", replication=True)
    return postgres.dsn(source.rsplit("/", 1)[1], "reader")


@pytest.fixture
async def small(data: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """DSN on a server of its own with the given settings."""
    server = Postgres(data / "source", {"fsync": "off", **request.param})
    (data / "source").mkdir()
    await server.start()
    await run(server.dsn("postgres"), TABLES)
    yield server.dsn("postgres")
    await server.stop()


async def refused(dsn: str) -> str:
    with pytest.raises(StartError) as error:
        await check_source(SourceSettings("erp", "erp_legacy", dsn), NEEDS)
    said = str(error.value)
    assert said.startswith("source erp")
    assert "\n" not in said
    assert "hunter2" not in said
    return said


async def test_a_good_source_is_accepted(source: str) -> None:
    await check_source(SourceSettings("erp", "erp_legacy", source, write_dsn=source), NEEDS)


async def test_names_are_as_they_were_given_in_quotes(source: str, reader: str) -> None:
    await run(source, 'create schema "Sales"; create table "Sales"."Order Line" (id int primary key)')
    needs = Needs(("Sales.Order Line",), "milepost_erp")
    await check_source(SourceSettings("erp", "erp_legacy", source), needs)
    await run(source, 'grant usage on schema "Sales" to reader')
    with pytest.raises(StartError, match=r"reader may not read table Sales\.Order Line"):
        await check_source(SourceSettings("erp", "erp_legacy", reader), needs)


async def test_unreachable_ends_the_process_and_leaves_nothing(data: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{closed.getsockname()[1]}/erp"
        said = one_line(await start(data, erp(f"postgresql://me:hunter2@{at}")))
    assert said == f"source erp: no Postgres answers at {at} (connection refused): start it, or correct the DSN\n"
    assert not (data / "postgres").exists()


async def test_unknown_host() -> None:
    assert "no Postgres answers at no.such.invalid:5432/erp (" in await refused(
        "postgresql://a:hunter2@no.such.invalid/erp"
    )


async def test_wrong_password(source: str) -> None:
    wrong = f"postgresql://milepost:hunter2@{place(source)}"
    assert f"{place(source)} does not let milepost in: correct the DSN's user and password" in await refused(wrong)


async def test_no_such_database(source: str) -> None:
    assert "/absent: there is no such database; correct the DSN" in await refused(source.rsplit("/", 1)[0] + "/absent")


async def test_a_dsn_that_cannot_be_used() -> None:
    assert "write postgresql://user:password@host:port/database" in await refused("postgresql://me:hunter2@h:port/erp")


@pytest.mark.parametrize("small", [{"wal_level": "replica"}], indirect=True)
async def test_wal_level(small: str) -> None:
    said = await refused(small)
    assert f"{place(small)} has wal_level=replica, capture needs logical: alter system set wal_level" in said


async def test_no_right_to_replicate(postgres: Postgres, source: str) -> None:
    await postgres.create_role("clerk")
    said = await refused(postgres.dsn(source.rsplit("/", 1)[1], "clerk"))
    assert said.endswith('clerk may not replicate; there run: alter role "clerk" replication')


async def test_no_right_to_read(reader: str, source: str) -> None:
    await run(source, "grant select on ordhdr to reader")
    assert (await refused(reader)).endswith('reader may not read table public.ordlin; grant select to "reader"')


async def test_no_right_to_the_schema(reader: str, source: str) -> None:
    await run(source, "revoke usage on schema public from public")
    assert "refuses a check: permission denied for schema public; grant reader what it lacks" in await refused(reader)


async def test_missing_tables(database: str) -> None:
    said = await refused(database)
    assert f"{place(database)} lacks tables public.ordhdr, public.ordlin: name the right database in dsn" in said


@pytest.mark.parametrize("small", [{"max_replication_slots": "1"}], indirect=True)
async def test_no_free_slot_unless_it_is_ours(small: str) -> None:
    await run(small, "select pg_create_logical_replication_slot('other', 'pgoutput')")
    assert "has no free replication slot (1 of 1 are taken): drop one that is not used" in await refused(small)
    await run(
        small,
        "select pg_drop_replication_slot('other')",
        f"select pg_create_logical_replication_slot('{NEEDS.slot}', 'pgoutput')",
    )
    await check_source(SourceSettings("erp", "erp_legacy", small), NEEDS)


async def test_wrong_write_dsn(source: str) -> None:
    wrong = f"postgresql://milepost:hunter2@{place(source)}"
    with pytest.raises(StartError, match=r"^source erp, write_dsn: .*does not let milepost in"):
        await check_source(SourceSettings("erp", "erp_legacy", source, write_dsn=wrong), NEEDS)


async def test_a_graph_in_which_nothing_may_be_made(reader: str) -> None:
    with pytest.raises(StartError, match=r"^graph: .*reader may not create schemas; grant create on the database$"):
        await check_graph(reader)


async def test_all_are_asked_at_once_and_the_first_is_told() -> None:
    async def fails(reason: str) -> None:
        asked.append(reason)
        raise StartError(reason)

    asked: list[str] = []
    with pytest.raises(StartError, match="one"):
        await first_failure([fails("one"), fails("two")])
    assert asked == ["one", "two"]

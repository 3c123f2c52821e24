"""A source that can never be captured is said at once, in one line: what, where, what to do. Nothing is left behind."""

from pathlib import Path

import pytest

from app.postgres import Postgres
from cdc.database import CapturedDatabase, check
from cdc.engine import EngineSource
from cdc.kinds import prepare
from orders.errors import StartError, TransientError
from tests.controls.capturing import ITEMS, ask, items
from tests.controls.sql import run

READERS = """
select count(*) from pg_stat_activity where backend_type = 'walsender' and datname = current_database()
"""


def name_of(dsn: str) -> str:
    return dsn.rsplit("/", 1)[1]


async def refused(database: CapturedDatabase) -> str:
    with pytest.raises(StartError) as caught:
        await check(database)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(database.where)
    return line


async def test_wrong_password(database: str) -> None:
    line = await refused(items("erp", database.replace("://milepost:", "://milepost:wrong")))
    assert "password authentication failed" in line
    assert "wrong" not in line


async def test_no_such_database(database: str) -> None:
    assert 'database "nowhere" does not exist' in await refused(
        items("erp", database.replace(name_of(database), "nowhere"))
    )


async def test_no_such_table(database: str) -> None:
    assert "no table public.item" in await refused(items("erp", database))


@pytest.mark.parametrize(
    "table",
    ["create table item (id int)", "create table item (id int primary key); alter table item replica identity nothing"],
)
async def test_a_table_whose_updates_could_not_be_published(database: str, table: str) -> None:
    """Publishing it would make the source refuse its own users' updates."""
    await run(database, table)
    assert "no primary key or replica identity: public.item" in await refused(items("erp", database))


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        pytest.param(["create unlogged table item (id int primary key)"], "unlogged", id="unlogged"),
        pytest.param(
            [
                "create table item (id int primary key, name text not null unique)",
                "alter table item replica identity using index item_name_key",
            ],
            "hides which row is deleted: public.item",
            id="identity without key",
        ),
        pytest.param(
            [
                "create table item (id int not null unique)",
                "alter table item replica identity using index item_id_key",
                "alter table item drop constraint item_id_key",
            ],
            "no primary key or replica identity: public.item",
            id="identity that is gone",
        ),
        pytest.param(
            [
                "create table item (id int primary key) partition by range (id)",
                "create table item_low partition of item for values from (0) to (100)",
                "alter table item_low replica identity nothing",
            ],
            "no primary key or replica identity: public.item",
            id="part without identity",
        ),
    ],
)
async def test_a_table_of_which_the_log_would_not_tell_all(database: str, tables: list[str], why: str) -> None:
    await run(database, *tables)
    assert why in await refused(items("erp", database))


async def test_rows_that_its_role_does_not_see(postgres: Postgres, database: str) -> None:
    """A snapshot would leave them out, and the log bring them: nothing is read before the role may see all."""
    await postgres.create_role("erp_screened", replication=True)
    await run(database, ITEMS, "alter table item enable row level security", "grant select on item to public")
    await run(database, "create publication milepost_erp for table item")
    erp = items("erp", postgres.dsn(name_of(database), "erp_screened"))
    with pytest.raises(StartError, match=r"row security hides rows from its role: public\.item"):
        await prepare(erp, None)
    await run(database, "alter table item disable row level security")
    await prepare(erp, None)


async def test_a_publication_of_all_tables_is_made_one_of_those_that_are_read(database: str) -> None:
    await run(database, ITEMS, "create table other (id int)", "create publication milepost_erp for all tables")
    await prepare(items("erp", database), None)
    published = "select string_agg(tablename, ' ') from pg_publication_tables where pubname = 'milepost_erp'"
    assert await ask(database, published) == "item"


async def test_a_table_with_full_replica_identity_needs_no_key(database: str) -> None:
    await run(database, "create table item (id int)", "alter table item replica identity full")
    await check(items("erp", database))


async def test_a_role_that_may_not_replicate(postgres: Postgres, database: str) -> None:
    await postgres.create_role("erp_reader")
    await run(database, ITEMS)
    assert "may not replicate" in await refused(items("erp", postgres.dsn(name_of(database), "erp_reader")))


@pytest.mark.parametrize("others", [None, "create publication milepost_erp for table other"])
async def test_a_role_that_may_not_publish(others: str | None, postgres: Postgres, database: str) -> None:
    """It may replicate, but the tables are another's, who can make or mend the publication in its place."""
    await postgres.create_role("erp_replica", replication=True)
    await run(database, ITEMS, "create table other (id int primary key)", *([others] if others else []))
    erp = items("erp", postgres.dsn(name_of(database), "erp_replica"))
    _, _, statement = (await refused(erp)).partition("let the owner run ")
    await run(database, statement.strip("`"))
    await check(erp)


async def test_an_encoding_that_is_none(postgres: Postgres) -> None:
    """F23: what is no UTF-8 in it would be shown as other letters."""
    admin = postgres.dsn("postgres")
    await run(admin, "create database bytes encoding 'SQL_ASCII' template template0 locale 'C'")
    try:
        await run(postgres.dsn("bytes"), ITEMS)
        assert "its encoding is SQL_ASCII" in await refused(items("erp", postgres.dsn("bytes")))
    finally:
        await run(admin, "drop database bytes")


async def test_the_slot_of_another_database(postgres: Postgres, database: str) -> None:
    await run(database, ITEMS)
    await run(database, "select pg_create_logical_replication_slot('milepost_erp', 'pgoutput')")
    await postgres.create_database("elsewhere")
    elsewhere = postgres.dsn("elsewhere")
    await run(elsewhere, "drop table if exists item", ITEMS)
    assert "belongs to database" in await refused(items("erp", elsewhere))
    await run(postgres.dsn("postgres"), "drop database elsewhere")


async def test_a_source_that_is_down_may_come_up(database: str) -> None:
    with pytest.raises(TransientError, match="source erp"):
        await check(items("erp", "postgresql://nobody@127.0.0.1:9/erp"))


async def test_nothing_is_made_when_one_source_is_refused(database: str, data: Path) -> None:
    await run(database, ITEMS)
    source = EngineSource([items("erp", database), items("east", database.replace("milepost:", "x:"))], data / "engine")
    with pytest.raises(StartError, match="source east"):
        async with source.open({}):
            pass
    assert source.child_pid is None
    assert await ask(database, READERS) == 0


async def test_too_little_memory_for_java(database: str, data: Path) -> None:
    await run(database, ITEMS)
    source = EngineSource([items("erp", database)], data / "engine", heap_mb=1)
    with pytest.raises(StartError, match="the capture engine ended"):
        async with source.open({}):
            pass

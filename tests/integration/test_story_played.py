"""The demo's story in real databases: legal at every commit, settled at the end, resumed after any kill."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import fields, replace
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest

from app.postgres import Postgres
from demo.databases import APP_ROLES, CAPTURE_ROLE, PUBLICATIONS, Passwords, SourceDatabases, create_databases
from demo.player import Played, play
from demo.story import Story
from demo.trouble import CALM, Trouble
from orders.errors import StartError
from tests.controls.crash_projector import Part
from tests.controls.sql import session

HERE = Path(__file__).parent
TROUBLED = Trouble(**{field.name: 0.25 for field in fields(Trouble)})
_numbers = count(1)

UNSETTLED_ERP = """
select (select count(*) from ordhdr where ordsts not in ('60', '90', '95'))
    + (select count(*) from ordhdr where ordsts = '60' and hldcd is not null)
    + (select count(*) from ordlin where qtybko > 0)
    + (select count(*) from invhdr where invsts in ('O', 'D'))
    + (select count(*) from rtnhdr where rtnsts in ('A', 'T', 'R') )
    + (select count(*) from shppst where whs = 'EA' and whsref is null)
    + (select count(*) from invbal where qtyal <> 0)
"""
UNSETTLED_EAST = """
select (select count(*) from wh_order where state not in ('SHIPPED', 'SHORT', 'CANCELLED'))
    + (select count(*) from wh_shipment where not void and shipped_at is null)
    + (select count(*) from wh_stock where allocated <> 0)
"""
POSTED = "select whsref, trkno, linno, qtyshp, ordno::text from shppst join shppsl using (pstno) where whs = 'EA'"
SHIPPED = """
select s.code, s.tracking_no, l.line, l.qty, o.client_ref from wh_shipment s
join wh_shipment_line l on l.shipment_id = s.id join wh_order o on o.id = s.order_id where not s.void
"""
ERP_STOCK = "select itmno, qtyoh from invbal where whs = 'EA'"
EAST_STOCK = "select sku, on_hand from wh_stock"
TABLES = "select schemaname || '.' || tablename from pg_tables where schemaname in ('public', 'demo') order by 1"
DUMP = "select format('select md5(string_agg(t::text, chr(10) order by t::text)) from %s t', $1::regclass)"
PROGRESS = "select coalesce(max(step), 0) from demo.demo_progress"
TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> $2"
PUBLISHED = "select schemaname || '.' || tablename from pg_publication_tables where pubname = $1 order by 1"
READABLE = "select row(has_table_privilege($1, 'select'), has_table_privilege($1, 'insert, update, delete, truncate'))"
CHILDLESS = "select count(*) from ordhdr o where not exists (select from ordlin l where l.ordno = o.ordno)"
DROP = "select format('drop database if exists %I with (force)', $1::text)"

Sources = Callable[[], Awaitable[SourceDatabases]]


@pytest.fixture
async def sources(postgres: Postgres) -> AsyncIterator[Sources]:
    """Makes the two source databases, empty and new at every call."""
    names: list[str] = []

    async def make() -> SourceDatabases:
        number = next(_numbers)
        names.extend((f"story_erp_{number}", f"story_east_{number}"))
        return await create_databases(
            postgres.dsn("postgres"), await passwords(postgres), erp=names[-2], east=names[-1]
        )

    yield make
    async with session(postgres.dsn("postgres")) as db:
        for name in names:
            await db.execute(await db.fetchval(DROP, name))


async def passwords(postgres: Postgres) -> Passwords:
    """What the server keeps for the roles, so that no other test's DSN goes stale."""
    kept: dict[str, str] = {}
    for role in (*APP_ROLES.values(), CAPTURE_ROLE):
        await postgres.create_role(role, replication=role == CAPTURE_ROLE)
        kept[role] = unquote(urlsplit(postgres.dsn("postgres", role)).password or "")
    return Passwords(erp=kept["erp_app"], east=kept["east_app"], capture=kept[CAPTURE_ROLE])


async def watched(sources: Sources) -> SourceDatabases:
    """Databases that refuse what is illegal there."""
    databases = await sources()
    for dsn, rules in ((databases.erp, "test_story_erp.sql"), (databases.east, "test_story_east.sql")):
        async with session(dsn) as db:
            await db.execute((HERE / rules).read_text())
    return databases


async def fetch(dsn: str, sql: str) -> list[tuple[object, ...]]:
    async with session(dsn) as db:
        return sorted(tuple(row) for row in await db.fetch(sql))


async def dumped(databases: SourceDatabases) -> Mapping[str, str]:
    """A hash of every table's rows."""
    return {**await _hashes(databases.erp), **await _hashes(databases.east)}


async def _hashes(dsn: str) -> Mapping[str, str]:
    async with session(dsn) as db:
        tables = [row[0] for row in await db.fetch(TABLES)]
        return {table: await db.fetchval(await db.fetchval(DUMP, table)) for table in tables}


async def is_settled(databases: SourceDatabases) -> bool:
    erp, east = await fetch(databases.erp, UNSETTLED_ERP), await fetch(databases.east, UNSETTLED_EAST)
    return erp == [(0,)] and east == [(0,)]


async def play_all(story: Story, databases: SourceDatabases) -> Played:
    return await play(story, databases.erp, databases.east, rate=None)


@pytest.mark.parametrize("trouble", [CALM, Trouble(), TROUBLED], ids=["calm", "usual", "troubled"])
async def test_every_commit_is_legal_and_the_end_is_settled(sources: Sources, trouble: Trouble) -> None:
    databases = await watched(sources)
    played = await play_all(Story(3, 120, trouble), databases)
    assert played.orders == 120
    assert await is_settled(databases)


async def test_every_trouble_alone_and_always_is_legal(sources: Sources) -> None:
    databases = await watched(sources)
    for seed, field in enumerate(fields(Trouble)):
        await play_all(Story(seed, 4, replace(CALM, **{field.name: 1.0})), databases)
        assert await is_settled(databases), field.name
        await wipe(databases)


async def wipe(databases: SourceDatabases) -> None:
    async with session(databases.erp) as erp, session(databases.east) as east:
        await erp.execute("truncate cusmst, itmmst, invbal, demo.demo_progress cascade")
        await east.execute("truncate wh_order, wh_stock, demo.demo_progress cascade")


async def test_both_systems_agree_at_the_end(sources: Sources) -> None:
    databases = await sources()
    await play_all(Story(4, 100, replace(TROUBLED, own_warehouse=0.0)), databases)
    posted = await fetch(databases.erp, POSTED)
    assert len(posted) > 100
    assert posted == await fetch(databases.east, SHIPPED)
    assert await fetch(databases.erp, ERP_STOCK) == await fetch(databases.east, EAST_STOCK)


async def test_what_is_counted_is_what_was_written(sources: Sources) -> None:
    databases = await sources()
    seen: list[Played] = []
    story = Story(5, 30)
    played = await play(story, databases.erp, databases.east, rate=None, on_step=seen.append)
    assert played == seen[-1]
    assert played.transactions == len(seen) == len(list(story))
    assert await fetch(databases.erp, "select count(*) from ordhdr") == [(played.orders,)]
    assert played.changes == sum(len(step.statements) for step in story)


@pytest.mark.parametrize("seed", range(2))
async def test_killed_anywhere_it_resumes_to_the_same_end(sources: Sources, seed: int) -> None:
    story, whole, killed = Story(seed, 40, TROUBLED), await sources(), await sources()
    length = (await play_all(story, whole)).transactions
    for target in sorted(random.Random(seed).sample(range(1, length * 3 // 4), 3)):
        await kill_at(target, story, length - 1, killed)
        assert 0 < await progress(killed) < length
    rest = await play_all(story, killed)
    assert 0 < rest.resumed < length
    assert await dumped(killed) == await dumped(whole)


async def kill_at(target: int, story: Story, last: int, databases: SourceDatabases) -> None:
    """Play up to the last step in a process of its own, and kill that as soon as a database holds the target."""
    script = (
        "import asyncio, sys; from tests.integration.test_story_played import child; asyncio.run(child(*sys.argv[1:]))"
    )
    arguments = (str(story.seed), str(story.orders), str(last), databases.erp, databases.east)
    player = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *arguments)
    async with asyncio.timeout(60), session(databases.erp) as erp:
        while await erp.fetchval(PROGRESS) < target and player.returncode is None:  # noqa: ASYNC110 (its process cannot tell)
            await asyncio.sleep(0.002)
    if player.returncode is None:
        os.kill(player.pid, signal.SIGKILL)
    assert await player.wait() == -signal.SIGKILL


async def child(seed: str, orders: str, last: str, erp: str, east: str) -> None:
    """What the killed process runs, slowly; it does not end by itself."""
    await play(Part(int(seed), int(orders), TROUBLED, steps=int(last)), erp, east, rate=200)
    await asyncio.Event().wait()


async def progress(databases: SourceDatabases) -> int:
    async with session(databases.erp) as erp, session(databases.east) as east:
        return max(int(await erp.fetchval(PROGRESS)), int(await east.fetchval(PROGRESS)))


async def test_a_lost_connection_is_raised_and_the_next_play_goes_on(sources: Sources, postgres: Postgres) -> None:
    story, whole, cut = Story(9, 40), await sources(), await sources()
    await play_all(story, whole)
    async with session(postgres.dsn("postgres")) as admin:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
            await asyncio.gather(play_all(story, cut), cut_off(admin, cut))
    await play_all(story, cut)
    assert await dumped(cut) == await dumped(whole)


async def cut_off(admin: asyncpg.Connection, databases: SourceDatabases) -> None:
    async with asyncio.timeout(60), session(databases.east) as east:
        while not await east.fetchval(PROGRESS):  # noqa: ASYNC110 (the player tells only when a batch is done)
            await asyncio.sleep(0)
        name, mine = urlsplit(databases.east).path[1:], east.get_server_pid()
        await admin.fetch(TERMINATE, name, mine)


async def test_another_story_is_refused(sources: Sources) -> None:
    databases = await sources()
    await play_all(Story(1, 2), databases)
    with pytest.raises(StartError, match="holds the story 1/2/"):
        await play_all(Story(2, 2), databases)


async def test_a_rate_paces_the_story(sources: Sources) -> None:
    databases = await sources()
    loop = asyncio.get_running_loop()
    began = loop.time()
    story = Story(1, 3)
    await play(story, databases.erp, databases.east, rate=600)
    first, *_, last = story
    assert loop.time() - began >= (last.at - first.at).total_seconds() / (600 * 1800)


async def test_making_the_databases_again_changes_nothing(sources: Sources, postgres: Postgres) -> None:
    databases = await sources()
    await play_all(Story(1, 2), databases)
    before = await dumped(databases)
    erp, east = (urlsplit(dsn).path[1:] for dsn in (databases.erp, databases.east))
    again = await create_databases(postgres.dsn("postgres"), await passwords(postgres), erp=erp, east=east)
    assert again == databases
    assert await dumped(again) == before


async def test_capture_reads_every_business_table_and_writes_none(sources: Sources) -> None:
    databases = await sources()
    for dsn, publication in zip((databases.erp_capture, databases.east_capture), PUBLICATIONS.values(), strict=True):
        async with session(dsn) as db:
            tables = [row[0] for row in await db.fetch(TABLES) if row[0].startswith("public.")]
            published = await db.fetch(PUBLISHED, publication)
            assert tables == [row[0] for row in published]
            for table in tables:
                assert await db.fetchval(READABLE, table) == (True, False)
            assert await db.fetchval("select rolreplication from pg_roles where rolname = current_user")


async def test_what_others_insert_does_not_meet_the_story(sources: Sources) -> None:
    databases = await sources()
    await play_all(Story(1, 20, replace(CALM, credit_holds=1.0)), databases)
    async with session(databases.erp) as db:
        number = await db.fetchval(
            "insert into ordhld (ordno, actcd, usrid, hlddt) values (100001, 'H', 'ME', now()) returning hldid"
        )
    assert number > 1_000_000_000


async def test_all_statements_of_a_step_fail_together(sources: Sources) -> None:
    databases = await sources()
    async with session(databases.erp) as db:
        await db.execute("alter table ordlin add check (linno < 6)")
    with pytest.raises(asyncpg.CheckViolationError):
        await play_all(Story(1, 200), databases)
    assert await fetch(databases.erp, CHILDLESS) == [(0,)]
    assert await fetch(databases.erp, "select count(*) > 0 from ordhdr") == [(True,)]

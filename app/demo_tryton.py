"""The demo over a real ERP: Tryton in the embedded Postgres, and the life of sales in it, step by step."""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import asyncpg

from app.demo import SETTLED_WITHIN, Summary, first_order, invite, settled_verdict, watch_and_tell
from app.demo import summary as summary_of
from app.folder import default_folder
from app.keys import passwords
from app.postgres import Postgres
from app.runtime import running
from app.settings import Config, Settings, SourceSettings
from app.verifying import Verdict
from demo.databases import CAPTURE_ROLE
from demo.player import Played
from demo.tryton.child import Tryton, require, tryton
from demo.tryton.database import DATABASE, OWNER, discard, is_published, publish
from demo.tryton.story import STORY
from orders.errors import TransientError

Say = Callable[[str], None]

_SEEN = "select coalesce(sum(seen), 0)::bigint from record.checkpoint"
_OVER = """
select count(*) from graph.orders where number = any($1) and delivery = 'DELIVERED' and financial = 'INVOICED'
"""


async def make_tryton(data: Path, say: Say, postgres: Postgres) -> Sequence[SourceSettings]:
    """Tryton's database, filled and open to capture. Safe to repeat; one that was not finished is made anew."""
    await postgres.create_role(OWNER)
    await postgres.create_role(CAPTURE_ROLE, replication=True)
    if not await is_published(postgres.dsn(DATABASE)):
        await fill(data, say, postgres)
    return [SourceSettings("tryton", "tryton", postgres.dsn(DATABASE, CAPTURE_ROLE), postgres.dsn(DATABASE, OWNER))]


async def fill(data: Path, say: Say, postgres: Postgres) -> None:
    say("Tryton makes its database: about two minutes, only this once")
    await discard(postgres.dsn("postgres"))
    await postgres.create_database(DATABASE, OWNER)
    async with opened(data, postgres.dsn(DATABASE, OWNER), fill=True):
        await publish(postgres.dsn(DATABASE))


def opened(data: Path, dsn: str, *, fill: bool = False) -> AbstractAsyncContextManager[Tryton]:
    """Tryton at work on its database."""
    return tryton(dsn, passwords(data, ("tryton",))["tryton"], data / "log" / "tryton.log", fill=fill)


async def run_tryton_demo(
    data: Path, config: Config, *, sales: int, rate: float | None, until_done: bool, quiet: bool
) -> Summary | None:
    """As `run_demo`, over Tryton: until the sales are told and verified (`until_done`), else until Ctrl-C; then None.

    `rate` is in steps a second. Raises StartError where Tryton's packages are missing.
    """
    require()
    begun = time.monotonic()
    say = partial(print, file=sys.stderr if quiet else sys.stdout, flush=True)
    async with running(data, config, say, partial(make_tryton, data, say)) as supervisor:
        say(supervisor.banner())
        settings = Settings.load(data)
        if until_done:
            first = asyncio.create_task(first_order(data, begun))
            told = await tell(settings, say, sales, None)
            verdict = await told_verdict(settings, told)
            return await summary_of(settings, await played(settings, told), verdict, await first, begun)
        invite(say, data, settings, order="1")
        telling = partial(tell_all, settings, sales, rate)
        await watch_and_tell(data, settings, telling, supervisor.wait, title="Milepost demo over Tryton")
    if until_done:
        raise supervisor.early_exit()
    return None


async def tell_all(settings: Settings, sales: int, rate: float | None) -> Played:
    """In silence, since the board is on the screen."""
    return await played(settings, await tell(settings, lambda line: None, sales, rate))


async def tell(settings: Settings, say: Say, sales: int, rate: float | None) -> list[str]:
    """Each sale from its draft to its last invoice; returns their numbers. `rate` is in steps a second."""
    (source,) = settings.sources
    assert source.write_dsn is not None
    async with opened(settings.data, source.write_dsn) as erp:
        return [await tell_sale(erp, say, rate) for _ in range(sales)]


async def tell_sale(erp: Tryton, say: Say, rate: float | None) -> str:
    number = ""
    for step, told in STORY:
        made = await erp.step(step, number)
        number = made if step in ("draft", "quote") else number
        say(f"sale {number}: {told}")
        await asyncio.sleep(1 / rate if rate else 0)
    return number


async def played(settings: Settings, told: Sequence[str]) -> Played:
    """What the capture has brought since the data folder was made, as Tryton does not count its changes."""
    db = await asyncpg.connect(settings.graph_dsn)
    try:
        return Played(orders=len(told), changes=await db.fetchval(_SEEN))
    finally:
        await db.close()


async def told_verdict(settings: Settings, told: Sequence[str]) -> Verdict:
    """As `milepost verify` finds it once the told sales have come to their end in the graph.

    Raises TransientError when they do not.
    """
    db = await asyncpg.connect(settings.graph_dsn)
    try:
        await over(db, told)
    finally:
        await db.close()
    return await settled_verdict(settings)


async def over(db: asyncpg.Connection, told: Sequence[str]) -> None:
    """Wait until all these sales are delivered and invoiced in the graph."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while await db.fetchval(_OVER, told) < len(told):
        if time.monotonic() > deadline:
            raise TransientError(f"the graph does not show the sales {', '.join(told)} to their end: see the logs")
        await asyncio.sleep(0.05)


def tryton_folder(data: Path | None) -> Path:
    """Apart from an installation's, and from the other demo's."""
    return data or default_folder() / "demo-tryton"

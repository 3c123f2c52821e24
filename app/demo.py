"""The demo: a legacy ERP and 3PL East in the embedded Postgres, a story that moves them, a board that shows it."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import asyncpg
from msgspec import Struct

from adapters.origins import DirectSource
from app.folder import default_folder
from app.keys import ensure_keys, passwords, token
from app.postgres import Postgres
from app.runtime import running
from app.settings import Config, Settings, SourceSettings
from app.verifying import Verdict, verify
from demo.databases import Passwords, create_databases
from demo.player import Played, play
from demo.story import Story
from demo.watching import watch
from orders.outages import FAILED

QUERIES = Path(__file__).parent / "sql" / "demo_queries.graphql"
AGAIN = 0.2
"""Seconds until what failed is tried again."""
SETTLED_WITHIN = 120.0
"""Seconds that the graph may take to catch up with a finished story."""


class Summary(Struct, frozen=True):
    """What `--until-done --json` prints; seconds since the start of the command."""

    orders: int
    changes: int
    feed_events: int
    dead_letters: int
    verified: bool
    seconds_to_first_order: float | None
    seconds: float


async def make_sources(data: Path, postgres: Postgres) -> Sequence[SourceSettings]:
    secret = passwords(data, ("erp", "east", "capture"))
    made = await create_databases(postgres.dsn("postgres"), Passwords(**secret))
    return [
        SourceSettings("erp", "erp_legacy", made.erp_capture, made.erp),
        SourceSettings("east", "wms_east", made.east_capture, made.east),
    ]


async def run_demo(
    data: Path, config: Config, story: Story, *, rate: float | None, until_done: bool, quiet: bool
) -> Summary | None:
    """Until the story is told and verified (`until_done`), else until Ctrl-C; then None. As `Supervisor.early_exit`."""
    begun = time.monotonic()
    say = partial(print, file=sys.stderr if quiet else sys.stdout, flush=True)
    async with running(data, config, say, partial(make_sources, data)) as supervisor:
        say(supervisor.banner())
        settings = Settings.load(data)
        first = asyncio.create_task(first_order(data, begun))
        telling = partial(tell, data, story, rate)
        if until_done:
            played = await telling()
            verdict = await settled_verdict(settings)
            return await summary(settings, played, verdict, await first, begun)
        invite(say, data, settings)
        first.cancel()
        await watch_and_tell(data, settings, telling, supervisor.wait)
    if until_done:
        raise supervisor.early_exit()
    return None


async def tell(data: Path, story: Story, rate: float | None) -> Played:
    """To its end, however often the databases go away meanwhile."""
    while True:
        erp, east = (source.write_dsn for source in Settings.load(data).sources)
        assert erp is not None
        assert east is not None
        with suppress(*FAILED):
            return await play(story, erp, east, rate=rate)
        await asyncio.sleep(AGAIN)


async def first_order(data: Path, begun: float) -> float:
    """Seconds until an order is visible in the graph."""
    while True:
        with suppress(*FAILED):
            await _order_is_visible(Settings.load(data).graph_dsn)
            return round(time.monotonic() - begun, 2)
        await asyncio.sleep(AGAIN)


async def _order_is_visible(dsn: str) -> None:
    db = await asyncpg.connect(dsn)
    try:
        while not await db.fetchval("select exists (select from graph.orders)"):  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0.02)
    finally:
        await db.close()


async def settled_verdict(settings: Settings) -> Verdict:
    """Verify once nothing more is under way; what then differs is wrong."""
    sources = [DirectSource(s.name, s.adapter, s.dsn) for s in settings.sources]
    return await verify(settings.graph_dsn, sources, settle_within=SETTLED_WITHIN)


async def summary(settings: Settings, played: Played, verdict: Verdict, first: float | None, begun: float) -> Summary:
    db = await asyncpg.connect(settings.graph_dsn)
    try:
        events = await db.fetchval("select count(*) from record.feed")
        dead = await db.fetchval("select count(*) from record.dead_letter")
    finally:
        await db.close()
    return Summary(
        orders=played.orders,
        changes=played.changes,
        feed_events=events,
        dead_letters=dead,
        verified=verdict.verified,
        seconds_to_first_order=first,
        seconds=round(time.monotonic() - begun, 2),
    )


def invite(say: Callable[[str], None], data: Path, settings: Settings, order: str = "100001") -> None:
    """Where to ask, with what, and three questions to paste, one of them for an order by its number."""
    ensure_keys(data)
    secret = token(data, "demo", "admin")
    url = f"http://{settings.host}:{settings.port}/graphql"
    say(f"\nGraphQL  {url}\nIn a browser  {url}#token={secret}\nToken  {secret}\n")
    queries = QUERIES.read_text().replace('"100001"', f'"{order}"')
    say(f"Three queries to paste:\n{queries}")


async def watch_and_tell(
    data: Path,
    settings: Settings,
    telling: Callable[[], Coroutine[None, None, Played]],
    wait: Callable[[], Coroutine[None, None, None]],
    title: str = "Milepost demo",
) -> None:
    """The board, while the story goes on; then the board alone, until Ctrl-C."""
    url = f"http://{settings.host}:{settings.port}/graphql"
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(url, token(data, "board", "admin"), title=title))
        group.create_task(telling())
        group.create_task(wait())


def demo_folder(data: Path | None) -> Path:
    """The demo's own folder, apart from an installation's."""
    return data or default_folder() / "demo"


def summary_text(summary: Summary) -> str:
    """For people."""
    return (
        f"{summary.orders} orders, {summary.changes} changes, {summary.feed_events} feed events, "
        f"{summary.dead_letters} dead letters in {summary.seconds} s; "
        f"the first order was visible after {summary.seconds_to_first_order} s\n"
        f"graph = ledger's replay = sources at rest: {'verified' if summary.verified else 'NOT verified'}"
    )

"""`milepost rebuild`, for people."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from app.capture import mappings
from app.connectors import FAILED, Connectors, captured
from app.deadletters import difference_line
from app.settings import Settings, SourceSettings
from orders.errors import NotFoundError, RejectedError, TransientError
from projections.database import SQL, Connection
from projections.rebuild.crew import Workers, cores
from projections.rebuild.report import MOST, Shown
from projections.rebuild.run import Rebuild, Report, drop_old, locked
from projections.rebuild.some import Orders
from projections.requests import CHANNEL

SECONDS = 60.0
"""In which a projector begins with a snapshot that is asked for."""
_SESSION = {
    "application_name": "milepost rebuild",
    "timezone": "UTC",
    "jit": "off",
    "work_mem": "64MB",
    "maintenance_work_mem": "128MB",
}
_WORKER = _SESSION | {
    "application_name": "milepost rebuild worker",
    "synchronous_commit": "off",
    "plan_cache_mode": "force_custom_plan",  # a part of a table is small, which is not seen in a plan for any part
}
MOST_CORES = 4
"""Postgres is to have some for those who read."""


async def rebuilt_text(
    settings: Settings, say: Callable[[str], None], *, dry_run: bool, workers: int | None = None
) -> str:
    """What became, or would become, of the graph. Raises MilepostError."""
    async with connected(settings.graph_dsn) as connection, connected(settings.graph_dsn) as reader:
        others = workers_of(settings.graph_dsn, workers)
        return text(await Rebuild(connection, reader, mappings(settings), say, others).run(dry_run=dry_run))


async def mended_text(
    settings: Settings, orders: Sequence[str], table: str | None, say: Callable[[str], None], *, dry_run: bool
) -> str:
    """What became, or would become, of these orders, and of those with facts of the table. Raises MilepostError."""
    differ, told = 0, 0
    async with connected(settings.graph_dsn) as connection:
        await locked(connection)
        some = Orders(connection, mappings(settings))
        wanted = [*orders, *(await some.of_table(*named(table)) if table else ())]
        for order in dict.fromkeys(wanted):
            mended = await some.mend(order, dry_run=dry_run)
            differ, told = differ + len(mended.shown), told + mended.events
            for each in mended.shown:
                say("\n".join(order_lines(each)))
    return f"{differ} orders differ; the feed {'would tell' if dry_run else 'tells'} {told} events of it"


def named(table: str) -> tuple[str, str]:
    """Raises RejectedError."""
    source, dot, name = table.partition(".")
    if not dot:
        raise RejectedError(f"--table {table}: write SOURCE.TABLE, as in erp.public.ordhdr")
    return source, name


async def read_anew_text(settings: Settings, name: str, say: Callable[[str], None]) -> str:
    """Once the snapshot is whole. Raises MilepostError, TransientError when no projector begins with one."""
    source = next((each for each in settings.sources if each.name == name), None)
    if source is None:
        raise NotFoundError(
            f"there is no source {name}: name one of {', '.join(each.name for each in settings.sources)}"
        )
    async with connected(settings.graph_dsn) as connection:
        epoch = await _asked(connection, settings, source)
        say(f"a new snapshot of {name} is asked for")
        deadline = time.monotonic() + SECONDS
        while not (state := await connection.fetchrow(SQL["read_anew"], name, epoch)) or not state["whole"]:
            if state and state["begun"]:
                deadline = math.inf
            if time.monotonic() > deadline:
                raise TransientError("no projector has begun with it yet: it runs with `milepost up`")
            await asyncio.sleep(0.1)
    return f"{name} was read anew"


async def _asked(connection: Connection, settings: Settings, source: SourceSettings) -> int:
    """The epoch that the source is in before. Raises MilepostError."""
    ask = SQL["ask_anew"] if settings.kafka is None else SQL["epoch_of"]
    epoch: int | None = await connection.fetchval(ask, source.name)
    if epoch is None:
        raise TransientError(f"{source.name} was never read yet")
    if settings.kafka is None:
        await connection.execute("select pg_notify($1, '')", CHANNEL)
    else:
        found = await Connectors(settings.kafka).restart(captured(source, settings.kafka), snapshot=True)
        if found.state == FAILED:
            raise TransientError(f"connector {found.name} is {found.state}: {found.trouble}")
    return epoch


async def drop_text(settings: Settings) -> str:
    async with connected(settings.graph_dsn) as connection:
        return "the old graph is gone" if await drop_old(connection) else "there is no old graph"


def workers_of(dsn: str, count: int | None = None) -> Workers | None:
    """So many, or one more than there are cores: of a worker and its session in Postgres one waits for the other."""
    wanted = min(cores(), MOST_CORES) + 1 if count is None else count
    return Workers(partial(asyncpg.connect, dsn, timeout=30, server_settings=_WORKER), wanted) if wanted > 0 else None


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn, timeout=5, server_settings=_SESSION)
    try:
        yield connection
    finally:
        await connection.close()


def text(report: Report) -> str:
    orders, events, corrections = report.counts
    would = "" if report.swapped else "would "
    lines = [line for each in report.shown for line in order_lines(each)]
    lines += [f"… and {orders - MOST} orders more"] if orders > MOST else []
    lines += [f"{count} rows of {table} that are no order's differ" for table, count in report.others.items()]
    lines += [f"nothing can be derived of {tree}" for tree in report.underivable]
    lines.append(
        f"{orders} orders differ; the feed {would}tell{'s' if report.swapped else ''} "
        f"{events} events of it, {corrections} of them corrections"
    )
    lines.append(
        "the new graph is read; `milepost rebuild --drop-old` drops the old one"
        if report.swapped
        else "nothing was changed"
    )
    return "\n".join(lines)


def order_lines(shown: Shown) -> list[str]:
    return [f"order {shown.order}", *map(difference_line, shown.differences)]

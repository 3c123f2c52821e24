"""`milepost rebuild` and `milepost snapshot`: what is done, and how it is told."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import ClassVar, TypeAlias

import asyncpg
from msgspec import Struct

from app.capture import mappings
from app.connectors import FAILED, Connectors, captured
from app.deadletters import difference_line
from app.settings import Settings, SourceSettings
from orders.errors import NotFoundError, RejectedError, TransientError
from projections.database import SQL, Connection
from projections.rebuild.crew import Workers, cores
from projections.rebuild.report import MOST, Shown
from projections.rebuild.run import Rebuild, drop_old, locked
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
Say: TypeAlias = Callable[[str], None]


class Rebuilt(Struct, frozen=True):
    """What became, or would have become, of the graph. `shown` has the first of the `orders` that differ.

    `changes` were read of the ledger, `others` are rows that differ and are no order's, by table; of the trees
    `underivable` nothing can be derived.
    """

    swapped: bool
    changes: int
    orders: int
    events: int
    corrections: int
    others: dict[str, int]
    underivable: list[str]
    shown: list[Shown]

    @property
    def well(self) -> bool:
        return not self.underivable

    @property
    def text(self) -> str:
        return "\n".join(_lines(self))


class Corrected(Struct, frozen=True):
    """What became, or would have become, of some orders: those that differ, and the events that tell of it."""

    written: bool
    orders: int
    events: int
    shown: list[Shown]
    well: ClassVar = True

    @property
    def text(self) -> str:
        tells = "tells" if self.written else "would tell"
        return f"{self.orders} orders differ; the feed {tells} {self.events} events of it"


class ReadAnew(Struct, frozen=True):
    """A source that was, and the epoch that all has of it now."""

    source: str
    epoch: int
    well: ClassVar = True

    @property
    def text(self) -> str:
        return f"{self.source} was read anew"


class Dropped(Struct, frozen=True):
    dropped: bool
    well: ClassVar = True

    @property
    def text(self) -> str:
        return "the old graph is gone" if self.dropped else "there is no old graph"


Done: TypeAlias = Rebuilt | Corrected | ReadAnew | Dropped
"""`well`: nothing is left for somebody to do."""


async def rebuilt(settings: Settings, say: Say, *, dry_run: bool, workers: int | None = None) -> Rebuilt:
    """Raises MilepostError."""
    async with connected(settings.graph_dsn) as connection, connected(settings.graph_dsn) as reader:
        others = workers_of(settings.graph_dsn, workers)
        report = await Rebuild(connection, reader, mappings(settings), say, others).run(dry_run=dry_run)
    return Rebuilt(report.swapped, report.changes, *report.counts, report.others, report.underivable, report.shown)


async def corrected(
    settings: Settings, orders: Sequence[str], table: str | None, say: Say, *, dry_run: bool
) -> Corrected:
    """These orders, and those with facts of the table, each told when it is done. Raises MilepostError."""
    found, events = list[Shown](), 0
    async with connected(settings.graph_dsn) as connection:
        await locked(connection)
        some = Orders(connection, mappings(settings))
        wanted = [*orders, *(await some.of_table(*named(table)) if table else ())]
        for order in dict.fromkeys(wanted):
            mended = await some.mend(order, dry_run=dry_run)
            found, events = [*found, *mended.shown], events + mended.events
            for each in mended.shown:
                say("\n".join(order_lines(each)))
    return Corrected(not dry_run, len(found), events, found)


def named(table: str) -> tuple[str, str]:
    """Raises RejectedError."""
    source, dot, name = table.partition(".")
    if not dot:
        raise RejectedError(f"--table {table}: write SOURCE.TABLE, as in erp.public.ordhdr")
    return source, name


async def read_anew(settings: Settings, name: str, say: Say) -> ReadAnew:
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
        return ReadAnew(name, await connection.fetchval(SQL["epoch_of"], name))


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


async def dropped(settings: Settings) -> Dropped:
    async with connected(settings.graph_dsn) as connection:
        return Dropped(await drop_old(connection))


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


def _lines(done: Rebuilt) -> Iterator[str]:
    for each in done.shown:
        yield from order_lines(each)
    if done.orders > MOST:
        yield f"… and {done.orders - MOST} orders more"
    yield from (f"{count} rows of {table} that are no order's differ" for table, count in done.others.items())
    yield from (f"nothing can be derived of {tree}" for tree in done.underivable)
    yield (
        f"{done.orders} orders differ; the feed {'tells' if done.swapped else 'would tell'} "
        f"{done.events} events of it, {done.corrections} of them corrections"
    )
    yield (
        "the new graph is read; `milepost rebuild --drop-old` drops the old one"
        if done.swapped
        else "nothing was changed"
    )


def order_lines(shown: Shown) -> list[str]:
    return [f"order {shown.order}", *map(difference_line, shown.differences)]

"""The house that is kept: what is old leaves ledger and feed, maybe as files first; letters and requests go with it."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from msgspec import Struct

from app.exporting import Format, export
from app.settings import RetentionConfig
from orders.errors import MilepostError, RejectedError, TransientError
from orders.outages import FAILED
from orders.statements import named_statements
from projections.database import Connection
from projections.partitions import Partition, Table, begin_partition, partitions
from projections.retention import close_if_old, drop, due, settled

log = logging.getLogger("milepost.retention")

EVERY = 60.0
"""Seconds between two looks."""
PARTS = 10
"""Partitions in which what is kept lies."""
GIGABYTE = 10**9
LONGEST, LARGEST = timedelta(days=30), 4 * GIGABYTE
"""A partition of a ledger that is kept for ever; of a large one a tenth of it."""
SQL = named_statements("app", "sql/retention.sql")
_AGE, _SIZE = re.compile(r"(\d+(?:\.\d+)?)([dhm])"), re.compile(r"(\d+(?:\.\d+)?)(GB|MB)")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_SESSION = {"application_name": "milepost retention", "timezone": "UTC", "jit": "off"}


class Limits(Struct, frozen=True):
    """What is to go: where all of a partition is older, or all together are larger than so many bytes."""

    older_than: timedelta | None = None
    larger_than: int | None = None


def limits_of(retention: RetentionConfig, table: Table) -> Limits:
    days = retention.ledger_days if table is Table.LEDGER else retention.feed_days
    size = retention.ledger_gb if table is Table.LEDGER else None
    return Limits(None if days is None else timedelta(days=days), None if size is None else int(size * GIGABYTE))


def age(text: str | None) -> timedelta | None:
    """`90d`, `12h` or `30m`. Raises RejectedError."""
    if text is None:
        return None
    if not (found := _AGE.fullmatch(text)):
        raise RejectedError(f"{text} is no age; say 90d, 12h or 30m")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def size(text: str | None) -> int | None:
    """`20GB` or `500MB`, in bytes. Raises RejectedError."""
    if text is None:
        return None
    if not (found := _SIZE.fullmatch(text)):
        raise RejectedError(f"{text} is no size; say 20GB or 500MB")
    return int(float(found[1]) * {"GB": GIGABYTE, "MB": 10**6}[found[2]])


@asynccontextmanager
async def keeping(dsn: str) -> AsyncIterator[Connection]:
    """A connection of whoever alone may drop something, or rebuild. Raises TransientError when another one does."""
    connection = await asyncpg.connect(dsn, timeout=30, server_settings=_SESSION)
    try:
        if not await connection.fetchval(SQL["only_keeper"]):
            raise TransientError("a rebuild or another one who drops partitions is at work; try again later")
        yield connection
    finally:
        await connection.close()


async def going(
    connection: Connection, table: Table, limits: Limits, now: datetime, *, closing: bool = True
) -> list[Partition]:
    """The partitions that may go. With `closing` the newest is closed first where it is old, too."""
    if limits.older_than is not None and closing:
        await close_if_old(connection, table, now, limits.older_than)
    return due(await partitions(connection, table), now, limits.older_than, limits.larger_than)


async def begin_if_due(connection: Connection, table: Table, limits: Limits, now: datetime) -> None:
    """Keep partitions so small that a tenth of what is kept goes at a time.

    A feed that is kept for ever stays in one partition, since readers look into all of them.
    """
    if table is Table.FEED and limits.older_than is None:
        return
    found = await partitions(connection, table)
    longest = LONGEST if limits.older_than is None else limits.older_than / PARTS
    largest = (limits.larger_than or max(sum(each.size for each in found), LARGEST * PARTS)) / PARTS
    newest = found[-1]
    if newest.first is not None and (newest.first < now - longest or newest.size > largest):
        await begin_partition(connection, table)


async def tidy(connection: Connection, retention: RetentionConfig, now: datetime) -> list[Partition]:
    """One look: begin, export and drop partitions, forget letters and requests; which partitions went.

    One that cannot be exported stays. Raises what `export` and `drop` raise.
    """
    gone = list[Partition]()
    for table in Table:
        limits = limits_of(retention, table)
        await begin_if_due(connection, table, limits, now)
        for partition in await going(connection, table, limits, now):
            if retention.export is not None:
                await settled(connection, partition)
                await export(connection, partition, Path(retention.export), retention.format)
            await drop(connection, partition)
            gone.append(partition)
    if retention.ledger_days is not None:
        before = now - timedelta(days=retention.ledger_days)
        for name in ("forget_letters", "forget_requests"):
            while await connection.fetchval(SQL[name], before):
                pass
    return gone


async def keep_house(dsn: str, retention: RetentionConfig) -> None:
    """For ever."""
    while True:
        try:
            async with keeping(dsn) as connection:
                for each in await tidy(connection, retention, datetime.now(UTC)):
                    log.info("dropped %s: %s", each.name, described(each))
        except TransientError as error:
            log.info("nothing is dropped now: %s", error)
        except (MilepostError, *FAILED) as error:
            log.warning("what is old stays for now: %s", error)
        await asyncio.sleep(EVERY)


async def pruned_text(dsn: str, limits: dict[Table, Limits], *, dry_run: bool) -> str:
    """`milepost ledger prune`: what went, or would go, a line each."""
    now, lines = datetime.now(UTC), list[str]()
    async with keeping(dsn) as connection:
        for table, limit in limits.items():
            for partition in await going(connection, table, limit, now, closing=not dry_run):
                if not dry_run:
                    await drop(connection, partition)
                lines.append(f"{'would drop' if dry_run else 'dropped'} {partition.name}: {described(partition)}")
    return "\n".join(lines) or "nothing to drop: every partition has something that is to stay"


async def exported_text(dsn: str, table: Table, limits: Limits, folder: Path, kind: Format) -> str:
    """`milepost ledger export`: the files, a line each. Without limits all partitions, the newest too."""
    async with keeping(dsn) as connection:
        found = await partitions(connection, table)
        if limits != Limits():
            found = due(found, datetime.now(UTC), limits.older_than, limits.larger_than)
        paths = [await export(connection, each, folder, kind) for each in found if each.first is not None]
    return "\n".join(map(str, paths)) or "nothing to export"


async def listed(dsn: str) -> list[Partition]:
    """Of the ledger, then of the feed; oldest first."""
    connection = await asyncpg.connect(dsn, timeout=30, server_settings=_SESSION)
    try:
        return [each for table in Table for each in await partitions(connection, table)]
    finally:
        await connection.close()


def listed_text(found: Sequence[Partition]) -> str:
    """`milepost ledger list`"""
    return "\n".join(f"{each.name:<20} {described(each)}" for each in found)


def described(partition: Partition) -> str:
    megabytes = f"{partition.size / 10**6:,.1f} MB"
    if partition.first is None or partition.last is None:
        return f"empty, {megabytes}"
    return f"{partition.first:%Y-%m-%d %H:%M} to {partition.last:%Y-%m-%d %H:%M} UTC, {megabytes}"

"""Where a change's time goes: each moment of it, by one machine's clock, matched by its order and its turn."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg

from app.settings import Settings

_LAST = "select coalesce(max(id), 0) from record.ledger"
_ENTRIES = """
select key ->> 'ordno' as order, extract(epoch from committed_at)::float8 as committed,
    extract(epoch from captured_at)::float8 as captured, extract(epoch from projected_at)::float8 as begun,
    extract(epoch from pg_xact_commit_timestamp(xmin))::float8 as projected
from record.ledger where id > $1 and source = 'erp' and tbl = 'public.ordhdr' order by id
"""


@dataclass
class Moments:
    """When something happened to each order's changes, one after the other; seconds since 1970."""

    orders: list[str] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def noted(self) -> int:
        return len(self.orders)

    def note(self, order: str) -> None:
        self.orders.append(order)
        self.times[order].append(time.time())


class Entry(NamedTuple):
    """Of the ledger: when the source committed a change, and Debezium had it; when the transaction that projected it
    began, which is after it was read and mapped, and when that one was committed."""

    committed: float
    captured: float
    begun: float
    projected: float


def turns(written: Moments) -> Iterator[tuple[str, int]]:
    """Order and turn of each change, as they were written."""
    seen: Counter[str] = Counter()
    for order in written.orders:
        yield order, seen[order]
        seen[order] += 1


def pairs(written: Moments, later: Moments) -> Iterator[tuple[float, float]]:
    """Of each change, when it was written and when something came of it."""
    for order, turn in turns(written):
        yield written.times[order][turn], later.times[order][turn]


def hops(written: Moments, entries: Mapping[str, Sequence[Entry]], pushed: Moments) -> dict[str, list[float]]:
    """Hop → seconds of each change."""
    found: dict[str, list[float]] = defaultdict(list)
    for order, turn in turns(written):
        entry = entries[order][turn]
        found["hop 1, statement to commit"].append(entry.committed - written.times[order][turn])
        found["hop 2, commit to captured"].append(entry.captured - entry.committed)
        found["hop 3, captured to projector"].append(entry.begun - entry.captured)
        found["hop 4, projecting"].append(entry.projected - entry.begun)
        found["hop 5, projected to subscriber"].append(pushed.times[order][turn] - entry.projected)
    return dict(found)


async def last_entry(settings: Settings) -> int:
    """The ledger's end."""
    db = await asyncpg.connect(settings.graph_dsn)
    try:
        return int(await db.fetchval(_LAST))
    finally:
        await db.close()


async def entries(settings: Settings, after: int) -> dict[str, list[Entry]]:
    """Order → what the ledger says of its changes behind that entry. Postgres must keep commit timestamps."""
    found: dict[str, list[Entry]] = defaultdict(list)
    db = await asyncpg.connect(settings.graph_dsn)
    try:
        for row in await db.fetch(_ENTRIES, after):
            found[row["order"]].append(Entry(row["committed"], row["captured"], row["begun"], row["projected"]))
    finally:
        await db.close()
    return found

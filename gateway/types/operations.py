"""How the sources are, for the people who run Milepost."""

from datetime import datetime
from typing import NewType

import asyncpg
import strawberry

from gateway.loading import reader
from gateway.tables import Expression
from gateway.types.common import column, one
from gateway.types.freshness import FRESHNESS_BY_SOURCE, Freshness
from gateway.visibility import Rows, visible

COUNTS, MOST_COUNTS = 100, 1000
"""How many values orders are counted by, unless asked for more, and at most."""

BigInt = NewType("BigInt", int)
"""A whole number that may be beyond 32 bits; JSON carries it exactly up to 2^53."""

BIG_INT = strawberry.scalar(
    name="BigInt",
    description="A whole number, exact up to 2^53.",
    serialize=int,
    parse_value=int,
)

POSITION = Expression(
    "{t}.epoch || '/' || upper(to_hex({t}.log >> 32) || '/' || to_hex({t}.log & 4294967295)) || '/' || {t}.ordinal"
)
"""Null where nothing was read."""


@visible("record.source_state", "record.checkpoint", rows=Rows())
@strawberry.federation.type(description="A captured database, how far it is projected, and what became of its changes.")
class Source:
    name: str = column("Its name.")
    state: str | None = column("starting, snapshotting, streaming or failed; null: nobody captures it.")
    detail: str | None = column("Why it failed.")
    position: str | None = column("The place in its log up to which it is projected.", plan=POSITION)
    snapshotting: bool = column("Its first state is still being read.")
    seen: BigInt = column("Changes that it had: applied + superseded + dead-lettered + filtered.")
    applied: BigInt = column("Changes that are in the graph.")
    superseded: BigInt = column("Changes that were older than what was known.")
    dead_lettered: BigInt = column("Changes that nobody could use.")
    filtered: BigInt = column("Changes that no mapping wants.")
    last_committed_at: datetime | None = column("When the source committed the last projected change.")
    last_projected_at: datetime | None = column("When that was projected.")
    lag_seconds: float | None = column(
        "How old the last projected change is, or since when no projector has looked at the source; 0 when none waits."
    )
    lag_bytes: BigInt | None = column("Of its log, behind the end.")
    lag_changes: BigInt | None = column("Changes that are captured and not yet projected.")

    slot: str | None = column("What it keeps of its log for us: Postgres's wal_status, or absent.")
    safe_bytes: BigInt | None = column("What it may write before it drops log that we need; null: it never drops it.")
    safe_seconds: float | None = column("How long that lasts at the rate of late.")
    healed_at: datetime | None = column("When it was read anew the last time because something was lost.")
    healed_reason: str | None = column("What was lost then.")
    advice: str | None = column("What to do, if anything.")

    freshness: Freshness = one("As of when what it says is shown.", lambda: FRESHNESS_BY_SOURCE, "name")


@strawberry.federation.type(description="How many orders have a value.")
class OrderCount:
    value: str | None = column("The value; null: it is not known.")
    count: int = column("How many orders have it.")


def position_of(row: asyncpg.Record) -> str | None:
    epoch, log, ordinal = row["epoch"], row["log"], row["ordinal"]
    if epoch is None or log is None:
        return None
    return f"{epoch}/{log >> 32:X}/{log & 0xFFFFFFFF:X}/{ordinal}"


read_source = reader(Source, position=position_of)
read_count = reader(OrderCount)

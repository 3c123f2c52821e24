"""As of when what is shown is known."""

from datetime import datetime

import strawberry

from gateway.loading import Batch, reader
from gateway.tables import Expression
from gateway.types.common import column, resolved
from gateway.visibility import ANYONE, visible

STALE_AFTER = 60
"""Seconds."""

LAG = Expression(
    "case when {t}.as_of is not null then greatest(0, extract(epoch from {t}.read_at - {t}.as_of)::float8) end"
)


@visible("record.freshness", "record.waiting", rows=ANYONE)
@strawberry.federation.type(description="As of when one source's part of what is shown is known.")
class Freshness:
    read_at: strawberry.Private[datetime]
    held: strawberry.Private[bool]
    source: str = column("The source's name.")
    state: str | None = column("starting, snapshotting, streaming or failed; null: nobody captures it.")
    as_of: datetime | None = column(
        "All that the source committed until then is shown; null while nothing of it was ever read."
    )
    committed_at: datetime | None = column("When the source committed the last change that is shown.")
    projected_at: datetime | None = column("When that change was shown.")
    waiting: int = column("How many changes of the order nobody could use so far; 0 where it is no order's freshness.")

    @resolved("How long ago `asOf` was, in seconds.", plan=LAG)
    def lag_seconds(self) -> float | None:
        return None if self.as_of is None else max(0.0, (self.read_at - self.as_of).total_seconds())

    @resolved(
        "Do not rely on it: the source is not read at present, a change of the order waits, or `asOf` is more than "
        f"{STALE_AFTER} seconds ago.",
        plan=Expression(
            "({t}.held or {t}.state is distinct from 'streaming'"
            f" or coalesce({{t}}.read_at - {{t}}.as_of > interval '{STALE_AFTER} seconds', true))"
        ),
    )
    def stale(self) -> bool:
        lag = self.lag_seconds()
        return self.held or self.state != "streaming" or lag is None or lag > STALE_AFTER


_read_freshness = reader(Freshness)
FRESHNESS_BY_SOURCE: Batch[Freshness] = Batch("freshness_by_source", _read_freshness)
FRESHNESS_BY_ORDER: Batch[Freshness] = Batch("freshness_by_order", _read_freshness)

"""From a cursor into the live feed: what lies between is read from Postgres, then the queue takes over."""

from collections.abc import AsyncIterator, Sequence

import asyncpg

from gateway.database import Pool, Snapshot
from gateway.feed import PAGE, Bounds, Feed, Missing, Wanted

Item = asyncpg.Record | Missing


async def follow(pool: Pool, feed: Feed, wanted: Wanted, after: int | None) -> AsyncIterator[Item]:
    """Every wanted event behind `after` once, in order, for ever; None is behind the present end.

    A `Missing` says where events were left out and what the rest is behind of.
    """
    position, checked = after, False
    while position is None or not checked or position < feed.position:
        items, position = await _page(pool, wanted, position, feed.position)
        checked = True
        for item in items:
            yield item
    # No await since the comparison: nothing can be fanned out between the last page and the queue.
    subscriber = feed.subscribe(wanted, position)
    try:
        while True:
            yield await subscriber.next()
    finally:
        feed.unsubscribe(subscriber)


async def _page(pool: Pool, wanted: Wanted, after: int | None, until: int) -> tuple[Sequence[Item], int]:
    """The next items and the position behind them. Bounds and rows are of one instant, so pruning is noticed."""
    snapshot = Snapshot(pool)
    try:
        bounds = await bounds_of(snapshot)
        if after is None:
            return (), bounds.head
        if missing := bounds.judge(after):
            return (missing,), missing.resume_after
        rows = await snapshot.fetch("feed_page", after, until, *wanted.arguments(), PAGE)
        return rows, rows[-1]["position"] if len(rows) == PAGE else max(after, until)
    finally:
        await snapshot.close()


async def bounds_of(snapshot: Snapshot) -> Bounds:
    row = await snapshot.fetchrow("feed_bounds")
    assert row is not None
    return Bounds(row["head"], row["first"])

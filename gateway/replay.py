"""From a cursor into the live feed: what lies between is read from Postgres, then the queue takes over."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg

from gateway.database import Pool, Snapshot
from gateway.feed import Bounds, Feed, GapReason, Missing, Wanted

PATIENCE = 50
"""Pages that one who fell behind may need to catch up."""

Item = asyncpg.Record | Missing


@dataclass
class Follower:
    """Where one who follows is: all that is wanted up to `position` was given out. None: at the present end."""

    pool: Pool
    feed: Feed
    wanted: Wanted
    position: int | None

    async def follow(self) -> AsyncIterator[Item]:
        """Every wanted event behind `position` once, in order, for ever.

        One whose queue overflows catches up from Postgres, or gets a `Missing` when it is too slow for that. A
        `Missing` says that events were left out, and what the rest is behind of.
        """
        patience = None
        while True:
            async for item in self._catch_up(patience):
                yield item
            async for item in self._live():
                yield item
            patience = PATIENCE

    async def _catch_up(self, patience: int | None) -> AsyncIterator[Item]:
        pages = 0
        while pages == 0 or self._behind():
            if patience is not None and pages > patience:
                items, self.position, pages = self._too_slow()
            else:
                items, self.position = await self._page()
                pages += 1
            for item in items:
                yield item

    async def _live(self) -> AsyncIterator[Item]:
        # Nothing was awaited since it was found not to be behind: no event is between the last page and the queue.
        subscriber = self.feed.subscribe(self.wanted, self._known())
        try:
            while (item := await subscriber.next()) is not None:
                self.position = item.resume_after if isinstance(item, Missing) else item["position"]
                yield item
        finally:
            self.feed.unsubscribe(subscriber)

    def _known(self) -> int:
        assert self.position is not None, "it is known after the first page"
        return self.position

    def _behind(self) -> bool:
        return self._known() < self.feed.position

    def _too_slow(self) -> tuple[Sequence[Item], int, int]:
        missing = Missing(GapReason.TOO_SLOW, self.feed.position)
        return (missing,), missing.resume_after, 0

    async def _page(self) -> tuple[Sequence[Item], int]:
        """The next items and the position behind them; bounds and rows of one instant, so that pruning is noticed."""
        until, snapshot = self.feed.position, Snapshot(self.pool, lambda: self.wanted.sight)
        try:
            bounds = await bounds_of(snapshot)
            if self.position is None:
                return (), bounds.head
            if missing := bounds.judge(self.position):
                return (missing,), missing.resume_after
            size = self.feed.page
            rows = await snapshot.fetch("feed_page", self.position, until, *self.wanted.arguments(), size)
            return rows, rows[-1]["position"] if len(rows) == size else max(self.position, until)
        finally:
            await snapshot.close()


async def bounds_of(snapshot: Snapshot) -> Bounds:
    row = await snapshot.fetchrow("feed_bounds")
    assert row is not None
    return Bounds(row["head"], row["first"])

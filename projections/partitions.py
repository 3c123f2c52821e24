"""The partitions of ledger and feed. The newest takes all that comes; what is to go at another time lies in others.

Nothing has to be made in time: a partition has room for ten thousand million rows. To begin the next one is to give out
its places from then on, so neither readers nor the projector wait.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from projections.database import SQL, Connection


class Table(StrEnum):
    """What lies in partitions."""

    LEDGER = "ledger"
    FEED = "feed"


class Partition(Struct, frozen=True):
    """The rows of `table` with places from `low` to `high`, exclusive; `size` in bytes, with its indexes.

    `first` and `last` are when its first and its last row were written; None while it has none.
    """

    table: Table
    number: int
    low: int
    high: int
    size: int
    first: datetime | None
    last: datetime | None

    @property
    def name(self) -> str:
        return f"record.{self.table}_{self.number}"


async def partitions(connection: Connection, table: Table) -> list[Partition]:
    """Oldest first."""
    found = await connection.fetch(SQL["partitions"], table)
    return [await _partition(connection, table, row["number"], row["size"]) for row in found]


async def _partition(connection: Connection, table: Table, number: int, size: int) -> Partition:
    places = await connection.fetchrow(SQL["first_places"], number)
    assert places is not None
    ends = await connection.fetchrow(SQL[f"{table}_ends"], *places)
    assert ends is not None
    return Partition(table, number, places["low"], places["high"], size, ends["first"], ends["last"])


async def begin_partition(connection: Connection, table: Table) -> int:
    """What is written from now on goes into a partition of its own; its number. One at a time may do it.

    Whoever was ended in the middle of it has made a partition that this one begins.
    """
    newest: int = max(row["number"] for row in await connection.fetch(SQL["partitions"], table))
    if await connection.fetchval(SQL[f"{table}_begun"], newest):
        newest += 1
        await connection.execute(SQL["add_partition"], table, newest)
    await connection.execute(SQL[f"begin_{table}"], newest)
    return newest

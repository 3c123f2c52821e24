"""Mappings that are mended, rebuilds, and the whole graph as it is stored."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from msgspec.structs import replace

from cdc.change import Change
from orders.facts import Fact
from orders.graph import TABLES
from projections.database import Connection
from projections.mapping import Mappings, SourceMapping
from projections.rebuild.crew import Workers
from projections.rebuild.run import Rebuild, Report
from tests.controls import projecting
from tests.controls.story import MAPPINGS


class Mended:
    """The ERP's mapping, with each change as `mend` makes it first."""

    def __init__(self, mend: Callable[[Change], Change], mapping: SourceMapping = MAPPINGS["erp"]) -> None:
        self._mend, self._mapping = mend, mapping
        self.tables = mapping.tables

    def facts(self, change: Change) -> Sequence[Fact]:
        return self._mapping.facts(self._mend(change))

    def prefixes(self, table: str) -> tuple[str, ...]:
        return self._mapping.prefixes(table)


def mended(mend: Callable[[Change], Change]) -> Mappings:
    return MAPPINGS | {"erp": Mended(mend)}


def swapped(change: Change) -> Change:
    """Some numbers of customers' orders were misread, and what a warehouse calls 3 is order 1."""
    after = dict(change.after or {})
    if after.get("cuspo") in ("PO-1", "PO-2", "PO-3"):
        after["cuspo"] = f"{after['cuspo']}0"
    if after.get("client_ref") == "3":
        after["client_ref"] = "1"
    return replace(change, after=after or None)


def unstorable(change: Change) -> Change:
    """No text of Postgres has a zero in it."""
    after = change.after or {}
    return replace(change, after={**after, "cuspo": "PO\0"}) if after.get("cuspo") == "PO-2" else change


@asynccontextmanager
async def rebuild(database: str, mappings: Mappings = MAPPINGS, workers: int = 0) -> AsyncIterator[Rebuild]:
    """By so many processes beside this one, however little there is to do."""
    one, other = await projecting.connected(database), await projecting.connected(database)
    others = Workers(partial(projecting.connected, database), workers, 1) if workers else None
    try:
        yield Rebuild(one, other, mappings, workers=others)
    finally:
        await one.close()
        await other.close()


async def rebuilt(database: str, mappings: Mappings = MAPPINGS, *, dry_run: bool = False, workers: int = 0) -> Report:
    async with rebuild(database, mappings, workers) as found:
        return await found.run(dry_run=dry_run)


async def whole(db: Connection, schema: str = "graph") -> Mapping[str, list[tuple[Any, ...]]]:
    """Every table of the graph but for its revisions, which count Postgres's transactions."""
    tables = [*(kind.table for kind in TABLES), "fact", "claim", "link"]
    return {table: sorted(map(tuple, await db.fetch(f"table {schema}.{table}")), key=repr) for table in tables}

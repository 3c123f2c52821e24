"""The rows of the graph that is being made: all of them at once, then what later changes touch."""

import asyncio
import gc
from collections.abc import Iterable, Sequence
from itertools import groupby

from cdc.change import Change, Op
from orders.facts import Doc, Fact
from orders.view import EMPTY, View
from projections.database import Connection
from projections.fold import Fold, Stated
from projections.loader import Loader
from projections.mapping import Mappings
from projections.rebuild.beside import NEXT
from projections.rebuild.facts import Entered, facts_of, mapping_of
from projections.text import text_doc
from projections.writer import write_facts, write_rows

TREES = 200
"""In memory at once, and as many that are loaded meanwhile."""


class Untold(Loader):
    """Knows nothing of the feed: what is made from what it loads tells nothing."""

    async def load_emitted(self, connection: Connection, orders: Iterable[str]) -> None:
        return


async def derive_all(connection: Connection, reader: Connection, underivable: set[Doc]) -> None:
    """The rows of all facts; `underivable` is told of which trees there are none."""
    loading = asyncio.create_task(trees_after(reader, ""))
    try:
        while trees := await loading:
            last, fold = trees
            loading = asyncio.create_task(trees_after(reader, last))
            fold.underivable = underivable
            views = list(fold.look(list(fold.store.docs)).values())
            await write_rows(connection, {key: row for view in views for key, row in view.rows.items()}, NEXT)
            del trees, fold, views
            gc.collect()  # trees refer to themselves, and there are too few objects for Python to look by itself
    finally:
        loading.cancel()
        await asyncio.wait([loading])


async def trees_after(reader: Connection, after: str) -> tuple[str, Fold] | None:
    """The facts of some trees, and the last one's root."""
    docs = [row["doc"] for row in await reader.fetch(NEXT.sql["roots_after"], after, TREES)]
    fold = Fold(thorough=True)
    await Untold(fold, graph=NEXT).load_components(reader, set(map(text_doc, docs)), set())
    return (docs[-1], fold) if docs else None


class Follower:
    """Keeps facts and rows up with the ledger, in the caller's transactions."""

    def __init__(self, connection: Connection, mappings: Mappings, underivable: set[Doc]) -> None:
        self._connection, self._mappings = connection, mappings
        self._fold = Fold(thorough=True)
        self._fold.underivable = underivable
        self._loader = Untold(self._fold, graph=NEXT)

    def forget(self) -> None:
        """After a transaction that was rolled back."""
        self._loader.forget()

    async def take(self, entries: Sequence[Entered]) -> set[str]:
        """None of them a snapshot's. The orders whose rows they may have changed."""
        touched = set[str]()
        alive = [each for each in entries if not each.dead]
        for empties, part in groupby(alive, lambda each: each.change.op is Op.TRUNCATE):
            for stated in [await self._emptied(each.change) for each in part] if empties else [self._stated(part)]:
                touched |= await self._fold_in(stated)
        self._loader.trim()
        return touched

    def _stated(self, part: Iterable[Entered]) -> list[Stated]:
        return [Stated(each.change, facts_of(self._mappings, each)) for each in part]

    async def _emptied(self, change: Change) -> list[Stated]:
        prefixes = mapping_of(self._mappings, change).prefixes(change.table)
        rows = await self._connection.fetch(NEXT.sql["keys_of_table"], change.source, prefixes)
        return [Stated(change, [Fact(key=row["key"]) for row in rows])]

    async def _fold_in(self, stated: Sequence[Stated]) -> set[str]:
        fold, root = self._fold, self._fold.store.root
        await self._loader.load(self._connection, stated)
        nearby = fold.nearby(stated)
        before = fold.look(nearby)
        fold.put(stated)
        after = {each: self._anew(each) for each in {*map(root, nearby), *before}}
        await write_facts(self._connection, fold.store, NEXT)
        fold.keep(before, after)
        await write_rows(self._connection, fold.drain().rows, NEXT)
        return {view.order_id for view in (*before.values(), *after.values()) if view.order_id is not None}

    def _anew(self, root: Doc) -> View:
        self._fold.views.pop(root, None)
        self._fold.underivable.discard(root)
        return self._fold.view(root) if self._fold.store.root(root) == root else EMPTY

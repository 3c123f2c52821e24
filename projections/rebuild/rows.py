"""The rows of the graph that is being made: all of them at once, then what later changes touch."""

import gc
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from itertools import groupby

from cdc.change import Change, Op
from orders.crash import CrashPoint, crash_here
from orders.facts import Doc, Fact
from orders.view import EMPTY, View
from projections.database import Connection
from projections.events import Stated
from projections.fold import Fold
from projections.loader import Loader
from projections.mapping import Mappings
from projections.rebuild.beside import NEXT
from projections.rebuild.crew import Crew, Hand, Job
from projections.rebuild.staging import Entered, facts_of, mapping_of
from projections.text import text_doc
from projections.trees import theirs
from projections.writer import add_rows, write_facts, write_rows

TREES = 200
"""In memory at once."""
FACTS = 4_000
"""Of one job, about."""


class Untold(Loader):
    """Knows nothing of the feed: what is made from what it loads tells nothing."""

    async def load_emitted(self, connection: Connection, orders: Iterable[str]) -> None:
        return


async def derive_all(reader: Connection, crew: Crew, underivable: set[Doc]) -> None:
    """The rows of all facts, into tables without keys; `underivable` is told of which trees there are none."""
    for docs in await crew.share(_jobs(reader)):
        underivable |= docs


async def _jobs(reader: Connection) -> AsyncIterator[Job[set[Doc]]]:
    after = ""
    while upto := await reader.fetchval(NEXT.sql["facts_end"], after, FACTS):
        yield partial(derive_between, after, upto)
        after = upto


async def derive_between(after: str, upto: str, hand: Hand) -> set[Doc]:
    """The rows of the trees whose roots lie there; of which of them there are none."""
    docs = [text_doc(row["doc"]) for row in await hand.connection.fetch(NEXT.sql["roots_between"], after, upto)]
    broken = set[Doc]()
    for start in range(0, len(docs), TREES):
        broken |= await _derive(docs[start : start + TREES], hand.connection)
        gc.collect()  # trees refer to themselves, and there are too few objects for Python to look by itself
    return broken


async def _derive(docs: Sequence[Doc], connection: Connection) -> set[Doc]:
    fold = Fold(thorough=True)
    await Untold(fold, graph=NEXT).load_components(connection, set(docs), set())
    views = fold.look(theirs(fold.store, docs)).values()
    rows = (row for view in views for piece in view.pieces.values() for row in piece.rows.values())
    await add_rows(connection, rows, NEXT)
    crash_here(CrashPoint.REBUILD_DERIVED)
    return fold.underivable


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
        await write_facts(self._connection, fold.store.settle(), NEXT)
        fold.keep(before, after)
        await write_rows(self._connection, fold.drain().rows, NEXT)
        return {view.order_id for view in (*before.values(), *after.values()) if view.order_id is not None}

    def _anew(self, root: Doc) -> View:
        self._fold.views.pop(root, None)
        self._fold.underivable.discard(root)
        return self._fold.view(root) if self._fold.store.root(root) == root else EMPTY

"""Some orders made anew in their place: their part of the ledger, read by the present mappings."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import asyncpg

from cdc.change import Change, Op, Position
from orders.errors import NotFoundError, RejectedError, TransientError
from orders.facts import Doc, Fact
from orders.view import EMPTY, View
from projections.database import LIVE, Connection, committed
from projections.drained import Drained
from projections.events import Event
from projections.fold import Fold
from projections.known import Key, Known
from projections.letters import Letters
from projections.loader import Loader, idents
from projections.mapping import Mappings
from projections.past import documents, replay_into
from projections.rebuild.beside import SQL
from projections.rebuild.comparing import events_of, sided
from projections.rebuild.report import Shown, changed, rows_of
from projections.rebuild.staging import Entered, facts_of
from projections.replay import Replay, Sweep, sweeps
from projections.requests import differences
from projections.revisions import move_on, subjects
from projections.sharing import Turn
from projections.writer import write_facts, write_feed, write_rows


class Reading(Replay):
    """Remembers which changes it has read, and names the one that the mapping cannot read."""

    def __init__(self, mappings: Mappings, ends: Sequence[Sweep]) -> None:
        super().__init__(mappings, ends)
        self.read: set[tuple[str, Position]] = set()
        self._at = 0

    def take(self, ledger_id: int, change: Change, outcome: str) -> None:
        self._at = ledger_id
        if outcome != "dead":
            self.read.add((change.source, change.position))
        super().take(ledger_id, change, outcome)

    def _facts(self, change: Change) -> Sequence[Fact]:
        if change.op is Op.TRUNCATE:
            return super()._facts(change)
        return facts_of(self._mappings, Entered(self._at, change, dead=False))


class Mended(NamedTuple):
    """What became of one order, and what the feed tells of it."""

    shown: list[Shown]
    events: int


class Orders:
    """Makes orders anew, each in a transaction of its own. The connection's session is in UTC."""

    def __init__(self, connection: Connection, mappings: Mappings) -> None:
        self._db, self._mappings = connection, mappings
        self._name, self._turn = secrets.token_hex(4), Turn()

    async def of_table(self, source: str, table: str) -> list[str]:
        """The orders that have facts of the table. Raises NotFoundError."""
        if (mapping := self._mappings.get(source)) is None:
            raise NotFoundError(f"there is no source {source}: name one of {', '.join(self._mappings)}")
        if table not in mapping.tables:
            raise NotFoundError(f"no table {table} of {source} is captured: name one of {', '.join(mapping.tables)}")
        prefixes = mapping.prefixes(table)
        found = [row["order_id"] for row in await self._db.fetch(SQL["orders_of_keys"], source, prefixes)]
        if not found:
            raise NotFoundError(f"no order has a fact of {source}.{table}: what is no order's is made anew with all")
        return found

    async def mend(self, order: str, *, dry_run: bool = False) -> Mended:
        """One order, and those that its documents come from or go to. Raises RejectedError, TransientError."""
        try:
            async with committed(self._db, undone=dry_run):
                await self._turn.take(self._db)
                if await self._db.fetchval(SQL["snapshotting"]):
                    raise TransientError("a snapshot is being taken: wait for its end")
                return await self._mend(order)
        except asyncpg.DataError as error:
            raise RejectedError(f"Postgres refuses what the mapping makes of order {order}: {error}") from error

    async def _mend(self, order: str) -> Mended:
        docs = await documents(self._db, order)
        if not docs:
            raise NotFoundError(f"there is no order {order}")
        reading = Reading(self._mappings, await sweeps(self._db, None))
        await replay_into(reading, self._db, docs, None, latest=False)
        waiting = await Letters(self._db).start()
        old, new = await self._loaded(docs, reading), await self._loaded(docs, reading)
        before = new.look(new.store.docs)
        for key, known in differing(new.store.known, reading, docs).items():
            new.store.mend(key, known)
        drained = shown_anew(new, before)
        if broken := sorted(new.underivable):
            raise RejectedError(f"nothing can be derived of {broken[0]} then: order {order} is left as it was")
        result = await self._tell(old, new, drained)
        await Letters(self._db).mended(waiting & new.store.docs.keys())
        return result

    async def _loaded(self, docs: Collection[Doc], reading: Reading) -> Fold:
        fold, said = Fold(thorough=True), [known.fact for known in reading.store.known.values()]
        loader = Loader(fold)
        await loader.load_components(self._db, {*docs, *(fact.doc for fact in said if fact.doc)}, idents(said))
        await loader.load_keys(self._db, list(reading.store.known))
        return fold

    async def _tell(self, old: Fold, new: Fold, drained: Drained) -> Mended:
        """Writes what differs from what is stored, and says so in the feed."""
        one, other = sided(old), sided(new)
        orders = sorted(one.views.keys() | other.views.keys())
        stored, tables, shown = await rows_of(self._db, orders, LIVE), dict[str, list[str]](), list[Shown]()
        for order in orders:
            was, view = stored.get(order, {}), other.views.get(order, EMPTY)
            rows = changed(was, view.rows)
            drained.take(rows)
            drained.subjects |= subjects((one.views.get(order, EMPTY), view), rows) if rows else set()
            tables[order] = sorted({identity[0] for identity in rows})
            shown += [Shown(order, list(differences(was, rows)))] if rows else []
        events = await events_of(self._db, tables, one, other, self._name)
        await self._write(new, drained, events)
        return Mended(shown, len(events))

    async def _write(self, new: Fold, drained: Drained, events: Sequence[Event]) -> None:
        await write_facts(self._db, new.store.settle())
        await write_rows(self._db, drained.rows)
        await write_feed(self._db, events)
        await move_on(self._db, drained.subjects)


def differing(live: Mapping[Key, Known], reading: Reading, docs: Collection[Doc]) -> dict[Key, Known]:
    """What is to be known otherwise: by the ledger, as far as it holds the changes behind what is known now."""
    found = {
        key: known
        for key, known in reading.store.known.items()
        if (live[key].fact != known.fact if key in live else known.fact.body is not None)
    }
    for key, known in live.items():
        if key not in reading.store.known and known.fact.doc in docs and (key[0], known.position) in reading.read:
            found[key] = Known(Fact(key=key[1]), known.position)
    return found


def shown_anew(fold: Fold, before: Mapping[Doc, View]) -> Drained:
    """What all trees in memory show otherwise."""
    roots = {*map(fold.store.root, list(fold.store.docs)), *before}
    for root in roots:
        fold.views.pop(root, None)
    after = {root: fold.view(root) if fold.store.root(root) == root else EMPTY for root in roots}
    fold.keep(before, after)
    return fold.drain()

"""Which orders the new graph shows otherwise than the old one, and the events that will tell of it."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from cdc.change import Change, Op, Position
from orders.facts import Doc, Ident
from orders.graph import TABLES, Row
from orders.happenings import Happening
from orders.states import EventType
from orders.view import View
from projections.database import LIVE, OF_ORDERS, Connection, Graph, columns
from projections.database import SQL as PROJECTING
from projections.events import Event
from projections.fold import Fold
from projections.known import Known
from projections.loader import Loader, position
from projections.rebuild.beside import BESIDE, NEXT, SQL
from projections.rebuild.crew import Crew, Hand
from projections.replay import change_of
from projections.snapshot import found_events
from projections.writer import FEED_COLUMNS, feed_row

CHUNK = 300
"""Orders at once."""


class Counts(NamedTuple):
    """Orders that differ, events that tell of it, and how many of these are corrections."""

    orders: int
    events: int
    corrections: int


def differing_sql(kind: type[Row], order: str, into: str, whose: str = "true") -> str:
    """Whose rows differ, of those for which `whose` holds, into such a table."""
    return (
        f"insert into {into} select distinct o.order_id, '{kind.table}' "  # noqa: S608  # our own names
        f"from (select * from {LIVE.schema}.{kind.table} where {whose}) a "
        f"full join (select * from {NEXT.schema}.{kind.table} where {whose}) b using ({', '.join(kind.key)}) "
        f"cross join lateral (values (a.{order}), (b.{order})) o (order_id) "
        "where a is distinct from b and o.order_id is not null on conflict do nothing"
    )


def other_sql(kind: type[Row]) -> str:
    """How many rows differ that are no order's."""
    column = OF_ORDERS.get(kind)
    nobodys = f" and a.{column} is null and b.{column} is null" if column else ""
    return (
        f"select count(*) from {LIVE.schema}.{kind.table} a full join {NEXT.schema}.{kind.table} b "  # noqa: S608
        f"using ({', '.join(kind.key)}) where a is distinct from b{nobodys}"
    )


async def execute_as_of(snapshot: str, statement: str, hand: Hand) -> None:
    async with hand.connection.transaction(isolation="repeatable_read"):
        await hand.connection.execute(f"set transaction snapshot '{snapshot}'")
        await hand.connection.execute(statement)


class Comparison:
    """In temporary tables of the connection's session. `name` makes the keys of its corrections its own."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self._name = connection, name
        self._position = 0

    async def begin(self) -> None:
        await self._connection.execute(SQL["make_compared"])

    async def all(self, reader: Connection, crew: Crew) -> int:
        """Of the whole graph as of one snapshot; a number that all transactions have that it does not see.

        The orders that were touched meanwhile are looked at `again`, before anything is told.
        """
        await self._connection.execute("truncate differing, prepared, suspected")
        await self._connection.execute(BESIDE["make_found"])
        found = f"{NEXT.schema}.found_order"
        statements = [SQL["find_facts"], *(differing_sql(kind, order, found) for kind, order in OF_ORDERS.items())]
        async with reader.transaction(isolation="repeatable_read"):
            since: int = await reader.fetchval(SQL["snapshot_xmin"])
            snapshot: str = await reader.fetchval("select pg_export_snapshot()")
            await crew.share_all([partial(execute_as_of, snapshot, statement) for statement in statements])
        await self._connection.execute(SQL["take_found"])
        for graph in (LIVE, NEXT):
            await self._connection.execute(SQL["suspect_orders"].replace("of.", f"{graph.schema}."))
        await self._connection.execute(BESIDE["drop_found"])
        return since

    async def again(self, since: int, touched: Collection[str]) -> bool:
        """Of the orders that were touched, and those that the transactions since then changed in the old graph.

        False if that was made anew itself.
        """
        if await self._connection.fetchval(SQL["made_anew"], since):
            return False
        await self._connection.execute("truncate moved")
        await self._connection.execute(SQL["move_changed"], since)
        await self._connection.execute(SQL["move_named"], list(touched))
        await self._connection.execute(SQL["forget_moved"])
        for kind, order in OF_ORDERS.items():
            whose = f"{order} in (select order_id from moved)"  # noqa: S608
            await self._connection.execute(differing_sql(kind, order, "differing", whose))
        await self._connection.execute(SQL["move_suspected"])
        await self._prepare()
        return True

    async def counts(self) -> Counts:
        return Counts(*(await self._connection.fetchrow(SQL["compared"]) or ()))

    async def others(self) -> dict[str, int]:
        """Table → how many rows differ that are no order's, where any do."""
        found = {kind.table: await self._connection.fetchval(other_sql(kind)) for kind in TABLES}
        return {table: count for table, count in found.items() if count}

    async def _prepare(self) -> None:
        async for page in self._moved():
            events = await told(self._connection, page, self._name)
            rows = [(self._position + place, *feed_row(event)) for place, event in enumerate(events, 1)]
            if rows:
                await self._connection.copy_records_to_table("prepared", columns=FEED_COLUMNS, records=rows)
            self._position += len(rows)

    async def _moved(self) -> AsyncIterator[Mapping[str, Sequence[str]]]:
        after = ""
        while rows := await self._connection.fetch(SQL["moved_after"], after, CHUNK):
            after = rows[-1]["order_id"]
            yield {row["order_id"]: row["tables"] for row in rows}

    async def put_into_feed(self) -> int:
        """The feed's last position then."""
        count: int = await self._connection.fetchval("select count(*) from prepared")
        first: int = await self._connection.fetchval(PROJECTING["take_feed_positions"], count)
        names = ", ".join(FEED_COLUMNS[1:])
        await self._connection.execute(
            f"insert into record.feed (position, {names}) "  # noqa: S608  # our own names
            f"select $1::bigint + row_number() over (order by position), {names} from prepared",
            first,
        )
        if count:
            await self._connection.execute(SQL["settle_prepared"], first + count)
            await self._connection.execute(PROJECTING["wake_feed"], str(first + count))
        return first + count


class Side(NamedTuple):
    """Some orders in one of the graphs: their facts, which order each document belongs to, their views."""

    fold: Fold
    orders: Mapping[Doc, str]
    views: Mapping[str, View]


async def side(connection: Connection, orders: Collection[str], graph: Graph) -> Side:
    fold = Fold(thorough=True)
    loader = Loader(fold, graph=graph)
    await loader.load_components(connection, set(), {Ident("order_number", order) for order in orders})
    await loader.load_emitted(connection, orders)
    return sided(fold)


def sided(fold: Fold) -> Side:
    views = fold.look(list(fold.store.docs))
    named = {root: view.order_id for root, view in views.items() if view.order_id is not None}
    owners = {doc: named[root] for doc in fold.store.docs if (root := fold.store.root(doc)) in named}
    return Side(fold, owners, {view.order_id: view for view in views.values() if view.order_id is not None})


async def told(connection: Connection, orders: Mapping[str, Sequence[str]], name: str) -> list[Event]:
    """What the feed will say of these orders, each with the tables in which it differs."""
    old, new = await side(connection, orders.keys(), LIVE), await side(connection, orders.keys(), NEXT)
    return await events_of(connection, orders, old, new, name)


async def events_of(
    connection: Connection, orders: Mapping[str, Sequence[str]], old: Side, new: Side, name: str
) -> list[Event]:
    """A correction for each that differs; then what is told by facts that differ and the feed does not tell yet."""
    because = reasons(orders.keys(), old, new)
    causes = await causes_of(connection, [known for found in because.values() for known in found])
    events = []
    for order, tables in orders.items():
        view = new.views.get(order) or old.views.get(order)
        if tables and view is not None and view.facets is not None:
            cause = cause_of(causes, because.get(order) or latest(order, new) or latest(order, old))
            happening = corrected(order, name, tables)
            version = new.fold.emitted[order].enter(happening.key)
            events.append(Event(order, version, happening, view.facets, cause))
    views = [
        new.views[order] for order, tables in orders.items() if order in new.views and (tables or order in because)
    ]
    return events + await found_events(connection, new.fold, views)


Behind = tuple[str, Position]
"""A source, and the position of the change that a fact is from."""


def reasons(orders: Collection[str], old: Side, new: Side) -> dict[str, list[Behind]]:
    """Order → what is behind the facts that differ: the change that the new graph has it from, if it has it."""
    found: dict[str, list[Behind]] = {}
    for key in old.fold.store.known.keys() | new.fold.store.known.keys():
        one, other = old.fold.store.known.get(key), new.fold.store.known.get(key)
        if (one and one.fact) != (other and other.fact):
            at = other or one
            assert at is not None
            for order in {*owner(old, one), *owner(new, other)} & set(orders):
                found.setdefault(order, []).append((key[0], at.position))
    return found


def owner(of: Side, known: Known | None) -> list[str]:
    doc = known.fact.doc if known else None
    return [of.orders[doc]] if doc is not None and doc in of.orders else []


def latest(order: str, of: Side) -> list[Behind]:
    """What is behind all of its facts: it is not them, but what is made of them, that differs."""
    return [
        (source, known.position)
        for (source, _), known in of.fold.store.known.items()
        if known.fact.doc is not None and of.orders.get(known.fact.doc) == order
    ]


async def causes_of(connection: Connection, behind: Collection[Behind]) -> dict[Behind, Change]:
    rows = [(source, *at) for source, at in set(behind)]
    found = await connection.fetch(PROJECTING["causes"], *columns(rows, 4))
    return {(row["source"], position(row)): change_of(dict(row)) for row in found}


def cause_of(causes: Mapping[Behind, Change], behind: Sequence[Behind]) -> Change:
    """The latest of them, as far as the ledger still holds them."""
    found = [causes[each] for each in behind if each in causes]
    return max(found, key=lambda change: (change.captured_at, change.position)) if found else forgotten(*max(behind))


def forgotten(source: str, at: Position) -> Change:
    """All that is known of a change that the ledger does not hold any more."""
    return Change(source, "", Op.READ, {}, None, None, at, None, None, datetime.now(UTC))


def corrected(order: str, name: str, tables: Sequence[str]) -> Happening:
    return Happening(
        key=f"corrected/{name}",
        type=EventType.ORDER_CORRECTED,
        subject="order",
        subject_id=order,
        occurred_at=None,
        because=("", ""),
        detail=", ".join(tables),
    )

"""`milepost verify`: is the graph what the ledger gives, what the sources say, and is every change accounted for?"""

import asyncio
import time
from collections.abc import Callable, Sequence

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from adapters.origins import DirectSource
from adapters.registry import adapter
from app.direct import Difference, compare_direct, render
from orders.graph import Row
from projections.database import SQL, Connection
from projections.replay import Rows, replayed, stored

AGAIN = 1.0
"""Seconds until what differs is looked at again."""
AT_REST = 1.0
"""Seconds without a new change after which the projector is taken to be at rest."""

_SEEN = "select coalesce(sum(seen), 0)::bigint from record.checkpoint"
_SNAPSHOTTING = "select coalesce(bool_or(snapshotting), true) from record.checkpoint"
_ACCOUNTS = """
select c.source, c.seen, c.applied, c.superseded, c.dead, c.filtered,
       coalesce(l.applied, 0) + coalesce(d.applied, 0) as ledger_applied,
       coalesce(l.superseded, 0) + coalesce(d.superseded, 0) as ledger_superseded
from record.checkpoint c left join (
    select source, count(*) filter (where outcome = 'applied') as applied,
           count(*) filter (where outcome = 'superseded') as superseded
    from record.ledger group by source
) l using (source) left join record.dropped d using (source) order by c.source
"""


class Account(Struct, frozen=True):
    """What became of a source's changes.

    `seen` is the source's own count, the ledger's counts are of its rows, dropped ones too.
    """

    source: str
    seen: int
    applied: int
    superseded: int
    dead: int
    filtered: int
    ledger_applied: int
    ledger_superseded: int

    @property
    def remainder(self) -> int:
        return self.seen - self.applied - self.superseded - self.dead - self.filtered

    @property
    def balanced(self) -> bool:
        ledger = (self.ledger_applied, self.ledger_superseded)
        return self.remainder == 0 and ledger == (self.applied, self.superseded)


class Verdict(Struct, frozen=True):
    """`replay` compares the graph with the ledger's replay, which stands in its `direct`; `direct` with the sources.

    `moved` counts what differed from the sources and did not any more, or otherwise, when it was looked at again.
    """

    replay: list[Difference]
    direct: list[Difference]
    accounts: list[Account]
    moved: int = 0

    @property
    def verified(self) -> bool:
        return not self.replay and not self.direct and all(account.balanced for account in self.accounts)


async def verify(graph_dsn: str, sources: Sequence[DirectSource], *, settle_within: float = 0.0) -> Verdict:
    """Compare three ways; again, for `settle_within` seconds, since sources that are not at rest differ."""
    deadline = time.monotonic() + settle_within
    while True:
        await rest(graph_dsn, deadline)
        verdict = await verify_once(graph_dsn, sources)
        if verdict.verified or time.monotonic() >= deadline:
            return verdict


async def verify_living(
    graph_dsn: str, sources: Sequence[DirectSource], within: float, say: Callable[[str], None]
) -> Verdict:
    """Over sources that are written to: what differs from them in the same way for `within` seconds is wrong.

    A value that is under way differs for a moment, and then no more or otherwise.
    """
    verdict = await verify_once(graph_dsn, sources)
    first, deadline = len(verdict.direct), time.monotonic() + within
    if first and within:
        say(f"{first} values differ from the sources, which may be on their way: looking again for {within:g} s")
    while verdict.direct and time.monotonic() < deadline:
        await asyncio.sleep(AGAIN)
        still = set(await compare_direct(graph_dsn, sources))
        verdict = replace(verdict, direct=[each for each in verdict.direct if each in still])
    return replace(verdict, moved=first - len(verdict.direct))


async def verify_once(graph_dsn: str, sources: Sequence[DirectSource]) -> Verdict:
    direct = await compare_direct(graph_dsn, sources)
    mappings = {source.name: adapter(source.adapter).mapping for source in sources}
    db = await asyncpg.connect(graph_dsn, timeout=30, server_settings={"timezone": "UTC"})
    try:
        async with db.transaction(isolation="repeatable_read", readonly=True):
            await db.execute(SQL["stay"])
            found = await accounts(db)
            replay = differences(await replayed(db, mappings), await stored(db))
    finally:
        await db.close()
    return Verdict(replay, direct, found)


async def accounts(db: Connection) -> list[Account]:
    return [Account(*row) for row in await db.fetch(_ACCOUNTS)]


async def rest(graph_dsn: str, deadline: float) -> None:
    """Wait until no change has come for a while, or the deadline."""
    db = await asyncpg.connect(graph_dsn, timeout=30)
    try:
        seen, since = -1, time.monotonic()
        while time.monotonic() < deadline and (time.monotonic() - since < AT_REST or await db.fetchval(_SNAPSHOTTING)):
            now = await db.fetchval(_SEEN)
            if now != seen:
                seen, since = now, time.monotonic()
            await asyncio.sleep(0.1)
    finally:
        await db.close()


def differences(replay: Rows, graph: Rows) -> list[Difference]:
    """Row by row, column by column, in the order of orders."""
    found = []
    for identity in sorted({*replay, *graph}):
        one, other = replay.get(identity), graph.get(identity)
        if one != other:
            found += row_differences(identity, one, other)
    return sorted(found, key=lambda d: (d.order is None, d.order or "", d.table, d.key))


def row_differences(identity: tuple[str, ...], one: Row | None, other: Row | None) -> list[Difference]:
    table, key = identity[0], "/".join(identity[1:])
    order = getattr(one or other, "order_id", None) or (identity[1] if table == "orders" else None)
    if one is None or other is None:
        return [Difference(order, table, key, None, text_of(one), text_of(other))]
    return [
        Difference(order, table, key, column, text_of(getattr(one, column)), text_of(getattr(other, column)))
        for column in one.__struct_fields__
        if getattr(one, column) != getattr(other, column)
    ]


def text_of(value: object) -> str | None:
    return None if value is None else str(value)


def report(verdict: Verdict) -> str:
    """For people: what was compared, and what differs, order by order."""
    parts = [account_line(account) for account in verdict.accounts]
    moved = f", but for {verdict.moved} values that were on their way" if verdict.moved else ""
    for name, found, but in (("the ledger's replay", verdict.replay, ""), ("the sources", verdict.direct, moved)):
        parts.append(f"graph and {name}: {f'{len(found)} differences' if found else 'equal'}{but}")
        if found:
            parts.append(render(found))
    parts.append("verified" if verdict.verified else "NOT verified")
    return "\n".join(parts)


def account_line(account: Account) -> str:
    ledger = "" if account.balanced else f", ledger {account.ledger_applied} + {account.ledger_superseded}"
    return (
        f"{account.source}: {account.seen} changes = {account.applied} applied + {account.superseded} superseded "
        f"+ {account.dead} dead + {account.filtered} filtered, remainder {account.remainder}{ledger}"
    )

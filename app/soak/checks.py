"""What must hold after a soak, whatever was done to it (FAULTS: C1, C2, C3, C4, C10)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import asyncpg
from msgspec import Struct

from app.settings import Settings
from app.soak.load import Heard
from demo.auditing import Written, written

_LEDGER = """
select split_part(transaction, ':', 1), tbl, op from record.ledger where source = $1 and snapshot = 'no'
order by epoch, log, ordinal
"""
_FEED = "select order_id, version, key from record.feed order by position"
_DISORDER = """
select count(*) from (
    select from record.feed group by order_id
    having min(version) <> 1 or max(version) <> count(*) or count(distinct key) <> count(*)
) wrong
"""
_DEAD = "select count(*) from record.dead_letter"
_COMMANDS = "select id, state from command.command"
_EFFECTS = "select extref, count(*) from ordhld where extref is not null group by extref"

ENDS = frozenset({"SETTLED", "REJECTED"})


class Sums(Struct, frozen=True):
    """`lost`: written in the source and not in the ledger. `duplicated`: in the ledger more often than written.

    `misplaced`: transactions whose changes are in another order.
    """

    changes: int = 0
    lost: int = 0
    duplicated: int = 0
    misplaced: int = 0

    def plus(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Commands(Struct, frozen=True):
    """`vanished`: accepted, and not in the log. `open`: without an end. `wrong`: its effects are not what it says."""

    accepted: int
    vanished: int
    open: int
    wrong: int


def compared(expected: Sequence[Written], found: Sequence[Written]) -> Sums:
    """As multisets first. Transactions overlap, so only what is inside of one has an order."""
    want, have = Counter(expected), Counter(found)
    lost, more = (want - have).total(), (have - want).total()
    one, other = by_transaction(expected), by_transaction(found)
    misplaced = 0 if lost or more else sum(one[each] != other[each] for each in one)
    return Sums(len(expected), lost, more, misplaced)


def by_transaction(changes: Sequence[Written]) -> Mapping[str, Sequence[Written]]:
    found: dict[str, list[Written]] = defaultdict(list)
    for change in changes:
        found[change.transaction].append(change)
    return found


async def changes(graph: asyncpg.Connection, source: str, admin_dsn: str) -> Sums:
    found = [Written(*row) for row in await graph.fetch(_LEDGER, source)]
    return compared(await written(admin_dsn), found)


async def feed(graph: asyncpg.Connection) -> list[Heard]:
    return [Heard(*row) for row in await graph.fetch(_FEED)]


async def disordered(graph: asyncpg.Connection) -> int:
    """Orders whose versions have holes, or whose happenings came twice."""
    found: int = await graph.fetchval(_DISORDER)
    return found


async def dead_letters(graph: asyncpg.Connection) -> int:
    found: int = await graph.fetchval(_DEAD)
    return found


async def commands(graph: asyncpg.Connection, settings: Settings, accepted: Sequence[str]) -> Commands:
    states: dict[str, str] = {row[0]: row[1] for row in await graph.fetch(_COMMANDS)}
    [dsn] = [each.write_dsn for each in settings.sources if each.name == "erp"]
    erp = await asyncpg.connect(dsn)
    try:
        effects: dict[str, int] = {row[0]: row[1] for row in await erp.fetch(_EFFECTS)}
    finally:
        await erp.close()
    wrong = [id_ for id_, state in states.items() if state in ENDS and effects.get(id_, 0) != (state == "SETTLED")]
    return Commands(
        accepted=len(set(accepted)),
        vanished=len(set(accepted) - states.keys()),
        open=sum(state not in ENDS for state in states.values()),
        wrong=len(wrong) + sum(id_ not in states for id_ in effects),
    )

"""Canonical orders and commands, and a database to keep them in."""

from collections.abc import Iterable
from pathlib import Path

import asyncpg

from commands.log import CommandKind, CommandRequest, HoldOrder, ReleaseHold
from commands.ports import HoldReason
from tests.controls.sql import run

ROOT = Path(__file__).parents[2]
ORDER = "1042"
SOURCE = "erp"

_ORDER = """
insert into graph.orders (id, source, number, currency, total, commercial, fulfillment, delivery, financial,
                          return_state, health, display_status)
select id, $2, id, 'USD', 10, 'ACCEPTED', 'NOT_RELEASED', 'NONE', 'NOT_INVOICED', 'NONE', 'OK', 'RECEIVED'
from unnest($1::text[]) id
"""


def hold(
    key: str = "k1", order: str = ORDER, note: str | None = "limit exceeded", client: str = "portal"
) -> CommandRequest:
    payload = HoldOrder(HoldReason.CREDIT, note)
    return CommandRequest(client, key, CommandKind.HOLD_ORDER, order, payload, "ann@example.com")


def release(key: str = "k2", order: str = ORDER) -> CommandRequest:
    return CommandRequest("portal", key, CommandKind.RELEASE_HOLD, order, ReleaseHold(), "ann@example.com")


async def create_schemas(dsn: str) -> None:
    """The graph's and the commands' tables."""
    await run(dsn, *(ROOT.joinpath(name).read_text() for name in _SCHEMAS))


_SCHEMAS = ("projections/sql/graph.sql", "commands/sql/commands.sql")


async def create_orders(dsn: str, ids: Iterable[str] = (ORDER,), source: str = SOURCE) -> None:
    db = await asyncpg.connect(dsn)
    try:
        await db.execute(_ORDER, list(ids), source)
    finally:
        await db.close()


async def create_erp(dsn: str) -> None:
    """The legacy ERP with a customer and orders: 1042 and 1043 accepted, 1060 complete, 1090 cancelled."""
    await run(dsn, ROOT.joinpath("demo/sql/erp.sql").read_text(), _ERP_ROWS)


_ERP_ROWS = """
insert into cusmst (cusno, cusnam, crtdt, chgdt) values (7, 'Acme', '2026-01-05', '2026-01-05');
insert into ordhdr (ordno, cusno, shtno, ordsrc, ordsts, orddt, chgdt)
values (1042, 7, 1, 'ED', '20', '2026-03-02 09:00', '2026-03-02 09:00'),
       (1043, 7, 1, 'ED', '20', '2026-03-02 09:00', '2026-03-02 09:00'),
       (1060, 7, 1, 'ED', '60', '2026-03-02 09:00', '2026-03-02 09:00'),
       (1090, 7, 1, 'ED', '90', '2026-03-02 09:00', '2026-03-02 09:00');
"""

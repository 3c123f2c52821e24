"""The demo's story as transactions, captured by triggers instead of Debezium: quick, and out of real databases."""

import asyncio
import itertools
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg

from adapters.registry import ADAPTERS
from app.postgres import Postgres
from cdc.change import Change, Op, Position, Transaction
from demo.auditing import audit
from demo.databases import Passwords, SourceDatabases, create_databases
from demo.player import play
from demo.story import Story

ADAPTER_OF = {"erp": "erp_legacy", "east": "wms_east"}
MAPPINGS = {source: ADAPTERS[name].mapping for source, name in ADAPTER_OF.items()}
CAPTURED_AT = datetime(2026, 6, 1, tzinfo=UTC)

_KEYS = """
select c.conrelid::regclass::text as tbl, array_agg(a.attname::text) as columns
from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey)
where c.contype = 'p' and c.connamespace = 'public'::regnamespace group by 1
"""
_OPS = {"i": Op.CREATE, "u": Op.UPDATE, "d": Op.DELETE}


async def story_databases(postgres: Postgres, name: str) -> SourceDatabases:
    """Both source databases, empty, under names of their own."""
    passwords = Passwords(erp="erp-secret", east="east-secret", capture="capture-secret")
    return await create_databases(postgres.dsn("postgres"), passwords, erp=f"erp_{name}", east=f"east_{name}")


async def captured_story(
    postgres: Postgres, name: str, story: Story
) -> tuple[SourceDatabases, dict[str, list[Transaction]]]:
    """Play the story whole; the transactions of each source in commit order."""
    databases = await story_databases(postgres, name)
    admin = {source: postgres.dsn(f"{source}_{name}") for source in ADAPTER_OF}
    for source, dsn in admin.items():
        await audit(dsn, MAPPINGS[source].tables)
    await play(story, databases.erp, databases.east, rate=None)
    return databases, {source: await _transactions(source, dsn) for source, dsn in admin.items()}


async def _transactions(source: str, dsn: str) -> list[Transaction]:
    db = await asyncpg.connect(dsn)
    keys = {f"public.{row['tbl']}": row["columns"] for row in await db.fetch(_KEYS)}
    rows = await db.fetch("select * from audit.change order by id")
    await db.close()
    groups = itertools.groupby(rows, key=lambda row: row["txid"])
    return [transaction(source, number, list(group), keys) for number, (_, group) in enumerate(groups, 1)]


def transaction(source: str, number: int, rows: list[Any], keys: dict[str, list[str]]) -> Transaction:
    changes = [change(source, number, ordinal, row, keys[row["tbl"]]) for ordinal, row in enumerate(rows, 1)]
    return Transaction(source, changes, changes[-1].position, None, len(changes))


def change(source: str, number: int, ordinal: int, row: Any, key: list[str]) -> Change:
    before, after = as_debezium(row["before"]), as_debezium(row["after"])
    content = after or before or {}
    return Change(
        source=source,
        table=row["tbl"],
        op=_OPS[row["op"]],
        key={column: content[column] for column in key},
        before=None,
        after=after,
        position=Position(1, 1000 + number, ordinal),
        transaction=f"{number}",
        committed_at=CAPTURED_AT,
        captured_at=CAPTURED_AT,
    )


def as_debezium(text: str | None) -> dict[str, Any] | None:
    """Numbers with a fraction as strings, whole ones as they are."""
    if text is None:
        return None
    row: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return {column: str(value) if isinstance(value, Decimal) else value for column, value in row.items()}


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)

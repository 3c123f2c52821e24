"""A process that captures `item` of DSN into `copied` of the same database, each transaction with its checkpoint in
one transaction: `python -m tests.controls.copying DSN FOLDER ROWS`. It ends when the snapshot is over and `copied` has
that many rows."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import msgspec

from cdc.capture import checkpoint_behind
from cdc.change import Change, Checkpoint, Transaction
from cdc.engine import EngineSource
from tests.controls.capturing import items

TABLES = """
create table if not exists copied (id int, name text);
create table if not exists copied_up_to (source text primary key, checkpoint bytea)
"""
_SAVE = (
    "insert into copied_up_to values ('erp', $1) on conflict (source) do update set checkpoint = excluded.checkpoint"
)


async def main(dsn: str, folder: Path, rows: int) -> None:
    db = await asyncpg.connect(dsn)
    await db.execute(TABLES)
    source = EngineSource([items("erp", dsn)], folder)
    async with source.open(await _checkpoints(db)) as batches:
        async for batch in batches:
            for transaction in batch:
                await _copy(db, transaction)
            checkpoint = checkpoint_behind(batch[-1])
            await source.processed([checkpoint])
            if not checkpoint.snapshotting and await db.fetchval("select count(*) from copied") >= rows:
                return


async def _checkpoints(db: asyncpg.Connection) -> dict[str, Checkpoint]:
    saved = await db.fetchval("select checkpoint from copied_up_to")
    return {"erp": msgspec.json.decode(saved, type=Checkpoint)} if saved else {}


async def _copy(db: asyncpg.Connection, transaction: Transaction) -> None:
    """A plain insert: what came twice would show."""
    rows = [each.after for each in transaction.changes if isinstance(each, Change) and each.after]
    async with db.transaction():
        await db.executemany("insert into copied values ($1, $2)", [(row["id"], row["name"]) for row in rows])
        await db.execute(_SAVE, msgspec.json.encode(checkpoint_behind(transaction)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))

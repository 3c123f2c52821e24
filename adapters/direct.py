"""A source at rest in neutral words, for `milepost verify`: its tables are copied beside the graph, and the
adapter's own direct.sql turns them into rows of `said_*` (see direct.sql here). No code of mapping or projector.

All of it lives in temporary tables of one session, so that nothing can be left behind and no reader meets it.
"""

import re
from importlib.resources import files

import asyncpg

from adapters.origins import DirectSource, snapshot
from orders.errors import RejectedError

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COPIED = """
select c.relname::text as name, array_agg(a.attname::text order by a.attnum) as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = pg_my_temp_schema() and c.relkind = 'r' and not starts_with(c.relname, 'said_')
group by c.relname order by c.relname
"""


async def prepare(db: asyncpg.Connection) -> None:
    """Make the empty tables `said_*` in this session."""
    await db.execute((files("adapters") / "direct.sql").read_text(encoding="utf-8"))


async def gather(db: asyncpg.Connection, source: DirectSource) -> None:
    """Add what one source says, as of one snapshot of it, to the tables `said_*` of this session.

    Raises TransientError when the source cannot be reached, and RejectedError when it is not what the adapter knows.
    """
    blocks = _blocks(source.adapter)
    async with snapshot(source) as origin, db.transaction():
        await db.execute("select set_config('direct.source', $1, true)", source.name)
        await db.execute(blocks["tables"])
        for table in await db.fetch(_COPIED):
            await origin.copy(db, table["name"], table["columns"])
        await db.execute(blocks["rows"])


def _blocks(adapter: str) -> dict[str, str]:
    path = files("adapters") / adapter / "direct.sql"
    if not path.is_file():
        raise RejectedError(f"adapter {adapter} has no direct.sql: it cannot be verified")
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))

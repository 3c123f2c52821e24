"""Sources for `milepost verify`: the databases of a legacy ERP and of 3PL East with handwritten orders in them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import asyncpg

from adapters.origins import DirectSource
from app.postgres import Postgres

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
ERP, EAST = ROOT / "demo/sql/erp.sql", ROOT / "demo/sql/east.sql"
GRAPH = ROOT / "projections/sql/graph.sql"
_numbers = count(1)


@asynccontextmanager
async def session(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(dsn)
    try:
        yield db
    finally:
        await db.close()


async def run(dsn: str, *files: Path) -> None:
    """Run SQL files in the order given."""
    async with session(dsn) as db:
        for file in files:
            await db.execute(file.read_text(encoding="utf-8"))


@asynccontextmanager
async def databases(postgres: Postgres, erp: Sequence[Path], east: Sequence[Path]) -> AsyncIterator[list[DirectSource]]:
    """Databases of an ERP and of East, made by these files; they are gone afterwards."""
    number = next(_numbers)
    names = {"erp": f"verify_erp_{number}", "east": f"verify_east_{number}"}
    for name in names.values():
        await postgres.create_database(name)
    await run(postgres.dsn(names["erp"]), *erp)
    await run(postgres.dsn(names["east"]), *east)
    try:
        yield [
            DirectSource("erp", "erp_legacy", postgres.dsn(names["erp"])),
            DirectSource("east", "wms_east", postgres.dsn(names["east"])),
        ]
    finally:
        async with session(postgres.dsn("postgres")) as db:
            for name in names.values():
                await db.execute(await db.fetchval("select format('drop database %I with (force)', $1::text)", name))

"""Sources for `milepost verify`: the databases of a legacy ERP and of 3PL East with handwritten orders in them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from adapters.origins import DirectSource
from app.postgres import Postgres
from tests.controls.sql import run, session

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
ERP, EAST = ROOT / "demo/sql/erp.sql", ROOT / "demo/sql/east.sql"
GRAPH = ROOT / "projections/sql/graph.sql"
_numbers = count(1)


async def run_files(dsn: str, *files: Path) -> None:
    """In the order given."""
    await run(dsn, *(file.read_text() for file in files))


@asynccontextmanager
async def databases(postgres: Postgres, erp: Sequence[Path], east: Sequence[Path]) -> AsyncIterator[list[DirectSource]]:
    """Databases of an ERP and of East, made by these files; they are gone afterwards."""
    number = next(_numbers)
    names = {"erp": f"verify_erp_{number}", "east": f"verify_east_{number}"}
    for name in names.values():
        await postgres.create_database(name)
    await run_files(postgres.dsn(names["erp"]), *erp)
    await run_files(postgres.dsn(names["east"]), *east)
    try:
        yield [
            DirectSource("erp", "erp_legacy", postgres.dsn(names["erp"])),
            DirectSource("east", "wms_east", postgres.dsn(names["east"])),
        ]
    finally:
        async with session(postgres.dsn("postgres")) as db:
            for name in names.values():
                await db.execute(await db.fetchval("select format('drop database %I with (force)', $1::text)", name))

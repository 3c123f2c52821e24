"""A MariaDB whose table `item` is captured, or those of 3PL West."""

from pathlib import Path
from typing import Final

from cdc.mariadb.database import MariaDatabase
from tests.controls.mariadb import connect

ITEMS: Final = "create table item (id int primary key, name varchar(20))"


def items(dsn: str, history: str, *tables: str) -> MariaDatabase:
    return MariaDatabase("west", dsn, tables or ("item",), history)


def put(dsn: str, name: str, *idents: int) -> None:
    """Rows of `item`, written in one transaction each."""
    with connect(dsn) as db, db.cursor() as cursor:
        for ident in idents:
            cursor.execute(
                "insert into item values (%s, %s) on duplicate key update name = values(name)", (ident, name)
            )


def tables() -> list[str]:
    """The statements that make those of West's system."""
    return _parts((Path(__file__).parents[2] / "demo" / "sql" / "west.sql").read_text())


def in_compose() -> list[str]:
    """The statements by which docker-compose.yml fills them."""
    return _parts((Path(__file__).parents[2] / "demo" / "sql" / "demo_west.sql").read_text())


def statements(name: str, **values: object) -> list[str]:
    """What happens there, out of the file `west_NAME.sql` beside this one."""
    return _parts((Path(__file__).parent / f"west_{name}.sql").read_text().format(**values))


def _parts(text: str) -> list[str]:
    return text.strip().removesuffix(";").split(";\n")

"""A MariaDB whose table `item` is captured."""

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

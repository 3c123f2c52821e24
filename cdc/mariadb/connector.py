"""The settings of the Debezium engine for one captured MariaDB."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from cdc.connector import COMMON
from cdc.mariadb.database import MariaDatabase
from cdc.mariadb.history import SCHEMA, history_table
from cdc.mariadb.login import MODES
from cdc.mariadb.truststore import PASSWORD, truststore

_FIXED: Final = {
    "connector.class": "io.debezium.connector.mariadb.MariaDbConnector",
    "include.schema.changes": "false",
    # A server that went away is noticed after so long; a minute would be the default.
    "connect.keep.alive.interval.ms": "5000",
    # A table of the graph's Postgres. Made anew from the tables as they are now, it would be wrong for what was logged
    # before the last ALTER; and a file would not be where the checkpoint is.
    "schema.history.internal": "io.debezium.storage.jdbc.history.JdbcSchemaHistory",
    "schema.history.internal.store.only.captured.tables.ddl": "true",
}


def properties(database: MariaDatabase, store: Path, *, snapshot: bool) -> dict[str, str]:
    """All settings of an engine that first takes a snapshot, or goes on from the offset in the file `store`.

    Certificates that it is to trust are put into a file beside that.
    """
    return {
        **COMMON,
        **_FIXED,
        "name": database.name,
        "topic.prefix": database.name,
        "database.server.id": str(database.server_id),
        "database.include.list": re.escape(database.database),
        "table.include.list": database.table_list,
        "snapshot.mode": "initial" if snapshot else "no_data",
        "offset.storage.file.filename": str(store),
        **dict(database.settings()),
        **dict(_history(database)),
        **dict(_tls(database, store.with_suffix(".p12"))),
    }


def _tls(database: MariaDatabase, certificates: Path) -> Iterator[tuple[str, str]]:
    yield "database.ssl.mode", MODES[database.tls]
    if database.tls_ca:
        truststore(Path(database.tls_ca), certificates)
        yield "database.ssl.truststore", str(certificates)
        yield "database.ssl.truststore.password", PASSWORD


def _history(database: MariaDatabase) -> Iterator[tuple[str, str]]:
    url, jdbc = urlsplit(database.history), "schema.history.internal.jdbc"
    query = "&".join(each for each in (f"currentSchema={SCHEMA}", url.query) if each)
    place = f"{url.hostname or 'localhost'}:{url.port or 5432}{url.path}"
    yield f"{jdbc}.connection.url", f"jdbc:postgresql://{place}?{query}"
    yield f"{jdbc}.connection.user", unquote(url.username or "")
    yield f"{jdbc}.connection.password", unquote(url.password or "")
    yield f"{jdbc}.table.name", history_table(database.name)

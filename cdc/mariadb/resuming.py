"""Where a connector of Kafka Connect is to go on behind a transaction, of which a topic tells the last row's place."""

from typing import Any, Final

import pymysql
from pymysql.constants import ER

from cdc.binlog import binlog_file, file_number
from cdc.mariadb.database import SQL, MariaDatabase, asked, gtids_at, logs_of

_BETWEEN: Final = frozenset(["Gtid", "Rotate", "Stop"])
"""Events that lie in no transaction, or begin the next one."""

Offset = dict[str, Any]
"""As the connector stores it."""


async def offset_behind(database: MariaDatabase, log: int, gtid: str) -> Offset | None:
    """Behind the transaction that has a row at this place, `gtid` if it is known; None if the log is another by now."""
    return await asked(database, lambda cursor: _offset(cursor, log, gtid))


def _offset(cursor: "pymysql.cursors.Cursor", log: int, gtid: str) -> Offset | None:
    number, pos = binlog_file(log)
    file = next((name for name, _ in logs_of(cursor) if file_number(name) == number), None)
    end = _end(cursor, file, pos) if file else None
    gtids = gtids_at(cursor, file, end) if file and end else None
    if gtids is None or (gtid and gtid not in gtids.split(",")):
        return None
    return {"file": file, "pos": end, "gtids": gtids}


def _end(cursor: "pymysql.cursors.Cursor", file: str, pos: int) -> int | None:
    """Where what this place lies in is over; None if it is no place of the file."""
    while True:
        try:
            cursor.execute(SQL["events"], (file, pos))
        except pymysql.Error as error:
            if error.args[0] == ER.ERROR_WHEN_EXECUTING_COMMAND:
                return None
            raise
        events = cursor.fetchall()
        for _, begin, kind, _, end, _ in events:
            if kind in _BETWEEN:
                return int(begin)
            pos = int(end)
        if not events:
            return pos

"""The kinds of databases that are captured, and what differs between them for the engine."""

from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from cdc import connector, database
from cdc.change import Checkpoint
from cdc.database import CapturedDatabase
from cdc.mariadb import connector as mariadb_connector
from cdc.mariadb import database as mariadb
from cdc.mariadb.database import MariaDatabase
from cdc.mariadb.history import forget_history, has_history
from cdc.resume import Anew, Continue, Identity, decide, identity, known, untold
from cdc.tenure import tenure
from orders.errors import MilepostError

Captured = CapturedDatabase | MariaDatabase


def captured(name: str, dsn: str, tables: tuple[str, ...], graph_dsn: str = "", reader: str = "") -> Captured:
    """The database of a DSN, by its scheme. Raises StartError.

    `graph_dsn` is the owner's of the graph, where an engine needs it. `reader` names who captures it, if not an engine:
    the slot, or the replica.
    """
    if dsn.startswith("mariadb:"):
        return MariaDatabase(name, dsn, tables, graph_dsn, reader)
    return CapturedDatabase(name, dsn, tables, reader)


async def check(captured: Captured) -> None:
    """Raises StartError or TransientError when the database cannot be captured as it is; changes nothing."""
    if isinstance(captured, MariaDatabase):
        await mariadb.inspect(captured)
    else:
        await database.check(captured)


async def prepare(
    captured: Captured, checkpoint: Checkpoint | None, lost: str = ""
) -> tuple[Continue | Anew, Identity]:
    """Make the source ready for an engine, and say whether that goes on behind the checkpoint.

    `lost`: why it must not, though there be nothing to see any more.
    """
    if isinstance(captured, MariaDatabase):
        return await _prepare_mariadb(captured, checkpoint, lost)
    return await _prepare_postgres(captured, checkpoint, lost)


def held(captured: Captured, owner: str) -> AbstractAsyncContextManager[None]:
    """While the block lasts, no other `owner` reads it as this one does. Raises as `tenure`."""
    return nullcontext() if isinstance(captured, MariaDatabase) else tenure(captured, owner)


async def altered(captured: Captured, known: Identity | None = None) -> str | None:
    """Why what is read by the log is not all any more; None while it is, or nobody can tell."""
    try:
        if isinstance(captured, MariaDatabase):
            return await mariadb.altered(captured)
        async with database.connected(captured) as db:
            return untold(captured, await database.look(db, captured), known or Identity("", 0))
    except MilepostError:
        return None


async def _prepare_postgres(
    captured: CapturedDatabase, checkpoint: Checkpoint | None, lost: str
) -> tuple[Continue | Anew, Identity]:
    async with database.connected(captured) as db:
        server = await database.inspect(db, captured)
        decision = Anew(lost) if lost else decide(captured, server, checkpoint)
        if isinstance(decision, Anew):
            database.check_sight(captured, server)
            await database.drop_slot(db, captured)
            await database.publish(db, captured, server)
        await database.release(db, captured)
    return decision, identity(server)


async def _prepare_mariadb(
    captured: MariaDatabase, checkpoint: Checkpoint | None, lost: str
) -> tuple[Continue | Anew, Identity]:
    server = await mariadb.inspect(captured)
    before = Anew(lost) if lost else known(checkpoint)
    if isinstance(before, Anew):
        decision: Continue | Anew = before
    else:
        reason = await mariadb.gap(captured, server, before.identity, before.offset)
        if not reason and not await has_history(captured.history, captured.name):
            reason = "what was known of its columns is gone"
        decision = Anew(reason) if reason else Continue(before.offset)
    if isinstance(decision, Anew):
        await mariadb.check_settled(captured)
        await mariadb.begin_log(captured)
        await forget_history(captured.history, captured.name)
    return decision, mariadb.identity(captured, server)


def properties(captured: Captured, store: Path, *, snapshot: bool) -> dict[str, str]:
    """All settings of an engine that first takes a snapshot, or goes on from the offset in the file `store`."""
    if isinstance(captured, MariaDatabase):
        return mariadb_connector.properties(captured, store, snapshot=snapshot)
    return connector.properties(captured, store, snapshot=snapshot)

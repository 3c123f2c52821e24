"""What a truncation says: the end of every fact of its table."""

from collections.abc import Sequence

from cdc.change import Op
from orders.facts import Fact
from projections.batch import Batch
from projections.database import SQL, Connection
from projections.events import Stated
from projections.mapping import Mappings


async def emptied(connection: Connection, mappings: Mappings, batch: Batch, stated: Sequence[Stated]) -> list[Stated]:
    """With the end of every fact of a truncated table: of those that are stored, and those told just before."""
    found: list[Stated] = []
    for each in stated:
        change = each.change
        if change.op is not Op.TRUNCATE:
            found.append(each)
            continue
        prefixes = mappings[change.source].prefixes(change.table)
        rows = await connection.fetch(SQL["keys_of_table"], change.source, prefixes)
        keys = {row["key"] for row in rows}
        keys |= {fact.key for told in found for fact in told.facts if fact.key.startswith(prefixes)}
        if keys:
            found.append(Stated(change, [Fact(key=key) for key in sorted(keys)]))
        else:
            batch.tallies[change.source].filtered += 1
    return found

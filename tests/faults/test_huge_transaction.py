"""F12: one transaction that is larger than memory should be. It goes through a file, and a part at a time into the
graph; readers see all of it or nothing, and who is killed in the middle of it begins it again. C1, C2, C10, C11."""

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.controls.crash_projector import installed, projector
from tests.controls.milepost import SECONDS, Installed, owner, streaming
from tests.controls.selling import MASTER_DATA, SELL
from tests.controls.sql import run
from tests.controls.waiting import until

ORDERS = 5_100
"""Of three rows each."""
MOST, FULL = 280 << 20, 400 << 20
"""Bytes that the projector may have: with these, and once its caches are full, whatever the size beyond."""

RAISE = "update ordlin set qtyord = qtyord + 1"
SHOWN = """
select count(*) as orders, count(*) filter (where total = 55) as raised,
    (select count(*) from graph.line) as lines from graph.orders where number >= '1000000'
"""
RECORD = """
select (select count(*) from record.ledger
        where tbl in ('public.ordhdr', 'public.ordlin') and outcome = 'applied') as ledger,
    (select count(*) from record.checkpoint where seen <> applied + superseded + dead + filtered) as unaccounted,
    (select count(*) from (select 1 from record.feed group by order_id
        having max(version) <> count(*) or count(distinct key) <> count(*)) f) as disorderly
"""
WORKING = (
    "select count(*) from pg_stat_activity where application_name = 'milepost projector' and backend_xid is not null"
)


class Watched:
    """What readers saw, one look after the other. A look counts what is there, so it rests `pause` seconds between two:
    it must not take the time of what it watches."""

    def __init__(self, whole: Installed, pause: float) -> None:
        self.whole, self.pause, self.seen = whole, pause, set[tuple[int, int, int]]()

    async def look(self) -> tuple[int, int, int]:
        [row] = await self.whole.fetch(SHOWN)
        self.seen.add(tuple(row))
        return tuple(row)

    async def until(self, *counts: int) -> None:
        async def there() -> bool:
            return await self.look() == counts

        await until(there, 20 * SECONDS, self.pause)


async def is_writing(whole: Installed) -> bool:
    [[backends]] = await whole.fetch(WORKING)
    return bool(backends)


async def test_is_seen_whole_in_bounded_memory(data: Path) -> None:
    await check(data, ORDERS, MOST)


async def check(data: Path, orders: int, most: int) -> int:
    """The most bytes, `most` at most, that the projector had over two transactions, of `orders` × 3 rows and × 2."""
    async with installed(data) as whole:
        await whole.write("erp", *MASTER_DATA)
        watched = Watched(whole, orders / 100_000)
        async with projector(data) as process:
            await until(lambda: streaming(whole), SECONDS)
            await watched.look()
            await run(owner(whole.settings, "erp"), SELL.format(orders))
            await until(lambda: is_writing(whole), 20 * SECONDS)
            os.kill(process.pid, signal.SIGKILL)
        async with projector(data) as process:
            await watched.until(orders, 0, 2 * orders)
            await run(owner(whole.settings, "erp"), RAISE)
            await watched.until(orders, orders, 2 * orders)
            taken = peak(process.pid)
            assert taken < most
        assert watched.seen == {(0, 0, 0), (orders, 0, 2 * orders), (orders, orders, 2 * orders)}
        [record] = await whole.fetch(RECORD)
        assert tuple(record) == (5 * orders, 0, 0)
    return taken


def peak(pid: int) -> int:
    """The most memory that the process ever had, in bytes."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) << 10


if __name__ == "__main__":
    # `python -m tests.faults.test_huge_transaction 333334`: the same with a million rows in one transaction.
    with tempfile.TemporaryDirectory(prefix="milepost-huge-") as folder:
        most_of_all = asyncio.run(check(Path(folder).resolve(), int(sys.argv[1]), FULL))
        print(f"the projector had {most_of_all >> 20} MB at most")  # noqa: T201

"""F4: the sources drop the log that stopped capture still needs. It is said, what is shown is marked as stale while
reads go on, and a snapshot heals it: what was changed and deleted in the gap is right, no event comes twice. C1, C3."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import asyncpg

from tests.controls.capturing import run
from tests.controls.milepost import MILEPOST, SECONDS, Milepost, milepost, owner
from tests.controls.selling import MASTER_DATA, accepted, entered, new_number
from tests.controls.waiting import until

LOST = "select count(*) from pg_replication_slots where wal_status = 'lost'"
FEW = ("alter system set max_slot_wal_keep_size = '1MB'", "select pg_reload_conf()")
MUCH = "select pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) from generate_series(1, 17)"
GONE = "delete from ordlin where linno = 2"
DISORDER = """
select order_id from record.feed group by order_id
having min(version) <> 1 or max(version) <> count(*) or count(distinct key) <> count(*)
"""
ORDER = "query ($n: String) { order(number: $n) { lines { line } freshness { source stale } } }"
SOURCES = "{ sources { name state slot advice healedReason } }"


async def shown(whole: Milepost, number: int) -> Any:
    return (await whole.client.ask(ORDER, n=str(number)))["order"]


async def is_stale(whole: Milepost, number: int) -> bool | None:
    """What a reader of the order is told; None while there is none."""
    order = await shown(whole, number)
    return order and any(each["stale"] for each in order["freshness"])


async def outgrown(whole: Milepost) -> bool:
    """One more file of the log, until both slots have lost what they need."""
    dsn = owner(whole.settings, "postgres")
    await run(dsn, MUCH, "select pg_switch_wal()", "checkpoint")
    db = await asyncpg.connect(dsn)
    try:
        return bool(await db.fetchval(LOST) == 2)
    finally:
        await db.close()


async def told(data: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *MILEPOST, "sources", "--data", str(data), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return said.decode()


async def test_said_marked_and_healed_while_reads_go_on(data: Path) -> None:
    async with milepost(data) as whole:
        number = new_number()
        await whole.write("erp", *MASTER_DATA, *entered(number), accepted(number))
        await until(lambda: fresh(whole, number), SECONDS)
        engine = whole.engine()
        os.kill(engine, signal.SIGSTOP)
        await run(owner(whole.settings, "erp"), GONE, *FEW)
        await until(lambda: outgrown(whole), SECONDS)
        await until(lambda: is_stale(whole, number), SECONDS)
        assert [each["line"] for each in (await shown(whole, number))["lines"]] == ["1", "2"]
        os.kill(engine, signal.SIGCONT)
        await until(lambda: healed(whole, number), SECONDS)
        found = {each["name"]: each for each in (await whole.client.ask(SOURCES))["sources"]}
        assert found.keys() == {"erp", "east"}
        assert all("lost the log it needs" in each["healedReason"] for each in found.values())
        listed = await told(data)
        assert listed.splitlines()[0].split()[:4] == ["SOURCE", "STATE", "LAG", "SLOT"]
        assert "its slot milepost_erp lost the log it needs" in listed
        assert (await whole.verdict()).verified
        assert await whole.fetch(DISORDER) == []


async def fresh(whole: Milepost, number: int) -> bool:
    return await is_stale(whole, number) is False


async def healed(whole: Milepost, number: int) -> bool:
    order = await shown(whole, number)
    return [each["line"] for each in order["lines"]] == ["1"] and not any(each["stale"] for each in order["freshness"])

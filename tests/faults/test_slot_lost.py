"""F4: the sources drop the log that stopped capture still needs. It is said, what is shown is marked as stale while
reads go on, and a snapshot heals it: what was changed and deleted in the gap is right, no event comes twice. C1, C3."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import asyncpg

from tests.controls.accounting import DISORDER
from tests.controls.healing import fresh, healed, is_stale, shown, sources, told
from tests.controls.milepost import SECONDS, Milepost, milepost, owner
from tests.controls.selling import MASTER_DATA, accepted, entered, new_number
from tests.controls.sql import run
from tests.controls.waiting import until

LOST = "select count(*) from pg_replication_slots where wal_status = 'lost'"
FEW = ("alter system set max_slot_wal_keep_size = '1MB'", "select pg_reload_conf()")
MUCH = "select pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) from generate_series(1, 17)"
GONE = "delete from ordlin where linno = 2"


async def outgrown(whole: Milepost) -> bool:
    """One more file of the log, until both slots have lost what they need."""
    dsn = owner(whole.settings, "postgres")
    await run(dsn, MUCH, "select pg_switch_wal()", "checkpoint")
    db = await asyncpg.connect(dsn)
    try:
        return bool(await db.fetchval(LOST) == 2)
    finally:
        await db.close()


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
        with suppress(ProcessLookupError):  # one that is silent for so long is ended by its projector
            os.kill(engine, signal.SIGCONT)
        await until(lambda: healed(whole, number, "1"), SECONDS)
        found = await sources(whole)
        assert found.keys() == {"erp", "east"}
        assert all("lost the log it needs" in each["healedReason"] for each in found.values())
        listed = await told(data)
        assert listed.splitlines()[0].split()[:4] == ["SOURCE", "STATE", "LAG", "SLOT"]
        assert "its slot milepost_erp lost the log it needs" in listed
        assert (await whole.verdict()).verified
        assert await whole.fetch(DISORDER) == []

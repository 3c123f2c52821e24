"""F6: a source keeps more and more log because we lag. It is said in time; under `when_too_much = "drop"` our slot is
given up before the source's disk is full, what is shown is marked as stale, and a snapshot makes it right again. C1."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from app.settings import CaptureConfig, TooMuch
from cdc.advice import Limits, advice
from cdc.capture import SlotHealth, SourceLag, State
from cdc.change import Transaction
from cdc.engine import EngineSource
from cdc.guard import guarded
from tests.controls.accounting import DISORDER
from tests.controls.capturing import ITEMS, Reader, ask, engine, has, items, put, snapshot_taken
from tests.controls.healing import fresh, healed, is_stale, shown, sources, told
from tests.controls.milepost import SECONDS, Milepost, milepost, owner
from tests.controls.selling import MASTER_DATA, accepted, entered, new_number
from tests.controls.sql import run
from tests.controls.waiting import until

MOST = 3_000_000
"""Bytes of log that the source may keep."""
MUCH = "select pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) from generate_series(1, 4)"
SLOTS = "select count(*) from pg_replication_slots where database = any($1::text[])"


class Halting:
    """Reads on as long as it may."""

    def __init__(self, source: EngineSource) -> None:
        self.source, self.reader, self.may = source, Reader(), asyncio.Event()
        self.may.set()

    async def read(self, batches: AsyncIterator[Sequence[Transaction]]) -> None:
        async for batch in batches:
            await self.may.wait()
            await self.source.processed(self.reader.take(batch))


async def given_up(dsn: str, *databases: str) -> bool:
    """Whether no slot is left, once there is more in the log."""
    await run(dsn, MUCH)
    return bool(await ask(dsn, SLOTS, databases) == 0)


async def test_the_slot_goes_and_a_snapshot_follows_once_it_is_read_on(
    database: str, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While nobody reads, the source can be written to without end; what it deletes then goes from what is shown."""
    await run(database, ITEMS)
    captured, name = items("erp", database), database.rpartition("/")[2].partition("?")[0]
    halting = Halting(source := engine(data, captured))
    reader = halting.reader
    async with source.open({}) as batches, guarded([captured], MOST, source.shed):
        reading = asyncio.create_task(halting.read(batches))
        await snapshot_taken(reader, "erp")
        await put(database, "old", *range(10))
        await has(reader, "erp", range(10))
        halting.may.clear()
        await put(database, "unread", *range(10, 20))
        await until(lambda: given_up(database, name), 60)
        await until(lambda: _is_given_up(source))
        await run(database, "delete from item where id < 5 or id = 19")
        await put(database, "new", 5, 30)
        assert await ask(database, SLOTS, [name]) == 0  # not before what was read is dealt with
        halting.may.set()
        await snapshot_taken(reader, "erp", epoch=2)
        rows = dict.fromkeys(range(6, 10), "old") | dict.fromkeys(range(10, 19), "unread") | {5: "new", 30: "new"}
        await has(reader, "erp", rows)
        await put(database, "streamed", 31)
        await has(reader, "erp", rows | {31: "streamed"})
        [lag] = await source.lag()
        reading.cancel()
        await asyncio.wait({reading})
    assert not lag.given_up
    assert lag.healed
    assert "slot milepost_erp was given up: it kept" in lag.healed.reason
    said = [each for each in caplog.records if each.name == "cdc.guard"]
    assert {each.levelno for each in said} == {logging.ERROR}


async def _is_given_up(source: EngineSource) -> bool:
    [lag] = await source.lag()
    state = (lag.state, lag.given_up, lag.slot and lag.slot.status)
    return state == (State.FAILED, True, "absent") and "was given up" in (lag.reason or "")


async def test_readers_see_it_as_stale_and_then_right(data: Path) -> None:
    """The graph's database takes no change for a while, which is why the projector lags."""
    capture = CaptureConfig(most_kept_mb=20, when_too_much=TooMuch.DROP)
    async with milepost(data, capture=capture) as whole:
        number, later = new_number(), new_number()
        await whole.write("erp", *MASTER_DATA, *entered(number), accepted(number))
        await until(lambda: fresh(whole, number), SECONDS)
        blocked = await asyncpg.connect(whole.settings.graph_dsn)
        async with blocked.transaction():
            await blocked.execute("lock table record.ledger in exclusive mode")
            erp = owner(whole.settings, "erp")
            await run(erp, "delete from ordlin where linno = 2")
            await until(lambda: given_up(erp, "erp", "east"), SECONDS)
            await until(lambda: is_stale(whole, number), SECONDS)
            assert [each["line"] for each in (await shown(whole, number))["lines"]] == ["1", "2"]
            await whole.write("erp", *entered(later), accepted(later))
            await until(lambda: _says(whole, "was given up"), SECONDS)
        await blocked.close()
        await until(lambda: healed(whole, number, "1"), SECONDS)
        await until(lambda: healed(whole, later, "1", "2"), SECONDS)
        assert "was given up" in (await sources(whole))["erp"]["healedReason"]
        assert (await whole.verdict()).verified
        assert await whole.fetch(DISORDER) == []


async def _says(whole: Milepost, what: str) -> bool:
    return what in await told(whole.data)


@pytest.mark.parametrize(
    ("kept", "drops", "said"),
    [
        pytest.param(7_000_000, False, None, id="little"),
        pytest.param(9_000_000, False, "pg_drop_replication_slot('milepost_erp')", id="warned in time"),
        pytest.param(9_000_000, True, "beyond that the slot is given up", id="what will happen"),
    ],
)
def test_it_is_said_before_it_is_too_much(kept: int, drops: bool, said: str | None) -> None:
    slot = SlotHealth("reserved", kept, None, None)
    lag = SourceLag("erp", State.STREAMING, None, 1, 0, None, slot)
    told = advice(lag, "milepost_erp", Limits(behind=10**9, kept=10**7, drops=drops))
    if said is None:
        assert told is None
    else:
        assert told
        assert told.startswith("9 MB of log are kept for us there, 10 are allowed")
        assert said in told

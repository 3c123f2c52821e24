"""F28: two installations read one source by the same slot. The first keeps it, the second says so and waits."""

from pathlib import Path

from cdc.capture import State
from cdc.engine import EngineSource
from tests.controls.capturing import ITEMS, Reader, captured, engine, has, items, put, snapshot_taken
from tests.controls.sql import run
from tests.controls.waiting import until

TAKEN = "another Milepost reads it by slot milepost_erp (milepost one, from 127.0.0.1)"


async def test_the_second_waits(database: str, data: Path) -> None:
    """A data folder that was copied, or a trial beside the real one: each has a graph, and a checkpoint, of its own."""
    await run(database, ITEMS)
    await put(database, "old", 1)
    erp, first, second = items("erp", database), Reader(), Reader()
    waiting = engine(data / "two", erp, owner="two")
    async with captured(engine(data / "one", erp, owner="one"), first):
        await snapshot_taken(first, "erp")
        async with captured(waiting, second):
            await until(lambda: _is_told(waiting))
            await put(database, "new", 2)
            await has(first, "erp", {1, 2})
    assert {each.position.epoch for each in first.transactions} == {1}
    assert second.transactions == []
    async with captured(engine(data / "two", erp, owner="two"), second):
        await has(second, "erp", {1, 2})


async def _is_told(source: EngineSource) -> bool:
    (found,) = await source.lag()
    return found.state is State.FAILED and TAKEN in (found.reason or "")

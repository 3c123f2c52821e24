"""F34: the disk of the data folder is full. A transaction too large for memory, and the engine's offset, find no room:
nothing is acknowledged, and when there is room again all comes once. C2."""

from asyncio import create_task, wait
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cdc.capture import State
from cdc.engine import EngineSource
from cdc.transactions import IN_MEMORY
from tests.controls.capturing import ITEMS, Reader, engine, has, items, put, snapshot_taken
from tests.controls.disks import fill, small_disk
from tests.controls.sql import run
from tests.controls.waiting import until

MANY = "insert into item select id, 'many' from generate_series(2, 12000) id"
"""More than are kept in memory."""


@pytest.fixture
def scratch(data: Path) -> Iterator[Path]:
    with small_disk(data / "disk"):
        yield data / "disk"


class Stubborn:
    """Reads on behind its checkpoints whatever breaks, as the projector does."""

    def __init__(self, source: EngineSource) -> None:
        self.source, self.reader = source, Reader()
        self.broken: list[OSError] = []

    async def _read(self) -> None:
        while True:
            try:
                async with self.source.open(self.reader.checkpoints) as batches:
                    async for batch in batches:
                        await self.source.processed(self.reader.take(batch))
            except OSError as error:
                self.broken.append(error)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        task = create_task(self._read())
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()
            await wait({task})

    async def stands(self) -> bool:
        """Whether it has met the full disk."""
        return bool(self.broken) or State.FAILED in [each.state for each in await self.source.lag()]


async def test_what_finds_no_room_comes_when_there_is_some(database: str, scratch: Path) -> None:
    await run(database, ITEMS)
    stubborn = Stubborn(engine(scratch, items("erp", database)))
    reader = stubborn.reader
    async with stubborn.reading():
        await snapshot_taken(reader, "erp")
        await put(database, "before", 1)
        await has(reader, "erp", {1})
        fill(scratch / "filler")
        await run(database, MANY)
        await put(database, "behind", 20_000)
        await until(stubborn.stands)
        assert reader.table("erp") == {1: "before"}
        (scratch / "filler").unlink()
        await has(reader, "erp", {1, 20_000, *range(2, 12_001)}, 60)
    assert reader.streamed_ids("erp") == [*range(1, 12_001), 20_000]
    assert {each.position.epoch for each in reader.transactions} == {1}
    assert max(len(each.changes) for each in reader.transactions) > IN_MEMORY

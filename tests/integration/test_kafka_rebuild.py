"""`milepost snapshot SOURCE` where changes come by Kafka: the connector says all of the source anew."""

import asyncio
from asyncio.subprocess import PIPE
from functools import partial
from pathlib import Path

import pytest

from adapters.origins import DirectSource
from app.connectors import FAILED
from app.verifying import verify_once
from demo.story import Story
from tests.controls.accounting import DISORDER, tell
from tests.controls.crash_projector import projector
from tests.controls.distributed import Distributed, distributed
from tests.controls.kafka import Kafka
from tests.controls.milepost import MILEPOST, SECONDS, owner, streaming
from tests.controls.selling import MASTER_DATA, accepted, entered, new_number
from tests.controls.sql import run
from tests.controls.waiting import until

pytestmark = pytest.mark.kafka
STORY = Story(seed=5, orders=6)
UNPUBLISHED = (
    "alter publication {0} drop table ordlin",
    "update ordlin set qtyord = qtyord + 1 where linno = 1",
    "alter publication {0} add table ordlin",
)
"""What no log tells: the graph is wrong from then on, and nobody notices by himself."""
CHECKPOINT = "select epoch, snapshotting from record.checkpoint where source = 'erp'"
SNAPSHOT = "select count(*) from record.ledger where source = 'erp' and snapshot <> 'no' and epoch = {}"


async def rebuilt(found: Distributed, source: str) -> tuple[int | None, str, str]:
    """What `milepost snapshot` ends with and says."""
    arguments = ["snapshot", source, "--data", str(found.data)]
    process = await asyncio.create_subprocess_exec(*MILEPOST, *arguments, stdout=PIPE, stderr=PIPE)
    said, complained = await asyncio.wait_for(process.communicate(), 2 * SECONDS)
    return process.returncode, said.decode(), complained.decode()


async def sold(found: Distributed) -> None:
    """One more order, once it is there."""
    number = new_number()
    await found.write("erp", *entered(number), accepted(number))
    await until(lambda: found.fetch(f"select from graph.orders where number = '{number}'"), SECONDS)


def direct(found: Distributed) -> list[DirectSource]:
    return [DirectSource(each.name, each.adapter, each.dsn) for each in found.settings.sources]


async def test_what_the_log_never_told_is_right_afterwards_and_nothing_comes_twice(kafka: Kafka, data: Path) -> None:
    async with distributed(kafka, data) as found:
        await found.apply()
        await found.write("erp", *MASTER_DATA)
        await tell(found, STORY)
        async with projector(found.data):
            await until(partial(streaming, found), SECONDS)
            assert (await found.verdict()).verified
            erp = found.database("erp")
            await run(owner(found.settings, "erp"), *(each.format(erp.publication) for each in UNPUBLISHED))
            await sold(found)
            wrong = await verify_once(found.settings.graph_dsn, direct(found))
            assert (wrong.replay, bool(wrong.direct)) == ([], True)
            [[before, _]] = await found.fetch(CHECKPOINT)
            asked, said, complained = await rebuilt(found, "erp")
            assert (asked, complained) == (0, "")
            assert said.splitlines() == ["a new snapshot of erp is asked for", "erp was read anew"]
            assert [tuple(row) for row in await found.fetch(CHECKPOINT)] == [(before + 1, False)]
            [[brought]] = await found.fetch(SNAPSHOT.format(before + 1))
            assert brought > 0
            await sold(found)
            verdict = await found.verdict()
            assert verdict.verified, verdict
            assert await found.fetch(DISORDER) == []


async def test_what_keeps_it_from_beginning_is_said(kafka: Kafka, data: Path) -> None:
    async with distributed(kafka, data) as found:
        assert await refused(found, "nobody") == "there is no source nobody: name one of erp, east"
        assert await refused(found, "erp") == "erp was never read yet"
        await found.apply("erp")
        async with projector(found.data):
            await until(lambda: read(found), SECONDS)
            erp = found.database("erp")
            assert (await found.broken().apply(erp)).state == FAILED
            said = await refused(found, "erp")
            assert said.startswith(f"connector {found.kafka.topics}.erp is {FAILED}: ")
            assert "Publication autocreation is disabled" in said
            await run(owner(found.settings, "erp"), f"drop publication {erp.publication}")
            assert "its role may not publish" in await refused(found, "erp")
            assert (await found.connectors.status(erp)).state != "STOPPED"


async def refused(found: Distributed, source: str) -> str:
    code, said, complained = await rebuilt(found, source)
    assert (code, said) == (2, "")
    assert complained.startswith("milepost: ")
    return complained.removeprefix("milepost: ").rstrip("\n")


async def read(found: Distributed) -> bool:
    return [row["snapshotting"] for row in await found.fetch(CHECKPOINT)] == [False]

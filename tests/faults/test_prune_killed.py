"""Whoever drops old partitions is killed in the middle of it: nothing is lost, and the next one goes on."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from app.verifying import accounts
from cdc.change import Op
from orders.crash import ENVIRONMENT, CrashPoint
from projections.database import SQL, Connection
from projections.partitions import Table, begin_partition, partitions
from projections.projector import Projector
from projections.replay import replayed, stored
from tests.controls.projecting import check, header, line, order, transaction
from tests.controls.story import MAPPINGS

ORDERS = ("1", "2", "3")


async def pruned(dsn: str, environment: Mapping[str, str]) -> int:
    """How it ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.controls.pruning", dsn, env={**os.environ, **environment}
    )
    async with asyncio.timeout(60):
        return await process.wait()


async def emitted(graph: Connection) -> dict[str, Any]:
    rows = await graph.fetch(SQL["emitted"], list(ORDERS))
    kept = {row["order_id"]: {key for key in row["keys"] if not key.startswith("changed/")} for row in rows}
    return {row["order_id"]: (row["version"], kept[row["order_id"]]) for row in rows}


@pytest.mark.parametrize("place", [1, 2, 3])
@pytest.mark.parametrize("point", [CrashPoint.KEPT, CrashPoint.DROPPED])
async def test_a_prune_that_is_killed_loses_nothing(
    database: str, graph: Connection, point: CrashPoint, place: int
) -> None:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    changes = header(1, Op.UPDATE, ordsts="90"), line(2, Op.UPDATE, qtyord="3.000")
    for each in (order(1, 1), order(2, 2), transaction(3, *changes), order(4, 3)):
        await projector.project([each])
        for table in Table:
            await begin_partition(graph, table)
    await check(graph)
    before, told = await stored(graph), await emitted(graph)
    assert await pruned(database, {ENVIRONMENT: f"{point}:{place}"}) == -9
    assert sum([len(await partitions(graph, table)) for table in Table]) > 2
    for _ in range(2):
        assert await replayed(graph, MAPPINGS) == await stored(graph) == before
        assert await emitted(graph) == told
        assert all(account.balanced for account in await accounts(graph))
        assert await pruned(database, {}) == 0
    assert [len(await partitions(graph, table)) for table in Table] == [1, 1]
    await Projector(graph, MAPPINGS).start()
    assert await replayed(graph, MAPPINGS) == before

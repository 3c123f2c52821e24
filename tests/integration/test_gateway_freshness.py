"""As of when an order is known, whatever befalls its sources."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.controls import serving
from tests.controls.serving import Client

OF_ORDER = """
query ($id: ID!) { order(id: $id) { freshness { source state asOf committedAt projectedAt lagSeconds stale waiting } } }
"""
STATE = "update record.source_state set state = $1, lag_changes = $2, updated_at = now() - $3 * interval '1 second'"
COMMITTED = "update record.checkpoint set committed_at = now() - $1 * interval '1 second'"


@pytest.fixture
async def db(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    db = await asyncpg.connect(dsn)
    await db.execute((Path(__file__).parent / "gateway_west.sql").read_text())
    yield db
    await db.close()


@pytest.fixture
async def client(db: object, dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path) as client:
        yield client


async def of_order(client: Client, order: str = "1042") -> dict[str, dict[str, Any]]:
    found = (await client.ask(OF_ORDER, id=order))["order"]["freshness"]
    return {each["source"]: each for each in found}


@pytest.mark.parametrize(
    ("state", "waiting", "told", "committed", "lag", "stale"),
    [
        ("streaming", 0, 1, 4000, 1, False),
        ("streaming", 3, 1, 20, 20, False),
        ("streaming", 3, 1, 4000, 4000, True),
        ("streaming", 0, 4000, 5000, 4000, True),
        ("failed", 0, 1, 2, 2, True),
        ("snapshotting", 0, 1, 2, 2, True),
    ],
    ids=["caught up", "a little behind", "far behind", "nobody watches", "failed", "read anew"],
)
async def test_it_is_as_old_as_what_is_not_shown_yet(
    client: Client,
    db: "asyncpg.Connection[asyncpg.Record]",
    state: str,
    waiting: int,
    told: int,
    committed: int,
    lag: int,
    stale: bool,
) -> None:
    await db.execute(STATE, state, waiting, told)
    await db.execute(COMMITTED, committed)
    erp = (await of_order(client))["erp"]
    assert (erp["state"], erp["stale"]) == (state, stale)
    assert lag <= erp["lagSeconds"] < lag + 30
    assert erp["asOf"] >= erp["committedAt"]
    assert erp["projectedAt"] is not None


async def test_an_order_of_which_a_change_waits_is_stale(
    client: Client, db: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """It alone: the source's other orders are as fresh as the source."""
    await db.execute(STATE, "streaming", 0, 1)
    good, held = [(await of_order(client, order))["erp"] for order in ("1042", "1044")]
    assert (good["waiting"], good["stale"]) == (0, False)
    assert (held["waiting"], held["stale"]) == (1, True)


async def test_a_source_that_nobody_captures_is_stale(client: Client) -> None:
    west = (await of_order(client))["west"]
    assert (west["state"], west["asOf"], west["lagSeconds"], west["stale"]) == (None, None, None, True)


async def test_outsiders_learn_of_the_sources_of_their_orders(client: Client) -> None:
    customer, west = client.as_("customer", "C1"), client.as_("partner", "west")
    assert set(await of_order(customer)) == {"erp", "east", "west"}
    assert set(await of_order(west)) == {"erp", "west"}
    assert await west.ask("{ sources { name } }") == {"sources": []}
    assert await customer.ask(OF_ORDER, id="1043") == {"order": None}


async def test_a_source_tells_its_own(client: Client) -> None:
    query = "{ sources { name freshness { source committedAt } lastCommittedAt } }"
    sources = (await client.ask(query))["sources"]
    assert [each["name"] for each in sources] == ["east", "erp", "inbox"]
    for each in sources:
        assert each["freshness"]["source"] == each["name"]
        assert each["freshness"]["committedAt"] == each["lastCommittedAt"]

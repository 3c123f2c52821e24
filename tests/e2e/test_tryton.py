"""A real Tryton as the source: a sale with a short pick, seen by query and by subscription after every step."""

import json
from collections.abc import AsyncIterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.cluster import free_port
from app.demo_tryton import make_tryton, opened, told_verdict
from app.keys import token
from app.postgres import Postgres
from app.runtime import running
from app.settings import Config, Settings
from demo.tryton.child import Tryton
from demo.tryton.story import BACKORDER, STORY
from gateway.cursors import feed_cursor
from orders.errors import RejectedError
from tests.controls.serving import Client, Stream
from tests.controls.waiting import until

pytestmark = [
    pytest.mark.tryton,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        find_spec("trytond") is None,
        reason="Tryton is not installed (GPL, a group of its own): uv run --group tryton pytest -m tryton",
    ),
]

SECONDS = 90
INTEGRATION = Path(__file__).parents[1] / "integration"
WHOLE_ORDER = (INTEGRATION / "gateway_whole_order.graphql").read_text()
LEGACY_ANSWER = json.loads((INTEGRATION / "gateway_whole_order.json").read_text())

ORDER = """
query ($number: String!) { order(number: $number) {
    commercial fulfillment delivery financial displayStatus customerPo customer { name }
    lines { quantities { ordered packed shipped delivered invoiced open } product { description } }
    shipments { milestone tracking packages { tracking } lines { quantity } }
    invoices { status amount { amount } lines { quantity } }
} }
"""
FOLLOW = """
subscription ($order: ID, $after: String) { orderEvents(filter: {orderId: $order}, after: $after) {
    ... on OrderEvent { orderId version type cause { source transaction } order { displayStatus } }
    ... on Gap { reason }
} }
"""
COUNTS = "select count(*) from graph.orders"
UPDATES = """
select max(updates) from (
    select count(*) as updates from record.ledger
    where transaction in (select cause_transaction from record.feed where order_id = $1) and op = 'u'
    group by transaction, tbl, key::text
) of_a_row
"""


class Trade(NamedTuple):
    """A Tryton at work, and Milepost over it."""

    erp: Tryton
    client: Client
    settings: Settings

    async def sell(self) -> str:
        """The number of a new quotation."""
        return await self.erp.step("quote", await self.erp.step("draft"))

    async def take(self, number: str, *steps: str) -> None:
        for step in steps:
            await self.erp.step(step, number)

    async def order(self, number: str) -> Any:
        return (await self.client.ask(ORDER, number=number))["order"]

    async def shows(self, number: str, **expected: object) -> None:
        """The order comes to show this."""
        shown: dict[str, object] = {}

        async def ask() -> bool:
            order = await self.order(number)
            shown.update(summed_up(order) if order else {})
            return expected.items() <= shown.items()

        try:
            await until(ask, SECONDS)
        except AssertionError:
            assert {name: shown.get(name) for name in expected} == expected

    async def fetch(self, statement: str, *arguments: object) -> Any:
        db = await asyncpg.connect(self.settings.graph_dsn)
        try:
            return await db.fetchval(statement, *arguments)
        finally:
            await db.close()


def summed_up(order: Any) -> dict[str, object]:
    """The order's only line and its shipments: what they are at, how much, under which tracking number."""
    (line,) = order["lines"]
    return {
        "state": (order["commercial"], order["fulfillment"], order["delivery"], order["financial"]),
        "display": order["displayStatus"],
        "who": (order["customer"]["name"], order["customerPo"], line["product"]["description"]),
        **{name: float(quantity) for name, quantity in line["quantities"].items()},
        "shipments": [(s["milestone"], float(s["lines"][0]["quantity"])) for s in order["shipments"]],
        "packages": [[p["tracking"] for p in s["packages"]] for s in order["shipments"]],
        "invoices": [(i["status"], float(i["amount"]["amount"])) for i in order["invoices"]],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trade(module_data: Path) -> AsyncIterator[Trade]:
    config = Config(port=free_port())
    async with running(module_data, config, print, partial(make_tryton, module_data, print)):
        settings = Settings.load(module_data)
        (source,) = settings.sources
        assert source.write_dsn is not None
        auth = {"authorization": f"Bearer {token(module_data, 'tester', 'admin')}"}
        async with (
            opened(module_data, source.write_dsn) as erp,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{config.port}", timeout=SECONDS) as http,
        ):
            yield Trade(erp, Client(config.port, http, auth=auth), settings)


def steps(first: int, last: int) -> Sequence[str]:
    return [step for step, _ in STORY[first:last]]


async def test_a_sale_is_followed_through_every_step(trade: Trade) -> None:
    number = await trade.sell()
    await trade.shows(
        number,
        state=("DRAFT", "NOT_RELEASED", "NONE", "NOT_INVOICED"),
        who=("Acme Supplies", "PO-4711", "PUMP-40"),
        shipments=[],
    )
    await trade.take(number, "confirm")
    await trade.shows(
        number,
        state=("ACCEPTED", "NOT_RELEASED", "NONE", "NOT_INVOICED"),
        display="PREPARING",
        shipments=[("CREATED", 10)],
    )
    await trade.take(number, "assign", "recount", "pick")
    await trade.shows(number, shipments=[("CREATED", 7)], packed=0, shipped=0)
    await trade.take(number, "pack")
    await trade.shows(number, state=("ACCEPTED", "PACKED", "NONE", "NOT_INVOICED"), packed=7)
    tracking = (await trade.order(number))["shipments"][0]["tracking"]
    assert tracking
    await trade.take(number, "ship")
    await trade.shows(
        number,
        state=("ACCEPTED", "PARTIALLY_SHIPPED", "IN_TRANSIT", "NOT_INVOICED"),
        display="PARTLY_SHIPPED",
        shipments=[("PICKED_UP", 7), ("CREATED", 3)],
        packages=[[tracking], []],
        shipped=7,
        open=3,
    )
    await trade.take(number, "complete")
    await trade.shows(number, state=("ACCEPTED", "PARTIALLY_SHIPPED", "PARTIALLY_DELIVERED", "NOT_INVOICED"))
    await trade.take(number, "post_invoice")
    await trade.shows(
        number,
        state=("ACCEPTED", "PARTIALLY_SHIPPED", "PARTIALLY_DELIVERED", "PARTIALLY_INVOICED"),
        invoices=[("OPEN", 875)],
        invoiced=7,
    )
    await trade.take(number, "assign", "pick", "pack", "ship")
    await trade.shows(
        number,
        state=("ACCEPTED", "SHIPPED", "PARTIALLY_DELIVERED", "PARTIALLY_INVOICED"),
        shipments=[("DELIVERED", 7), ("PICKED_UP", 3)],
        open=0,
    )
    await trade.take(number, "complete", "post_invoice")
    await trade.shows(
        number,
        state=("ACCEPTED", "SHIPPED", "DELIVERED", "INVOICED"),
        display="DELIVERED",
        invoices=[("OPEN", 875), ("OPEN", 375)],
        delivered=10,
        invoiced=10,
    )


async def heard(stream: Stream, kind: str) -> list[dict[str, Any]]:
    """The events up to the next of the kind."""
    events = [await stream.next()]
    while events[-1]["type"] != kind:
        events.append(await stream.next())
    return events


async def test_a_subscriber_hears_of_each_transaction_once(trade: Trade) -> None:
    number, events = await trade.sell(), []
    await until(lambda: trade.order(number), SECONDS)
    async with trade.client.subscribed(FOLLOW, order=number, after=feed_cursor(0)) as stream:
        for step, kind in (
            ("confirm", "ORDER_ACCEPTED"),
            ("assign", "ORDER_ALLOCATED"),
            ("recount", ""),
            ("pick", ""),
            ("pack", ""),
            ("ship", "SHIPPED"),
            ("complete", "DELIVERED"),
            ("post_invoice", "INVOICED"),
        ):
            await trade.take(number, step)
            events += await heard(stream, kind) if kind else []
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert {event["cause"]["source"] for event in events} == {"tryton"}
    transactions = [event["cause"]["transaction"] for event in events]
    assert len(transactions) == len(set(transactions))
    told = [event["type"] for event in events]
    assert [told.count(kind) for kind in ("ORDER_ACCEPTED", "SHIPPED", "DELIVERED", "INVOICED")] == [1, 1, 1, 1]
    assert events[-1]["order"]["displayStatus"] == "PARTLY_DELIVERED"
    assert await trade.fetch(UPDATES, number) >= 4, "Tryton updated no row often enough for this to tell anything"


async def test_what_nobody_was_quoted_is_no_order(trade: Trade) -> None:
    before = await trade.fetch(COUNTS)
    await trade.erp.step("draft")
    number = await trade.sell()
    await trade.shows(number, display="RECEIVED")
    assert await trade.fetch(COUNTS) == before + 1


async def test_what_tryton_refuses_is_said(trade: Trade) -> None:
    number = await trade.sell()
    with pytest.raises(RejectedError, match=f"Tryton refuses ship {number}"):
        await trade.erp.step("ship", number)


async def test_the_answer_has_the_shape_of_any_other_erps(trade: Trade) -> None:
    number = await trade.sell()
    await trade.take(number, *steps(2, BACKORDER))
    await trade.shows(number, invoiced=7)
    answer = await trade.client.ask(WHOLE_ORDER, id=number)
    assert unlike(answer["order"], LEGACY_ANSWER["order"]) == []


def unlike(one: Any, other: Any, place: str = "order") -> list[str]:
    """Where two answers have other fields or other types; what is null or empty in one of them can be anything."""
    if one is None or other is None or place.endswith(".cause.key"):  # the source's own words
        return []
    match one, other:
        case dict(), dict():
            missing = [f"{place}.{name}" for name in one.keys() ^ other.keys()]
            return missing + [found for name in one for found in unlike(one[name], other.get(name), f"{place}.{name}")]
        case list(), list():
            return [found for mine in one for found in unlike(mine, other[0] if other else None, place)]
    return [] if type(one) is type(other) else [place]


async def test_the_graph_is_what_ledger_and_tryton_give(trade: Trade) -> None:
    number = await trade.sell()
    await trade.take(number, *steps(2, len(STORY)))
    verdict = await told_verdict(trade.settings, [number])
    assert (verdict.replay, verdict.direct) == ([], [])
    assert all(account.balanced for account in verdict.accounts)


async def test_a_filled_database_is_not_filled_again(trade: Trade) -> None:
    said: list[str] = []
    postgres = Postgres(trade.settings.data)
    postgres._load()
    assert tuple(await make_tryton(trade.settings.data, said.append, postgres)) == trade.settings.sources
    assert said == []

"""Milepost and its neighbors behind a real router, as docs/federation.md starts them: one graph for each caller."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.cluster import free_port
from examples.federation import router
from examples.federation.__main__ import serving as neighbors
from gateway.app import Gateway
from gateway.asgi import Receive, Scope, Send
from gateway.cursors import feed_cursor
from gateway.express import Express, Ride
from tests.controls import serving
from tests.controls.node import NEEDED, install
from tests.controls.serving import Client

pytestmark = [*NEEDED, pytest.mark.asyncio(loop_scope="module")]

HERE = Path(__file__).parent
FROM_ORDER = '{ order(id: "1042") { displayStatus customer { name tier contact } lines { sku product { category } } } }'
SHELF = '{ shelf(category: "FASTENERS") { sku category inventory { warehouse onHand } } }'
TICKETS = "{ customers { id tier currency tickets { subject order { number displayStatus } } } }"
FOLLOW = """subscription ($after: String) { orderEvents(after: $after) {
  ... on OrderEvent { type orderId order { customer { id tier } } }
} }"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orders(shared_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with serving.running(shared_dsn, tmp_path_factory.mktemp("gateway")) as client:
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the router's program."""
    return install(router.HERE, tmp_path_factory.mktemp("router") / "node")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(orders: Client, folder: Path) -> AsyncIterator[Client]:
    """Of the router."""
    for name in ("customers", "catalog"):
        shutil.copy(HERE / f"federation_{name}.json", folder / f"{name}.json")
    (key := folder / "public.pem").write_text(serving.PUBLIC_KEY)
    port = free_port()
    async with (
        neighbors(f"http://127.0.0.1:{orders.port}/graphql", key, port, folder, folder),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=serving.SECONDS) as http,
    ):
        yield Client(port, http)


async def test_the_containers_router_has_what_milepost_serves(folder: Path) -> None:
    """If not, then after the schema changed: `uv run --group npm python -m examples.federation supergraph`."""
    assert router.SUPERGRAPH.read_text() == await router.alone(folder)


async def test_an_order_leads_to_what_its_neighbors_know(client: Client) -> None:
    assert (await client.ask(FROM_ORDER))["order"] == {
        "displayStatus": "PARTLY_SHIPPED",
        "customer": {"name": "Acme Hardware", "tier": "GOLD", "contact": "buyer@acme.example"},
        "lines": [
            {"sku": "BOLT-10", "product": {"category": "FASTENERS"}},
            {"sku": "NUT-10", "product": {"category": "FASTENERS"}},
        ],
    }


async def test_a_neighbor_s_article_leads_to_our_stock(client: Client) -> None:
    answer = (await client.post(SHELF)).json()
    bolt, nut, unknown = answer["data"]["shelf"]
    assert [balance["onHand"] for balance in bolt["inventory"]] == ["90", "95"]
    assert (nut["sku"], nut["inventory"]) == ("NUT-10", [{"warehouse": "WEST", "onHand": "5"}])
    assert unknown is None
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"NOT_FOUND"}


async def test_a_neighbor_s_key_leads_to_our_order(client: Client) -> None:
    acme, bolt = (await client.ask(TICKETS))["customers"]
    assert [ticket["order"] for ticket in acme["tickets"]] == [{"number": "1042", "displayStatus": "PARTLY_SHIPPED"}]
    assert [ticket["order"]["number"] for ticket in bolt["tickets"]] == ["1043", "1042"]


async def test_the_callers_token_decides_in_each_subgraph(client: Client) -> None:
    customer = client.as_("customer", "C2")
    answer = (await customer.post(TICKETS)).json()
    (bolt,) = answer["data"]["customers"]
    assert (bolt["id"], bolt["currency"]) == ("C2", "CAD")
    assert [ticket["order"] and ticket["order"]["number"] for ticket in bolt["tickets"]] == ["1043", None]
    assert "PARTLY_SHIPPED" not in json.dumps(answer)
    assert (await customer.ask(FROM_ORDER))["order"] is None


async def test_callers_at_once_get_each_their_own(client: Client) -> None:
    """Whatever the router shares between requests that it sends at the same time."""
    callers = {"C1": ["C1"], "C2": ["C2"]}
    asked = [name for _ in range(20) for name in callers]
    answers = await asyncio.gather(*(client.as_("customer", name).post(TICKETS) for name in asked))
    found = [[customer["id"] for customer in answer.json()["data"]["customers"]] for answer in answers]
    assert found == [callers[name] for name in asked]


async def test_a_stranger_gets_nothing_of_any(client: Client) -> None:
    stranger = replace(client, auth={})
    for query in (FROM_ORDER, SHELF, TICKETS):
        answer = (await stranger.post(query)).json()
        assert not any((answer.get("data") or {}).values())
        assert answer["errors"]


async def test_entities_of_a_kind_come_in_one_request(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two customers and the orders of three tickets."""
    asked: list[str] = []
    answer, begin = Gateway.__call__, Express.begin

    async def ordinarily(self: Gateway, scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await answer(self, scope, receive, send)

    def shortly(self: Express, *request: Any) -> Ride | None:
        if (ride := begin(self, *request)) is not None:
            asked.append("/graphql")
        return ride

    monkeypatch.setattr(Gateway, "__call__", ordinarily)
    monkeypatch.setattr(Express, "begin", shortly)
    assert len((await client.ask(TICKETS))["customers"]) == 2
    assert asked == ["/graphql"] * 2


def event(kind: str, order: str, customer: str, tier: str) -> dict[str, Any]:
    return {"type": kind, "orderId": order, "order": {"customer": {"id": customer, "tier": tier}}}


async def test_an_event_leads_to_what_a_neighbor_knows(client: Client, orders: Client) -> None:
    async with client.subscribed(FOLLOW, after=feed_cursor(0)) as stream:
        assert await stream.next() == event("ORDER_ACCEPTED", "1042", "C1", "GOLD")
        assert await stream.next() == event("ORDER_HELD", "1043", "C2", "SILVER")
        assert await stream.next() == event("MILESTONE_REACHED", "1042", "C1", "GOLD")
        await serving.append_to(orders, "1044")
        assert await stream.next() == event("ORDER_CHANGED", "1044", "C1", "GOLD")


async def test_a_subscriber_gets_what_its_own_token_shows(client: Client, orders: Client) -> None:
    async with client.as_("customer", "C2").subscribed(FOLLOW, after=feed_cursor(0)) as stream:
        assert await stream.next() == event("ORDER_HELD", "1043", "C2", "SILVER")
        await serving.append_to(orders, "1042", "1043")
        assert await stream.next() == event("ORDER_CHANGED", "1043", "C2", "SILVER")


async def test_a_subscriber_over_http_gets_the_same(client: Client) -> None:
    body = {"query": FOLLOW, "variables": {"after": feed_cursor(0)}}
    headers = client.auth | {"accept": "text/event-stream"}
    async with client.http.stream("POST", "/graphql", json=body, headers=headers) as answer:
        data = (json.loads(line.removeprefix("data:")) async for line in answer.aiter_lines() if "orderEvents" in line)
        first = await anext(data)
    assert first == {"data": {"orderEvents": event("ORDER_ACCEPTED", "1042", "C1", "GOLD")}}

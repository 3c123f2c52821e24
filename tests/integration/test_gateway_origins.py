"""Pages of other origins: who is named may ask, nobody else, and never by accident (S13, S14)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.controls import serving
from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOP = "https://shop.example"
STRANGERS = [
    "https://evil.example",
    "null",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://SHOP.example",
    "",
]
ONE = '{ order(id: "1042") { id } }'
HOLD = 'mutation { holdOrder(input: {orderId: "1042", reason: CREDIT, idempotencyKey: "csrf"}) { id } }'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(shared_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with serving.running(shared_dsn, tmp_path_factory.mktemp("gateway"), origins=(SHOP,)) as client:
        yield client


def preflight(origin: str, method: str = "POST", headers: str = "authorization,content-type") -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
    }


async def test_a_page_that_is_named_may_ask(client: Client) -> None:
    asked = await client.http.options("/graphql", headers=preflight(SHOP))
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == SHOP
    assert "origin" in asked.headers["vary"].lower()
    answer = await client.post(ONE, client.auth | {"origin": SHOP})
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "origin" in answer.headers["vary"].lower()
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", STRANGERS)
async def test_nobody_else_may(client: Client, origin: str) -> None:
    """S14: neither a suffix, nor null, nor another scheme or port; and what comes is not reflected."""
    asked = await client.http.options("/graphql", headers=preflight(origin))
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    answer = await client.post(ONE, client.auth | {"origin": origin})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", STRANGERS[:-1])
async def test_nor_by_a_socket(client: Client, origin: str) -> None:
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        async with client.socket(additional_headers={"origin": origin}) as socket:
            await socket.recv()


async def test_a_named_page_may_open_a_socket(client: Client) -> None:
    async with client.socket(additional_headers={"origin": SHOP}) as socket:
        await serving.send(socket, type="connection_init", payload=client.auth)
        assert (await serving.receive(socket))["type"] == "connection_ack"


async def test_a_preflight_for_more_than_is_needed_is_refused(client: Client) -> None:
    for asked in (preflight(SHOP, "DELETE"), preflight(SHOP, headers="x-admin")):
        assert (await client.http.options("/graphql", headers=asked)).status_code == 400


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_what_needs_no_preflight_gets_no_answer(client: Client, content_type: str) -> None:
    """S13. The token is a header that forces a preflight; no cookie is ever looked at."""
    simple = {"origin": "https://evil.example", "cookie": f"authorization={client.auth['authorization']}"}
    by_get = await client.http.get("/graphql", params={"query": ONE}, headers=simple)
    body = f'{{"query": "{HOLD}"}}'.replace('"1042"', '\\"1042\\"')
    by_post = await client.http.post("/graphql", content=body, headers=simple | {"content-type": content_type})
    assert (by_get.status_code, by_post.status_code) == (401, 401)
    with_token = await client.http.post(
        "/graphql", content=body, headers=simple | client.auth | {"content-type": content_type}
    )
    assert with_token.status_code == 415


async def test_a_mutation_by_get_is_refused(client: Client) -> None:
    """S13."""
    answer = await client.http.get("/graphql", params={"query": HOLD}, headers=client.auth)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")

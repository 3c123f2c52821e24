"""What a browser gets: GraphiQL from here alone, and in production nothing."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from graphql import get_introspection_query

from tests.controls import serving
from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def production(shared_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with serving.running(shared_dsn, tmp_path_factory.mktemp("production"), production=True) as client:
        yield client


async def page(client: Client) -> Any:
    return await client.http.get("/graphql", headers={"accept": "text/html,*/*"})


async def test_a_browser_gets_graphiql_from_here_alone(client: Client) -> None:
    found = await page(client)
    assert found.status_code == 200
    assert found.headers["content-type"].startswith("text/html")
    links = re.findall(r'(?:src|href)="([^"]+)"', found.text)
    assert len(links) == 7
    for link in links:
        if link == "data:,":
            continue
        assert link.startswith("/graphql/static/")
        part = await client.http.get(link)
        assert part.status_code == 200
        assert part.headers["x-content-type-options"] == "nosniff"
        assert len(part.content) > 50


async def test_graphiql_can_ask_what_can_be_asked(client: Client) -> None:
    """Its introspection fits into the limits."""
    query = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    assert len((await client.ask(query))["__schema"]["types"]) > 60


async def test_the_page_asks_no_other_host_for_anything(client: Client) -> None:
    found = await page(client)
    own = [found.text] + [(await client.http.get(f"/graphql/static/page.{kind}")).text for kind in ("js", "css")]
    assert not [text for text in own if re.search(r"https?://(?!\$|\{)|//[a-z0-9-]+\.[a-z]", text)]
    style = (await client.http.get("/graphql/static/graphiql.css")).text
    assert not re.search(r"@import|url\((?!['\"]?data:)", style)
    vendored = [
        (await client.http.get(f"/graphql/static/{name}.js")).text for name in ("graphiql", "react", "react-dom")
    ]
    assert not [text for text in vendored if re.search(r"\beval\(|new Function\(|sourceMappingURL|importScripts", text)]


async def test_the_browser_itself_forbids_the_rest(client: Client) -> None:
    policy = (await page(client)).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert "http" not in policy
    assert "unsafe-eval" not in policy


async def test_a_token_stays_out_of_urls(client: Client) -> None:
    """The page reads it from the fragment, which no browser sends, and removes it from the address bar."""
    script = (await client.http.get("/graphql/static/page.js")).text
    assert "location.hash" in script
    assert "replaceState" in script
    assert "location.search" not in script
    assert (await client.http.get("/graphql", params={"token": serving.token()})).status_code == 405


async def test_in_production_nobody_is_told_what_could_be_asked(production: Client) -> None:
    assert (await page(production)).status_code == 405
    assert (await production.http.get("/graphql/static/page.js")).status_code == 404
    assert await production.refused("{ __schema { types { name } } }") == "BAD_REQUEST"
    answer = (await production.post("{ ordr { id } }")).json()
    assert "Did you mean" not in answer["errors"][0]["message"]
    assert await production.ask('{ order(id: "1042") { id } }') == {"order": {"id": "1042"}}

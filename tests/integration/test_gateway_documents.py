"""S12. Trusted documents: run by their id, stored by the command line only."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.documents import Document, sync, synced_text
from gateway.database import open_pool
from gateway.documents import BELIEVED, DOUBTED, KEPT, Documents, id_of
from gateway.errors import DocumentUnknownError
from orders.errors import TransientError
from tests.controls import serving
from tests.controls.serving import Client
from tests.controls.waiting import until

ONE = "query One($id: ID!) { order(id: $id) { id } }"
HASH = hashlib.sha256(ONE.encode()).hexdigest()
OTHER = "{ __typename }"
FOLLOW = "subscription { orderEvents { __typename } }"
DATA = {"order": {"id": "1042"}}
FORMS: list[dict[str, Any]] = [
    {"documentId": f"sha256:{HASH}"},
    {"documentId": f"sha256:{HASH.upper()}"},
    {"documentId": HASH},
    {"documentId": "x-portal:one"},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}, "query": ONE},
    {"documentId": f"sha256:{HASH}", "extensions": {"persistedQuery": {"sha256Hash": HASH}}},
]
UNKNOWN = hashlib.sha256(b"nobody stored this").hexdigest()


STORED = [Document(id_of(ONE), ONE, ""), Document("x-portal:one", ONE, "")]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_dsn(shared_dsn: str) -> str:
    """With two documents, which no client can change."""
    await sync(shared_dsn, STORED)
    return shared_dsn


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[False, True], ids=["all", "only trusted"])
async def client(
    shared_dsn: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Client]:
    async with serving.running(shared_dsn, tmp_path_factory.mktemp("gateway"), documents_only=request.param) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(shared_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with serving.running(shared_dsn, tmp_path_factory.mktemp("strict"), documents_only=True) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def dsn(dsn: str) -> str:
    """A database of the test's own, with these documents."""
    await sync(dsn, STORED)
    return dsn


async def post(client: Client, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.http.post("/graphql", json=body, headers=client.auth)
    return answer.status_code, answer.json()


def code(answer: dict[str, Any]) -> str:
    assert "data" not in answer
    return str(answer["errors"][0]["extensions"]["code"])


async def test_a_document_is_asked_for_by_its_id_in_each_form(client: Client) -> None:
    for form in FORMS:
        status, answer = await post(client, **form, variables={"id": "1042"})
        assert (status, answer.get("data")) == (200, DATA), form


async def test_by_get_too(client: Client) -> None:
    for params in (
        {"documentId": f"sha256:{HASH}"},
        {"extensions": json.dumps({"persistedQuery": {"version": 1, "sha256Hash": HASH}})},
    ):
        asked = await client.http.get("/graphql", params=params | {"variables": '{"id": "1042"}'}, headers=client.auth)
        assert asked.json()["data"] == DATA


async def test_a_socket_takes_ids_too(client: Client) -> None:
    for form in FORMS:
        [message] = await over_socket(client, **form, variables={"id": "1042"})
        assert message["payload"]["data"] == DATA
    for form, expected in (
        ({"documentId": UNKNOWN}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": HASH, "query": OTHER}, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": 3}}, "BAD_REQUEST"),
    ):
        [message] = await over_socket(client, **form)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", expected)


async def over_socket(client: Client, **payload: Any) -> list[dict[str, Any]]:
    async with client.socket() as socket:
        await serving.send(socket, type="connection_init", payload=client.auth)
        await serving.receive(socket)
        await serving.send(socket, type="subscribe", id="1", payload=payload)
        return [await serving.receive(socket)]


async def test_an_unknown_id_is_not_found_as_apollos_clients_expect(client: Client) -> None:
    for form in (
        {"documentId": f"sha256:{UNKNOWN}"},
        {"documentId": "x-portal:none"},
        {"documentId": "x-portal:none", "query": ONE},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN}}},
    ):
        status, answer = await post(client, **form)
        assert (status, code(answer)) == (404, "PERSISTED_QUERY_NOT_FOUND")
        assert answer["errors"][0]["message"] == "PersistedQueryNotFound"


@pytest.mark.parametrize(
    "form",
    [
        {"documentId": HASH, "query": OTHER},
        {"documentId": "x-portal:one", "query": OTHER},
        {"documentId": UNKNOWN, "query": OTHER},
        {"documentId": HASH, "extensions": {"persistedQuery": {"sha256Hash": UNKNOWN}}},
        {"extensions": {"persistedQuery": {"sha256Hash": UNKNOWN}}, "query": OTHER},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": {"sha256Hash": 5}}},
        {"documentId": "\0"},
        {"documentId": "x" * 201},
        {"variables": {}},
    ],
    ids=str,
)
async def test_an_id_with_another_text_or_none_is_a_bad_request(client: Client, form: dict[str, Any]) -> None:
    status, answer = await post(client, **form)
    assert status == 400
    assert code(answer) in ("BAD_REQUEST", "PERSISTED_QUERY_ID_REQUIRED")


async def test_no_client_registers_anything(client: Client, shared_dsn: str) -> None:
    """Apollo's automatic registration: a text comes with its right hash, and is not there afterwards."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(OTHER.encode()).hexdigest()}}
    await post(client, query=OTHER, extensions=extensions)
    assert code((await post(client, extensions=extensions))[1]) == "PERSISTED_QUERY_NOT_FOUND"
    db = await asyncpg.connect(shared_dsn)
    assert await db.fetchval("select count(*) from gateway.document") == 2
    await db.close()


@pytest.mark.parametrize("query", [OTHER, ONE, "{ __schema { types { name } } }", "{ _service { sdl } }", FOLLOW])
async def test_where_only_trusted_documents_run_nothing_else_does(strict: Client, query: str) -> None:
    for role in ("admin", "operations"):
        caller = strict.as_(role)
        assert await post(caller, query=query) == (400, (await post(caller, query=query))[1])
        assert code((await post(caller, query=query))[1]) == "PERSISTED_QUERY_ID_REQUIRED"
        [message] = await over_socket(caller, query=query)
        assert message["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_ID_REQUIRED"
    by_hash = {"query": OTHER, "documentId": hashlib.sha256(OTHER.encode()).hexdigest()}
    assert code((await post(strict, **by_hash))[1]) == "PERSISTED_QUERY_NOT_FOUND"


async def test_gateways_see_a_sync_without_a_restart(dsn: str, tmp_path: Path) -> None:
    form = {"documentId": id_of(OTHER)}
    async with serving.running(dsn, tmp_path, documents_only=True) as client:
        assert (await post(client, **form))[0] == 404
        await sync(dsn, [Document(id_of(OTHER), OTHER, "")], prune=True)

        async def there() -> bool:
            return (await post(client, **form))[0] == 200

        async def withdrawn() -> bool:
            return (await post(client, documentId=HASH))[0] == 404

        await until(there)
        await until(withdrawn)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_what_was_looked_up_is_believed_for_a_while(dsn: str) -> None:
    """A flood of unknown ids keeps nothing of the known ones away, and is kept within bounds."""
    pool, clock = await open_pool(dsn, 1), Clock()
    documents = Documents(pool, clock=clock)
    assert await documents.text(None, HASH, None) == ONE
    for number in range(KEPT + 5):
        with pytest.raises(DocumentUnknownError):
            await documents.text(None, f"x-{number}", None)
    assert len(documents._unknown) <= KEPT
    await pool.execute("delete from gateway.document")
    clock.now = BELIEVED - 0.1
    assert await documents.text(None, HASH, None) == ONE
    clock.now = BELIEVED
    with pytest.raises(DocumentUnknownError):
        await documents.text(None, HASH, None)
    await sync(dsn, [Document(HASH, ONE, "")])
    clock.now += DOUBTED
    assert await documents.text(None, HASH, None) == ONE
    await pool.close()


async def test_without_postgres_a_document_cannot_be_had() -> None:
    pool = await open_pool("postgresql://nobody@127.0.0.1:9/none", 1)
    with pytest.raises(TransientError):
        await Documents(pool).text(None, HASH, None)
    await pool.close()


async def test_a_sync_says_what_it_did(dsn: str) -> None:
    synced = await sync(dsn, [Document(id_of(OTHER), OTHER, "")], prune=True)
    assert synced_text(synced) == "1 documents: 1 ids stored, 2 withdrawn"
    assert synced_text(await sync(dsn, [Document(id_of(OTHER), OTHER, "")])) == "1 documents: 0 ids stored, 0 withdrawn"

"""What Prometheus reads, who may read it, and that the dashboard asks for nothing else."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from tests.controls import serving
from tests.controls.serving import ROOT, Client, append, token
from tests.controls.waiting import until

DASHBOARD = ROOT / "deploy/grafana/dashboards/milepost.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
OPERATIONS = ROOT / "docs/operations.md"
ONE = '{ order(id: "1042") { id } }'


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


async def read(client: Client) -> dict[str, dict[tuple[str, ...], float]]:
    """Sample name → the values of its labels but the worker's, in the order of the labels' names → value."""
    answer = await client.http.get("/metrics", headers=client.auth)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        found.setdefault(family.name, {})
        for sample in family.samples:
            labels = tuple(value for name, value in sorted(sample.labels.items()) if name != "worker")
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def test_answers_are_counted_on_whichever_way_they_take(client: Client) -> None:
    for _ in range(5):
        await client.ask(ONE)
    await client.refused("{ nothing }")
    assert (await client.post(ONE, headers={})).status_code == 401
    assert client.server is not None
    gate = client.server.gateway.gate
    gate.here += 1000
    for headers in (client.auth, {**client.auth, "connection": "close"}):
        assert (await client.post(ONE, headers)).status_code == 503
    gate.here -= 1000
    found = await read(client)
    assert found["milepost_requests_total"] == {("200",): 6, ("401",): 1, ("503",): 2}
    assert found["milepost_request_seconds_count"] == {(): 7}
    assert found["milepost_request_seconds_bucket"][("+Inf",)] == 7
    assert found["milepost_request_seconds_sum"][()] > 0
    assert found["milepost_gateway_requests_in_flight"] == {(): 0}
    assert found["milepost_gateway_requests_remembered"] == {(): 1}
    assert found["process_resident_memory_bytes"][()] > 1_000_000


async def test_sources_commands_and_the_feed(client: Client, db: "asyncpg.Connection[asyncpg.Record]") -> None:
    events = (await read(client))["milepost_events_total"][()]
    await append(db, "1042", "1043")
    found = await read(client)
    assert found["milepost_postgres_up"] == {(): 1}
    assert found["milepost_events_total"] == {(): events + 2}
    rows = await db.fetch("select * from record.checkpoint full join record.source_state s using (source)")
    assert rows
    for row in rows:
        source = row["source"]
        for outcome in ("applied", "superseded", "dead", "filtered"):
            assert found["milepost_changes_total"][outcome, source] == (row[outcome] or 0)
        assert found["milepost_source_state"][source, row["state"] or "unknown"] == 1
        assert found["milepost_source_lag_bytes"].get((source,)) == row["lag_bytes"]
    assert found["milepost_commands"].keys() == {("ACCEPTED",), ("APPLIED",), ("NEEDS_HUMAN",), ("SENDING",)}


async def test_a_projector_that_is_silent_is_no_source_without_lag(
    client: Client, db: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """East has nothing that waits, as it was when somebody looked last."""
    await db.execute("update record.source_state set updated_at = now() - interval '2 minutes' where source = 'east'")
    found = await read(client)
    for name in ("silent", "lag"):
        assert 120 <= found[f"milepost_source_{name}_seconds"]["east",] < 600
    assert found["milepost_source_silent_seconds"]["erp",] < 30
    sources = (await client.ask("{ sources { name lagSeconds advice } }"))["sources"]
    [east] = [each for each in sources if each["name"] == "east"]
    assert 120 <= east["lagSeconds"] < 600
    assert east["advice"].startswith("no projector has looked at it for 1")


async def test_subscribers_are_counted(client: Client) -> None:
    async with client.subscribed("subscription { orderEvents { ... on OrderEvent { orderId } } }"):

        async def one() -> bool:
            return (await read(client))["milepost_gateway_subscribers"] == {(): 1}

        await until(one)


@pytest.mark.parametrize(("role", "status"), [("operations", 200), ("admin", 200), ("service", 403), ("customer", 403)])
async def test_it_is_for_those_who_look_after_the_installation(client: Client, role: str, status: int) -> None:
    scope = ("C1",) if role == "customer" else ()
    answer = await client.http.get("/metrics", headers={"authorization": f"Bearer {token(role, scope=scope)}"})
    assert answer.status_code == status
    assert (await client.http.get("/metrics")).status_code == 401


async def test_without_postgres_it_tells_what_it_knows(client: Client, db: object) -> None:
    assert client.server is not None
    await client.server.gateway.parts.pool.close()
    found = await read(client)
    assert found["milepost_postgres_up"] == {(): 0}
    assert "process_cpu_seconds_total" in found
    assert "milepost_source_state" not in found


async def test_dashboard_alerts_and_docs_speak_of_what_is_told(client: Client) -> None:
    await client.ask(ONE)
    told = set(await read(client))
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    asked += [rule["expr"] for group in YAML(typ="safe").load(ALERTS)["groups"] for rule in group["rules"]]
    assert len(asked) > 10
    names = {name for expression in asked for name in re.findall(r"\b(?:milepost|process)_\w+", expression)}
    table, _, _ = OPERATIONS.read_text().partition("| metric |")[2].partition("\n\n")
    written = re.findall(r"`(_?[a-z_]+)[^`]*`", table)
    named = {f"milepost_source{name}" if name.startswith("_") else name for name in written}
    names |= {name for name in named if name.startswith(("milepost_", "process_")) and not name.endswith("_")}
    assert "milepost_source_safe_seconds" in names
    assert names <= told

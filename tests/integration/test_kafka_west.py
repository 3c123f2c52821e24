"""3PL West's MariaDB by Kafka Connect: the same graph as by the engine, and what is wrong with a connector is said."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.connectors import Connectors
from app.settings import KafkaConfig, SourceSettings
from cdc.kafka_topics import forget, history_of
from demo.story import Story
from orders.errors import RejectedError, StartError
from tests.controls.accounting import tell
from tests.controls.connecting import connect, written
from tests.controls.crash_projector import parts, projector
from tests.controls.distributed import distributed, topics
from tests.controls.kafka import DEPLOY, Kafka
from tests.controls.mariadb import CAPTURE, PASSWORD, MariaDb, run
from tests.controls.milepost import SECONDS, streaming
from tests.controls.modes import all_said, beside, embedded_streaming
from tests.controls.topics import Captured, captured_west
from tests.controls.waiting import until
from tests.controls.west import statements, tables

pytestmark = [pytest.mark.kafka, pytest.mark.mariadb]
FIRST_ORDER = 100_001


async def test_the_same_story_by_engine_and_by_connect(kafka: Kafka, west: str, data: Path) -> None:
    """Half of it from a snapshot, half streamed; a transaction of West lies at the same place in both ledgers."""
    first, whole = parts(Story(seed=5, orders=10), 2)
    run(west, *tables(), *statements("worked", work=1, quoted=FIRST_ORDER))
    async with distributed(kafka, data, SourceSettings("west", "wms_west", west)) as found:
        await tell(found, first)
        await found.apply()
        embedded = await beside(found, data / "engine")
        async with projector(found.data), projector(embedded.data):
            await until(partial(streaming, found), SECONDS)
            await until(partial(embedded_streaming, embedded), SECONDS)
            await found.audit()
            run(west, *statements("worked", work=2, quoted=FIRST_ORDER + 1), *statements("delivered", work=1))
            run(west, *statements("odd"), *statements("delivered", work=2))
            await tell(found, whole)
            for each in (found, embedded):
                verdict = await each.verdict()
                assert (verdict.replay, verdict.direct) == ([], [])
                assert all(account.balanced for account in verdict.accounts), verdict.accounts
        for by_kafka, by_engine in zip(await all_said(found), await all_said(embedded), strict=True):
            assert by_kafka == by_engine != []


@pytest.fixture
async def wms(kafka: Kafka, west: str) -> AsyncIterator[Captured]:
    async with captured_west(kafka, west) as found:
        yield found


@contextmanager
def without(mariadb: MariaDb, right: str) -> Iterator[None]:
    """The user who captures has not that right."""
    run(mariadb.dsn("mysql"), f"revoke {right} on *.* from capture@'127.0.0.1'")
    yield
    run(mariadb.dsn("mysql"), f"grant {right} on *.* to capture@'127.0.0.1'")


async def test_what_is_wrong_with_its_source_is_said(wms: Captured, mariadb: MariaDb) -> None:
    with without(mariadb, "replication slave"):
        for ask in (wms.connectors.status, partial(wms.connectors.restart, snapshot=False)):
            assert "let an administrator run `grant replication slave on *.*" in (await ask(wms.database)).trouble
        with pytest.raises(StartError, match="its user may not replicate"):
            await wms.connectors.apply(wms.database)
    assert (await wms.connectors.restart(wms.database, snapshot=False)).reads


async def test_a_source_without_a_log_gets_no_connector(kafka: Kafka, data: Path) -> None:
    """By the command, which says it in one line."""
    server = MariaDb(data, "--skip-log-bin")
    server.start()
    await until(server.answers, 60)
    run(server.dsn("mysql"), CAPTURE, "create database west")
    run(server.dsn("west"), *tables())
    settings = KafkaConfig(kafka.bootstrap, topics(), kafka.connect, str(DEPLOY / "connect"))
    toml = written(data, settings, SourceSettings("west", "wms_west", server.dsn("west", "capture", PASSWORD)))
    refused = connect(toml, "apply")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.endswith(": its binary log is off: set log_bin and restart that server\n")
    assert PASSWORD not in refused.stderr
    server.kill()


async def test_what_is_wrong_with_its_file_is_said(wms: Captured, data: Path) -> None:
    known = json.loads((DEPLOY / "connect" / "mariadb.json").read_text())
    for key, value in (("database.port", "many"), ("decimal.handling.mode", "roughly")):
        (data / "west.json").write_text(json.dumps({**known, key: value}))
        with pytest.raises(RejectedError, match=f"(?s)would not work:.*{key}: "):
            await Connectors(replace(wms.config, connectors=str(data))).apply(wms.database)
    assert (await wms.connectors.status(wms.database)).reads


async def test_a_connector_that_nobody_runs_and_one_that_lost_its_history(west: str, wms: Captured) -> None:
    await wms.connect.stop(wms.name)
    await until(partial(says, wms, "nobody reads its log as capture"))
    await forget(wms.config.bootstrap, history_of(wms.config.topics, "west"))
    restarted = await wms.connectors.restart(wms.database, snapshot=False)
    assert restarted.state == "FAILED"
    assert "history topic" in restarted.trouble
    assert (await wms.connectors.restart(wms.database, snapshot=True)).reads


async def says(wms: Captured, trouble: str) -> bool:
    """The server may take a moment to see that its reader has gone."""
    return (await wms.connectors.status(wms.database)).trouble == trouble

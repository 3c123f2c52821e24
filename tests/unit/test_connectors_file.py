"""The connector's file says what the engine is told, and is filled in from milepost.toml."""

import json
from pathlib import Path

import pytest

from app.connectors import connector_config
from app.settings import KafkaConfig, read_config
from cdc.connect import first_cause
from cdc.connector import properties
from cdc.database import CapturedDatabase
from cdc.mariadb import connector as mariadb
from cdc.mariadb.database import MariaDatabase
from orders.errors import StartError
from tests.controls.kafka import DEPLOY

ERP = CapturedDatabase("erp", "postgresql://capture:secret@erp.example:5433/orders", ("public.ordhdr", "public.ordlin"))
WEST = MariaDatabase(
    "west", "mariadb://capture:secret@wms.example:3307/wms", ("outbound", "dispatch"), "postgresql://g/g"
)
ENGINES_OWN = {
    "name",
    "database.password",
    "offset.storage",
    "offset.storage.file.filename",
    "offset.flush.interval.ms",
    "errors.max.retries",
    "snapshot.mode",
}
"""Of the engine, where Kafka Connect has another way."""


def config(folder: Path = DEPLOY / "connect") -> KafkaConfig:
    return KafkaConfig("kafka:9092", "milepost", "http://connect:8083", str(folder))


@pytest.mark.parametrize("dsn", [ERP.dsn, "postgresql://cap%40ture:sec%3Aret@erp.example/orders%20of%20old"])
def test_it_says_what_the_engine_is_told(tmp_path: Path, dsn: str) -> None:
    database = CapturedDatabase(ERP.name, dsn, ERP.tables)
    engines = properties(database, tmp_path, snapshot=True)
    found = connector_config(config(), database)
    assert {key: found.get(key) for key in engines.keys() - ENGINES_OWN} == {
        key: value for key, value in engines.items() if key not in ENGINES_OWN
    }


@pytest.mark.parametrize("dsn", [WEST.dsn, "mariadb://cap%40ture:sec%3Aret@wms.example/a%20b?server_id=77"])
def test_a_mariadb_s_says_what_its_engine_is_told(tmp_path: Path, dsn: str) -> None:
    """But for the schema history, which is a topic beside the source's own."""
    database = MariaDatabase(WEST.name, dsn, WEST.tables, WEST.history)
    engines = mariadb.properties(database, tmp_path, snapshot=True)
    found = connector_config(config(), database)
    history = {key for key in engines | found if key.startswith("schema.history.internal")}
    assert {key: found.get(key) for key in engines.keys() - ENGINES_OWN - history} == {
        key: value for key, value in engines.items() if key not in ENGINES_OWN | history
    }
    assert found["schema.history.internal.kafka.topic"] == "milepost.west.history"
    assert found["schema.history.internal.kafka.bootstrap.servers"] == "kafka:9092"


def test_it_is_filled_in_and_keeps_no_password() -> None:
    found = connector_config(config(), ERP)
    assert found["name"] == found["transforms.route.replacement"] == "milepost.erp"
    assert (found["database.hostname"], found["database.port"], found["database.user"]) == (
        "erp.example",
        "5433",
        "capture",
    )
    assert found["database.password"] == "${env:ERP_PASSWORD}"
    assert "secret" not in json.dumps(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": "${nobody}"}', r"\$\{nobody\} is not known"),
        ('{"a": 1}', "must be a JSON object of texts"),
        ("", "JSON"),
    ],
)
def test_a_file_of_its_own_comes_first_and_must_be_right(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "postgres.json").write_text('{"a": "of all"}')
    assert connector_config(config(tmp_path), ERP) == {"name": "milepost.erp", "a": "of all"}
    (tmp_path / "erp.json").write_text(text)
    with pytest.raises(StartError, match=problem):
        connector_config(config(tmp_path), ERP)


def test_kafka_is_configured_by_a_table(tmp_path: Path) -> None:
    path = tmp_path / "milepost.toml"
    path.write_text('[kafka]\nbootstrap = "one:9092,two:9092"\nprojectors = 2\n')
    assert read_config(path).kafka == KafkaConfig(
        "one:9092,two:9092", connectors=str(tmp_path / "connect"), projectors=2
    )
    path.write_text('[kafka]\nbootstrap = "one"\n')
    with pytest.raises(StartError, match=r"kafka\.bootstrap: .*host:port"):
        read_config(path)


def test_the_first_cause_of_a_trace() -> None:
    trace = """org.apache.kafka.connect.errors.ConnectException: it failed
\tat a.B.c(B.java:1)
Caused by: java.lang.RuntimeException: in between
\t... 3 more
Caused by: org.postgresql.util.PSQLException: ERROR: publication "p" does not exist
\tat d.E.f(E.java:2)
"""
    assert first_cause(trace) == 'org.postgresql.util.PSQLException: ERROR: publication "p" does not exist'
    assert first_cause("a: b\n\tat c") == "a: b"
    assert first_cause("") == ""

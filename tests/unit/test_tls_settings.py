"""How TLS to a source is configured, and what becomes of it wherever somebody connects."""

import ssl
from pathlib import Path

import pymysql
import pytest

from app.connectors import connector_config
from app.settings import KafkaConfig, SourceSettings, read_config
from cdc import kinds, tls
from cdc.connector import properties
from cdc.database import CapturedDatabase
from cdc.mariadb import connector as mariadb
from cdc.mariadb.database import MariaDatabase
from orders.errors import StartError
from tests.controls.certificates import Authority
from tests.controls.kafka import DEPLOY

DSNS = {"erp": "postgresql://u:p@h:5433/erp", "west": "mariadb://u:p@h/wms?server_id=7"}


def source(folder: Path, words: str, name: str = "erp", more: str = "") -> SourceSettings:
    """As it is configured there."""
    path = folder / "milepost.toml"
    path.write_text(f'[sources.{name}]\nadapter = "a"\ndsn = "{DSNS[name]}"\n{more}\n{words}\n')
    [found] = read_config(path).sources
    return found


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return Authority(tmp_path, "ca").file


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("", ""),
        ('tls = "disable"', "sslmode=disable"),
        ('tls = "require"', "sslmode=require"),
        ('tls = "verify-ca"\ntls_ca = "ca.pem"', "sslmode=verify-ca&sslrootcert={ca}"),
        ('tls_ca = "ca.pem"', "sslmode=verify-full&sslrootcert={ca}"),
    ],
)
def test_it_becomes_a_part_of_both_dsns(tmp_path: Path, ca: Path, words: str, query: str) -> None:
    wanted = query.format(ca=str(ca).replace("/", "%2F"))
    found = source(tmp_path, words, more='write_dsn = "postgresql://w:p@h/erp"')
    assert found.dsn.partition("?")[2] == wanted
    assert (found.write_dsn or "").partition("?")[2] == wanted
    assert source(tmp_path, words, "west").dsn.partition("?")[2] == "&".join(filter(None, ("server_id=7", wanted)))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ('tls = "verify-ca"', r"sources\.erp\.tls_ca: with tls = \"verify-ca\", name the file"),
        ('tls = "require"\ntls_ca = "ca.pem"', "nobody looks at certificates"),
        ('tls_ca = "nowhere.pem"', r"nowhere\.pem cannot be read as certificates .*No such file"),
        ('tls_ca = "milepost.toml"', "cannot be read as certificates in PEM form"),
        ('tls = "maybe"', r"sources\.erp\.tls: "),
    ],
)
@pytest.mark.usefixtures("ca")
def test_what_is_wrong_is_said(tmp_path: Path, words: str, problem: str) -> None:
    with pytest.raises(StartError, match=problem):
        source(tmp_path, words)


@pytest.mark.usefixtures("ca")
def test_a_dsn_that_says_it_too_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="not by both"):
        source(tmp_path, 'tls_ca = "ca.pem"', more='write_dsn = "postgresql://w:p@h/erp?sslmode=disable"')
    with pytest.raises(StartError, match="a MariaDB has no sslmode=prefer"):
        MariaDatabase("west", "mariadb://u:p@h/wms?sslmode=prefer", ("item",), "")


def test_engines_and_connectors_are_told(tmp_path: Path, ca: Path) -> None:
    kafka = KafkaConfig("kafka:9092", connectors=str(DEPLOY / "connect"))
    erp = kinds.captured("erp", source(tmp_path, 'tls_ca = "ca.pem"').dsn, ("public.item",))
    assert isinstance(erp, CapturedDatabase)
    for told in (properties(erp, tmp_path / "store", snapshot=True), connector_config(kafka, erp)):
        assert (told["database.sslmode"], told["database.sslrootcert"]) == ("verify-full", str(ca))
    west = kinds.captured("west", source(tmp_path, 'tls_ca = "ca.pem"', "west").dsn, ("item",))
    assert isinstance(west, MariaDatabase)
    by_engine, by_connector = (
        mariadb.properties(west, tmp_path / "7.offset", snapshot=True),
        connector_config(kafka, west),
    )
    assert by_engine["database.ssl.mode"] == by_connector["database.ssl.mode"] == "verify-full"
    assert by_engine["database.ssl.truststore"] == str(tmp_path / "7.p12")
    assert by_connector["database.ssl.truststore"] == str(ca.with_suffix(".p12"))
    assert by_engine["database.ssl.truststore.password"] == by_connector["database.ssl.truststore.password"]


def test_nothing_is_told_of_it_unless_it_is_said(tmp_path: Path) -> None:
    kafka = KafkaConfig("kafka:9092", connectors=str(DEPLOY / "connect"))
    for name, tables in (("erp", ("public.item",)), ("west", ("item",))):
        told = connector_config(kafka, kinds.captured(name, source(tmp_path, "", name).dsn, tables))
        assert {key: value for key, value in told.items() if "ssl" in key} in ({}, {"database.ssl.mode": "disable"})
        assert "" not in {told[key] for key in told if key != "signal.enabled.channels"}


def test_the_cause_is_found_wherever_it_is() -> None:
    error = pymysql.OperationalError(2003, "no")
    error.original_exception = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    assert (tls.complaint(error) or "").startswith("TLS fails with it")
    assert tls.complaint(OSError("no route to host")) is None

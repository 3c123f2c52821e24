"""A MariaDB that takes nothing but TLS: captured and verified by it, and refused when its certificate is not right."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.origins import DirectSource, snapshot
from app.preflight import Needs, check_source
from app.settings import SourceSettings
from app.tls import with_query
from cdc.mariadb.truststore import truststore
from orders.errors import StartError, TransientError
from tests.controls.capturing import Reader, captured, engine, has
from tests.controls.certificates import HERE, Authority
from tests.controls.kafka import Kafka
from tests.controls.mariadb import CAPTURE, PASSWORD, MariaDb, run
from tests.controls.topics import captured_west, reading
from tests.controls.waiting import until
from tests.controls.west import ITEMS, items, put

pytestmark = pytest.mark.mariadb
NEEDS = Needs(("item",), "")


@pytest.fixture
def authority(data: Path) -> Authority:
    return Authority(data, "ca")


@asynccontextmanager
async def speaking(data: Path, *options: str) -> AsyncIterator[MariaDb]:
    """A server with a table `item` that may be captured."""
    server = MariaDb(data, *options)
    server.start()
    await until(server.answers, 60)
    run(server.dsn("mysql"), CAPTURE, "create database west", "grant all on west.* to 'capture'@'127.0.0.1'")
    run(server.dsn("west"), ITEMS, "insert into item values (1, 'old')")
    yield server
    server.kill()


def shown(authority: Authority, name: str = HERE, **more: timedelta) -> tuple[str, str]:
    """Options of a server that shows a certificate for that host."""
    certificate, key = authority.signs(name, **more)
    key.chmod(0o644)
    return f"--ssl-cert={certificate}", f"--ssl-key={key}"


def by(server: MariaDb, mode: str, ca: Path | None = None) -> str:
    query = {"sslmode": mode} | ({"sslrootcert": str(ca)} if ca else {})
    return with_query(server.dsn("west", "capture", PASSWORD), query)


async def refused(dsn: str) -> str:
    with pytest.raises(StartError) as said:
        await check_source(SourceSettings("west", "wms_west", dsn), NEEDS)
    assert PASSWORD not in str(said.value)
    return str(said.value).partition("): ")[2]


async def test_it_is_captured_and_verified_by_tls_alone(data: Path, database: str, authority: Authority) -> None:
    """By engine and looks; whoever spoke in the clear would be turned away."""
    async with speaking(data, *shown(authority)) as server:
        dsn, reader = by(server, "verify-full", authority.file), Reader()
        run(server.dsn("mysql"), "set global require_secure_transport = on")
        assert (await refused(server.dsn("west", "capture", PASSWORD))).endswith("set tls if it lets nobody in without")
        await check_source(SourceSettings("west", "wms_west", dsn), NEEDS)
        async with captured(engine(data, items(dsn, database)), reader):
            await has(reader, "west", {1: "old"})
            put(dsn, "new", 2)
            await has(reader, "west", {1: "old", 2: "new"})
        async with snapshot(DirectSource("west", "wms_west", dsn)):
            pass


async def test_a_certificate_that_is_not_right_is_said(data: Path, authority: Authority) -> None:
    other = Authority(data, "other").file
    async with speaking(data, *shown(authority, "db.example")) as server:
        assert await refused(by(server, "verify-ca", other)) == (
            "its certificate is not trusted (unable to get local issuer certificate): "
            "name the certificate of whoever signed it as tls_ca"
        )
        assert (await refused(by(server, "verify-full", authority.file))).startswith(
            "its certificate is for another host ("
        )
        with pytest.raises(TransientError, match="its certificate is not trusted"):
            async with snapshot(DirectSource("west", "wms_west", by(server, "verify-ca", other))):
                pass
        for dsn in (by(server, "verify-ca", authority.file), by(server, "require")):
            await check_source(SourceSettings("west", "wms_west", dsn), NEEDS)


async def test_one_that_is_too_old_or_speaks_no_tls_is_refused(data: Path, west: str, authority: Authority) -> None:
    assert await refused(with_query(west, {"sslmode": "require"})) == (
        'it does not speak TLS: turn it on there, or set tls = "disable" for the source'
    )
    async with speaking(data, *shown(authority, until=timedelta(hours=-1))) as server:
        assert (await refused(by(server, "verify-ca", authority.file))).startswith("its certificate is too old (")


@pytest.mark.kafka
async def test_a_connector_speaks_it(kafka: Kafka, data: Path, authority: Authority) -> None:
    """With the certificates as Java wants them beside those that are configured."""
    truststore(authority.file, authority.file.with_suffix(".p12"))
    reader = Reader()
    async with speaking(data, *shown(authority)) as server:
        run(server.dsn("mysql"), "set global require_secure_transport = on")
        dsn = by(server, "verify-full", authority.file)
        async with captured_west(kafka, dsn) as found, reading(found, reader):
            put(dsn, "new", 3)
            await has(reader, "west", [1, 2, 3])

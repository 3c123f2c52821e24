"""A Postgres that speaks TLS: captured and looked at by it, and refused when its certificate is not right."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from adapters.erp_legacy.client import ErpHolds
from app import cluster
from app import postgres as embedded
from app.postgres import Postgres
from app.preflight import Needs, check_source
from app.settings import SourceSettings
from app.tls import with_query
from cdc.database import CapturedDatabase, check, connected, drop_slot
from cdc.guard import guarded
from cdc.lag import read_slot
from commands.ports import Applied, EffectKey, HoldReason
from orders.errors import StartError, TransientError
from tests.controls import commands as controls
from tests.controls.capturing import ITEMS, Reader, ask, captured, engine, has, items, put
from tests.controls.certificates import HERE, Authority
from tests.controls.kafka import Kafka
from tests.controls.postgres import Programs
from tests.controls.sql import run
from tests.controls.topics import captured_items, reading
from tests.controls.waiting import until

pytestmark = pytest.mark.tls
TABLES = ("public.item",)
ENCRYPTED = """
select count(*) filter (where s.ssl), count(*) filter (where not s.ssl)
from pg_stat_activity a join pg_stat_ssl s using (pid) where a.datname = 'tls' and a.pid <> pg_backend_pid()
"""


@pytest.fixture
def authority(data: Path) -> Authority:
    return Authority(data, "ca")


@pytest.fixture
async def server(
    programs_with_tls: Programs, monkeypatch: pytest.MonkeyPatch, data: Path, authority: Authority
) -> AsyncIterator[Postgres]:
    """With a certificate for where it is."""
    monkeypatch.setattr(cluster, "BIN", programs_with_tls.folder)
    monkeypatch.setattr(cluster, "MAJOR", programs_with_tls.major)
    monkeypatch.delitem(embedded._SETTINGS, "io_method")  # Postgres 18 knows it first
    folder = data / "server"
    folder.mkdir()
    server = Postgres(folder)
    await server.start()
    await server.create_database("tls")
    await run(server.dsn("tls"), ITEMS)
    await speak(server, *authority.signs(HERE))
    yield server
    await server.stop()


async def speak(server: Postgres, certificate: Path, key: Path) -> None:
    """Have it show this certificate from now on."""
    for path in (certificate, key):
        shutil.copy2(path, server.folder / path.name)
        shutil.chown(server.folder / path.name, server.folder.owner(), server.folder.group())
    await run(
        server.dsn("tls"),
        "alter system set ssl_cert_file = 'server.pem'",
        "alter system set ssl_key_file = 'server.key'",
        "alter system set ssl = on",
        "select pg_reload_conf()",
    )


def by(server: Postgres, mode: str, ca: Path | None = None) -> str:
    query = {"sslmode": mode} | ({"sslrootcert": str(ca)} if ca else {})
    return with_query(server.dsn("tls"), query)


async def refused(dsn: str) -> str:
    """By the look before the start, and by capture itself, in the same words."""
    with pytest.raises(StartError) as first:
        await check_source(SourceSettings("erp", "erp_legacy", dsn), Needs(TABLES, "milepost_erp"))
    with pytest.raises(StartError) as later:
        await check(CapturedDatabase("erp", dsn, TABLES))
    said = str(first.value).split(": ", 2)[2]
    assert str(later.value).endswith(f": {said}")
    return said


async def test_it_is_captured_by_tls_alone(server: Postgres, data: Path, authority: Authority) -> None:
    dsn, reader = by(server, "verify-full", authority.file), Reader()
    database = items("erp", dsn)
    await check_source(SourceSettings("erp", "erp_legacy", dsn), Needs(TABLES, "milepost_erp"))
    await put(dsn, "old", 1)
    async with captured(engine(data, database), reader):
        await has(reader, "erp", {1: "old"})
        await put(dsn, "new", 2)
        await has(reader, "erp", {1: "old", 2: "new"})
        assert (await read_slot(database)).active
        db = await asyncpg.connect(server.dsn("tls"))
        encrypted, clear = await db.fetchrow(ENCRYPTED)
        await db.close()
    assert encrypted > 0
    assert clear == 0


async def test_commands_speak_it_and_to_nobody_else(server: Postgres, data: Path, authority: Authority) -> None:
    await controls.create_erp(server.dsn("tls"))
    await clear_is_refused(server)
    hold = ("1042", EffectKey("cmd_1"), HoldReason.CREDIT, None, "ann")
    with pytest.raises(TransientError, match="the ERP cannot be reached: InvalidAuthorizationSpecificationError"):
        await ErpHolds(by(server, "disable")).hold(*hold)
    for wrong in (by(server, "verify-full", Authority(data, "other").file), by(server, "verify-full")):
        with pytest.raises(TransientError, match=r"the ERP cannot be reached: .*certificate"):
            await ErpHolds(wrong).hold(*hold)
    holds = ErpHolds(by(server, "verify-full", authority.file))
    assert await holds.find(EffectKey("cmd_1")) is None
    assert isinstance(await holds.hold(*hold), Applied)
    assert isinstance(await holds.find(EffectKey("cmd_1")), Applied)


async def test_the_guard_speaks_it(server: Postgres, authority: Authority) -> None:
    """A slot that keeps too much is seen and dropped."""
    await clear_is_refused(server)
    dsn, given_up = by(server, "verify-full", authority.file), asyncio.Event()
    database = items("erp", dsn)
    await run(dsn, f"select pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")

    async def shed(name: str, reason: str) -> None:
        async with connected(database) as db:
            await drop_slot(db, database)
        given_up.set()

    async with guarded([database], 0, shed), asyncio.timeout(60):
        await put(dsn, "new", 1)
        await given_up.wait()
    assert (await read_slot(database)).status is None


async def clear_is_refused(server: Postgres) -> None:
    """Whoever does not speak TLS is turned away from now on."""
    path = server.folder / "pg_hba.conf"
    path.write_text(f"hostnossl tls all all reject\n{path.read_text()}")
    await run(server.dsn("postgres"), "select pg_reload_conf()")

    async def refused() -> bool:
        try:
            await run(by(server, "disable"), "select")
        except asyncpg.InvalidAuthorizationSpecificationError:
            return True
        return False

    await until(refused)


async def test_a_certificate_that_is_not_right_is_said(server: Postgres, data: Path, authority: Authority) -> None:
    other = Authority(data, "other").file
    assert await refused(by(server, "verify-ca", other)) == (
        "its certificate is not trusted (unable to get local issuer certificate): "
        "name the certificate of whoever signed it as tls_ca"
    )
    await speak(server, *authority.signs("db.example"))
    said = await refused(by(server, "verify-full", authority.file))
    assert said.startswith("its certificate is for another host (")
    assert said.endswith('): name the host as it does, or set tls = "verify-ca"')
    for mode in (by(server, "verify-ca", authority.file), by(server, "require")):
        await check_source(SourceSettings("erp", "erp_legacy", mode), Needs(TABLES, "milepost_erp"))
    await speak(server, *authority.signs(HERE, until=timedelta(hours=-1)))
    assert (await refused(by(server, "verify-ca", authority.file))).startswith("its certificate is too old (")


async def test_one_that_speaks_none_is_refused(server: Postgres) -> None:
    await run(server.dsn("tls"), "alter system set ssl = off", "select pg_reload_conf()")
    assert await refused(by(server, "require")) == (
        'it does not speak TLS: turn it on there, or set tls = "disable" for the source'
    )


@pytest.mark.kafka
async def test_a_connector_speaks_it(kafka: Kafka, server: Postgres, authority: Authority) -> None:
    await server.create_database("kafka")
    dsn = with_query(server.dsn("kafka"), {"sslmode": "verify-full", "sslrootcert": str(authority.file)})
    reader = Reader()
    async with captured_items(kafka, dsn) as found, reading(found, reader):
        await has(reader, "erp", [1, 2])
        assert found.database.tls_ca
        readers = "select bool_and(ssl) from pg_stat_replication join pg_stat_ssl using (pid)"
        assert await ask(server.dsn("kafka"), readers)

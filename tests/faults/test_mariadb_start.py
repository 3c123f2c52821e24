"""A MariaDB that cannot be captured is refused in one line that never shows its password."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.preflight import Needs, check_source
from app.settings import SourceSettings, read_config
from orders.errors import StartError
from tests.controls.mariadb import MariaDb, run
from tests.controls.waiting import until

pytestmark = pytest.mark.mariadb

NEEDS = Needs(("item",), "milepost_west")


async def refused(dsn: str) -> str:
    with pytest.raises(StartError) as error:
        await check_source(SourceSettings("west", "wms_west", dsn), NEEDS)
    said = str(error.value)
    assert said.startswith("source west (127.0.0.1:")
    assert "\n" not in said
    assert "secret" not in said
    return said


@pytest.fixture
def changed(mariadb: MariaDb, request: pytest.FixtureRequest) -> Iterator[None]:
    """A setting of the server has another value."""
    name, value, before = request.param
    run(mariadb.dsn("mysql"), f"set global {name} = '{value}'")
    yield
    run(mariadb.dsn("mysql"), f"set global {name} = '{before}'")


async def test_one_that_can_be_captured_is_not_refused(west: str) -> None:
    await check_source(SourceSettings("west", "wms_west", west), NEEDS)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (("binlog_format", "STATEMENT", "ROW"), "binlog_format is STATEMENT: set it to ROW"),
        (("binlog_row_image", "MINIMAL", "FULL"), "binlog_row_image is MINIMAL: set it to FULL"),
    ],
    indirect=["changed"],
)
@pytest.mark.usefixtures("changed")
async def test_a_log_of_another_form(west: str, told: str) -> None:
    assert told in await refused(west)


@pytest.mark.parametrize("rule", ["on delete cascade", "on update set null"])
async def test_rows_that_go_or_change_by_a_foreign_key(west: str, mariadb: MariaDb, rule: str) -> None:
    """The log tells of the row that they hang on, and not of them. Who may only read sees what the key does, too."""
    run(west, f"create table part (id int primary key, item int, foreign key (item) references item (id) {rule})")
    name = west.rpartition("/")[2]
    run(
        mariadb.dsn("mysql"),
        "create user if not exists 'lean'@'127.0.0.1' identified by 'secret'",
        "grant reload, replication slave, binlog monitor on *.* to 'lean'@'127.0.0.1'",
        f"grant select on {name}.* to 'lean'@'127.0.0.1'",
    )
    lean = mariadb.dsn(name, "lean", "secret")
    await check_source(SourceSettings("west", "wms_west", lean), NEEDS)
    with pytest.raises(StartError, match=r"is not in its log: part \(part_ibfk_1\)"):
        await check_source(SourceSettings("west", "wms_west", lean), Needs(("item", "part"), "milepost_west"))


async def test_a_log_that_is_off(data: Path) -> None:
    server = MariaDb(data, "--skip-log-bin")
    server.start()
    await until(server.answers, 60)
    assert "binary log is off: set log_bin" in await refused(server.dsn("mysql"))
    server.kill()


async def test_a_user_without_rights(west: str, mariadb: MariaDb) -> None:
    name = west.rpartition("/")[2]
    run(
        mariadb.dsn("mysql"),
        "create user poor@'127.0.0.1' identified by 'secret'",
        "create user deaf@'127.0.0.1' identified by 'secret'",
        f"grant select on {name}.* to deaf@'127.0.0.1'",
    )
    try:
        assert "Access denied" in await refused(mariadb.dsn(name, "poor", "secret"))
        told = await refused(mariadb.dsn(name, "deaf", "secret"))
        assert "run `grant reload, replication slave, binlog monitor on *.* to 'deaf'`" in told
    finally:
        run(mariadb.dsn("mysql"), "drop user poor@'127.0.0.1', deaf@'127.0.0.1'")


async def test_a_wrong_password(west: str) -> None:
    assert "mend its DSN" in await refused(west.replace("capture-secret", "other-secret"))


async def test_nobody_there(west: str, mariadb: MariaDb) -> None:
    told = await refused(west.replace(f":{mariadb.port}/", ":9/"))
    assert "Can't connect" in told
    assert told.endswith("start it, or correct the DSN")


async def test_a_table_that_is_not_there_or_has_no_key(west: str) -> None:
    run(west, "drop table item")
    assert "it has no table item that 'capture' may read" in await refused(west)
    run(west, "create table item (id int)")
    assert "no primary key: item" in await refused(west)


def test_the_configuration_takes_it_for_a_source_alone(tmp_path: Path) -> None:
    file, dsn = tmp_path / "milepost.toml", "mariadb://u:p@h/west"
    file.write_text(f'[sources.west]\nadapter = "wms_west"\ndsn = "{dsn}"\n')
    assert read_config(file).sources[0].dsn == dsn
    file.write_text(f'[sources.west]\nadapter = "wms_west"\ndsn = "{dsn}"\n[graph]\ndsn = "{dsn}"\n')
    with pytest.raises(StartError, match="graph"):
        read_config(file)

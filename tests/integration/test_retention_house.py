"""The house is kept by its settings: partitions begin and go in time, as files first; letters and requests go too."""

import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import zstandard

from app.exporting import Format, export
from app.retention import Limits, age, exported_text, keeping, listed, listed_text, pruned_text, size, tidy
from app.settings import RetentionConfig, read_config
from orders.errors import RejectedError, StartError, TransientError
from projections.database import Connection
from projections.partitions import Table, begin_partition, partitions
from projections.projector import Projector
from tests.controls import projecting
from tests.controls.projecting import deleted, header, line, order, transaction
from tests.controls.story import MAPPINGS

JSON = ("key", "before", "after", "facets", "cause_key")
WAITING = """
insert into record.dead_letter (source, epoch, log, ordinal, tbl, op, raw, reason)
values ('erp', 1, 9, 9, 't', 'u', '', 'it waits')
"""
LATER = datetime.now(UTC) + timedelta(days=100)


@pytest.fixture
async def graph(database: str) -> AsyncIterator[Connection]:
    db = await projecting.connected(database)
    await projecting.create_schemas(db)
    projector = Projector(db, MAPPINGS)
    await projector.start()
    await projector.project([order(1, 1), transaction(2, header(2, ordsts="??")), transaction(3, deleted(line(1)))])
    yield db
    await db.close()


async def numbers(graph: Connection, table: Table) -> list[int]:
    return [each.number for each in await partitions(graph, table)]


async def test_what_is_to_be_kept_for_some_days_lies_in_ten_partitions(graph: Connection) -> None:
    kept = RetentionConfig(ledger_days=10, feed_days=100)
    now = datetime.now(UTC)
    assert await tidy(graph, kept, now + timedelta(hours=23)) == []
    assert (await numbers(graph, Table.LEDGER), await numbers(graph, Table.FEED)) == ([0], [0])
    assert await tidy(graph, kept, now + timedelta(hours=25)) == []
    assert (await numbers(graph, Table.LEDGER), await numbers(graph, Table.FEED)) == ([0, 1], [0])
    gone = await tidy(graph, kept, now + timedelta(days=11))
    assert [each.name for each in gone] == ["record.ledger_0"]
    assert (await numbers(graph, Table.LEDGER), await numbers(graph, Table.FEED)) == ([1], [0, 1])
    await projecting.check(graph)


async def test_what_is_to_be_kept_up_to_a_size(graph: Connection) -> None:
    kept = RetentionConfig(ledger_gb=0.000_1)
    assert await tidy(graph, kept, datetime.now(UTC)) != []
    assert await numbers(graph, Table.LEDGER) == [1]


async def test_without_settings_the_ledger_is_parted_and_nothing_goes(graph: Connection) -> None:
    assert await tidy(graph, RetentionConfig(), LATER) == []
    assert (await numbers(graph, Table.LEDGER), await numbers(graph, Table.FEED)) == ([0, 1], [0])


@pytest.mark.parametrize("kind", Format)
@pytest.mark.parametrize("table", Table)
async def test_what_goes_is_in_a_file_first(graph: Connection, data: Path, kind: Format, table: Table) -> None:
    before = [dict(row) for row in await graph.fetch(f"table record.{table}")]
    kept = RetentionConfig(ledger_days=1, feed_days=1, export=str(data / "old"), format=kind)
    assert len(await tidy(graph, kept, LATER)) == 2
    ending = {Format.JSONL: "jsonl.zst", Format.PARQUET: "parquet"}[kind]
    names = sorted(path.name for path in (data / "old").iterdir())
    assert names == [f"feed_0.{ending}", f"ledger_0.{ending}"]
    assert read_back(data / "old" / f"{table}_0.{ending}") == [shown(row, kind) for row in before]
    await projecting.check_with(graph, MAPPINGS)


def read_back(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()  # type: ignore[no-any-return]
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read()
    return [json.loads(each) for each in text.splitlines()]


def shown(row: dict[str, Any], kind: Format) -> dict[str, Any]:
    """As it is in a file."""
    if kind is Format.PARQUET:
        return row
    texts = {
        name: value.isoformat().replace("+00:00", "Z") for name, value in row.items() if isinstance(value, datetime)
    }
    objects = [name for name in JSON if row.get(name) and (name != "key" or "tbl" in row)]
    return row | texts | {name: json.loads(row[name]) for name in objects}


async def test_what_cannot_be_written_stays(graph: Connection, data: Path) -> None:
    (data / "old").write_text("a file")
    with pytest.raises(RejectedError, match="cannot write"):
        await tidy(graph, RetentionConfig(ledger_days=1, export=str(data / "old")), LATER)
    assert 0 in await numbers(graph, Table.LEDGER)
    with pytest.raises(RejectedError, match=r"milepost\[parquet\]"):
        await _without_pyarrow(graph, data)
    assert os.listdir(data) == ["old"]


async def _without_pyarrow(graph: Connection, data: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        await export(graph, (await partitions(graph, Table.LEDGER))[0], data, Format.PARQUET)


async def test_settled_letters_and_answered_requests_go(graph: Connection) -> None:
    await graph.execute("update record.dead_letter set resolved_at = now(), resolution = 'DISCARDED'")
    await graph.execute(WAITING)
    await tidy(graph, RetentionConfig(), LATER)
    assert await graph.fetchval("select count(*) from record.dead_letter") == 2
    await tidy(graph, RetentionConfig(ledger_days=30), LATER)
    assert await graph.fetchval("select reason from record.dead_letter") == "it waits"


async def test_the_command_line(database: str, graph: Connection, data: Path) -> None:
    await begin_partition(graph, Table.LEDGER)
    assert "record.ledger_0" in listed_text(await listed(database))
    wanted = {Table.LEDGER: Limits(timedelta(0), None)}
    assert (await pruned_text(database, wanted, dry_run=True)).startswith("would drop record.ledger_0: ")
    assert await exported_text(database, Table.LEDGER, Limits(), data, Format.JSONL) == f"{data}/ledger_0.jsonl.zst"
    async with keeping(database):
        with pytest.raises(TransientError, match="rebuild"):
            await pruned_text(database, wanted, dry_run=False)
    assert (await pruned_text(database, wanted, dry_run=False)).startswith("dropped record.ledger_0: ")
    assert (await pruned_text(database, wanted, dry_run=False)).startswith("nothing to drop")


def test_ages_and_sizes() -> None:
    assert (age("90d"), age("1.5h"), age("30m"), age(None)) == (
        timedelta(days=90), timedelta(minutes=90), timedelta(minutes=30), None,
    )  # fmt: skip
    assert (size("20GB"), size("0.5MB"), size(None)) == (20 * 10**9, 500_000, None)
    for read, text in ((age, "90"), (age, "-1d"), (size, "20"), (size, "20gb")):
        with pytest.raises(RejectedError):
            read(text)


def test_settings_are_read(data: Path) -> None:
    path = data / "milepost.toml"
    path.write_text('[retention]\nledger_days = 90\nledger_gb = 20.5\nexport = "old"\nformat = "parquet"\n')
    assert read_config(path).retention == RetentionConfig(90, 20.5, None, str(data / "old"), Format.PARQUET)
    path.write_text("[retention]\nledger_days = 0\n")
    with pytest.raises(StartError, match=r"retention\.ledger_days"):
        read_config(path)

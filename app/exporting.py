"""Partitions of ledger and feed as files, for whoever keeps what Milepost drops: JSON lines with zstd, or Parquet."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec
import zstandard
from asyncpg.prepared_stmt import PreparedStatement

from orders.errors import RejectedError
from projections.database import Connection
from projections.partitions import Partition, Table

ROWS = 5_000
"""That are read and written at a time."""
_PLACE = {Table.LEDGER: "id", Table.FEED: "position"}


class Format(StrEnum):
    """JSONL: an object a line, compressed with zstd. PARQUET needs the extra `parquet`."""

    JSONL = "jsonl"
    PARQUET = "parquet"


class Writer(Protocol):
    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """All columns; JSON is text."""
        ...

    def close(self) -> None: ...


async def export(connection: Connection, partition: Partition, folder: Path, kind: Format) -> Path:
    """The partition's rows in their order, as a file of its name that is there whole or not at all.

    One of an earlier export is replaced. Raises RejectedError where that cannot be.
    """
    path = folder / f"{partition.table}_{partition.number}.{_ENDING[kind]}"
    with _whole(path) as unfinished:
        await _write(connection, partition, unfinished, kind)
    return path


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """What is written to the path given is at `path` once the block ends well, and outlives a power cut."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        _sync(unfinished)
        unfinished.replace(path)
        _sync(path.parent)
    except ConnectionError:
        raise
    except OSError as error:
        raise RejectedError(f"cannot write {path}: {error.strerror}; name another folder, or make room") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


async def _write(connection: Connection, partition: Partition, path: Path, kind: Format) -> None:
    table, place = partition.table, _PLACE[partition.table]
    async with connection.transaction():
        statement = await connection.prepare(
            f"select * from record.{table} where {place} >= $1 and {place} < $2 order by {place}"  # noqa: S608  # ours
        )
        columns = {each.name: each.type.name for each in statement.get_attributes()}
        with closing(_lines(path, columns) if kind is Format.JSONL else _parquet(path, columns)) as writer:
            async for rows in _pages(statement, partition):
                writer.write(rows)


async def _pages(
    statement: "PreparedStatement[Any]", partition: Partition
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    cursor = await statement.cursor(partition.low, partition.high)
    while rows := await cursor.fetch(ROWS):
        yield rows


class _Lines:
    def __init__(self, path: Path, columns: Mapping[str, str]) -> None:
        self._json = [name for name, kind in columns.items() if kind == "json"]
        self._file = path.open("wb")
        self._stream = zstandard.ZstdCompressor(level=9).stream_writer(self._file)
        self._encoder = msgspec.json.Encoder()

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._stream.write(self._encoder.encode_lines([self._shown(row) for row in rows]))

    def _shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        inner = {name: msgspec.Raw(row[name]) for name in self._json if row[name] is not None}
        return dict(row) | inner

    def close(self) -> None:
        self._stream.flush(zstandard.FLUSH_FRAME)
        self._file.close()


def _lines(path: Path, columns: Mapping[str, str]) -> Writer:
    return _Lines(path, columns)


def _parquet(path: Path, columns: Mapping[str, str]) -> Writer:
    """Raises RejectedError where the extra is missing."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise RejectedError("Parquet needs pyarrow: install milepost[parquet], or export as jsonl") from None
    kinds = {
        "int8": pa.int64(),
        "int4": pa.int32(),
        "int4[]": pa.list_(pa.int32()),
        "bool": pa.bool_(),
        "timestamptz": pa.timestamp("us", tz="UTC"),
        "text": pa.string(),
        "json": pa.string(),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    writer = pq.ParquetWriter(path, schema, compression="zstd")

    class Parquet:
        def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
            arrays = [pa.array([row[each.name] for row in rows], each.type) for each in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        def close(self) -> None:
            writer.close()

    return Parquet()


_ENDING = {Format.JSONL: "jsonl.zst", Format.PARQUET: "parquet"}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A story's changes as the engine said them, kept in a file: the same bytes for every run that reads it."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bench.capture import rate, snapshots_end
from bench.machinery import ADAPTERS, Bench
from bench.reading import Alone
from cdc.capture import Capture
from cdc.change import Change, Transaction
from cdc.child import Child
from cdc.engine import EngineSource
from cdc.envelope import decoded
from cdc.frames import Header
from cdc.transactions import Assembler
from demo.player import play
from demo.story import Story


class Frame(Struct, array_like=True):
    """What an engine handed over at once: lines of JSON."""

    source: str
    lines: bytes


class Recorder(EngineSource):
    """Keeps what it reads."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.frames: list[Frame] = []

    async def _batch(self, child: Child, capture: Capture, header: Header, payload: bytearray) -> None:
        self.frames.append(Frame(capture.database.name, bytes(payload)))
        await super()._batch(child, capture, header, payload)


async def recorded(place: Bench, orders: int, path: Path) -> list[Frame]:
    """What lies in the file; it is made first if it is not there."""
    found = kept(path)
    if found is None:
        found = await record(place, orders)
        keep(path, found)
    return found


def kept(path: Path) -> list[Frame] | None:
    return msgspec.msgpack.decode(path.read_bytes(), type=list[Frame]) if path.exists() else None


def keep(path: Path, frames: list[Frame]) -> None:
    path.write_bytes(msgspec.msgpack.encode(frames))


async def record(place: Bench, orders: int) -> list[Frame]:
    """Of empty databases, in which the story is played then."""
    sources, reader = await place.sources("recorded"), Alone()
    source = place.engine_of(Recorder, "recorded", "recorded")
    await rate(source, reader, snapshots_end)
    played = await play(Story(1, orders), sources.erp, sources.east, rate=None)
    await rate(source, reader, lambda changes, _: changes >= played.changes)
    return source.frames


def assembled(frames: Iterable[Frame]) -> dict[str, list[Transaction]]:
    """Each source's transactions, out of their bytes."""
    assemblers = {source: Assembler(source, 1, snapshotting=True) for source in ADAPTERS}
    found: dict[str, list[Transaction]] = {source: [] for source in ADAPTERS}
    for frame in frames:
        found[frame.source] += (ended.transaction for ended in assemblers[frame.source].feed(decoded(frame.lines)))
    return found


def in_order(streams: dict[str, list[Transaction]]) -> Iterator[Transaction]:
    """All sources' transactions as they were committed."""
    return heapq.merge(*streams.values(), key=committed)


def committed(transaction: Transaction) -> float:
    last = transaction.changes[-1] if transaction.changes else None
    return last.committed_at.timestamp() if isinstance(last, Change) and last.committed_at else 0.0


def batches(transactions: Iterable[Transaction], size: int) -> Iterator[Sequence[Transaction]]:
    """Of at least `size` changes."""
    batch: list[Transaction] = []
    seen = 0
    for transaction in transactions:
        batch.append(transaction)
        seen += transaction.seen
        if seen >= size:
            yield batch
            batch, seen = [], 0
    if batch:
        yield batch

"""The rows of a transaction that is too large for memory: lines in a file without a name, gone with its reader."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, overload

import msgspec
from msgspec import UNSET

from cdc.change import UNAVAILABLE, Broken, Change
from cdc.envelope import Line, Place, Unreadable, changes, decode, is_wanted

CHUNK: Final = 2_000
"""Lines that are written and read at once."""


class Spill:
    """Takes lines; `count` of them, of which `wanted` are changes and `unreadable` could not be read."""

    def __init__(self, folder: Path | None, hidden: frozenset[str]) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, prefix="transaction-")  # noqa: SIM115 (it lives as long as this)
        self._hidden = hidden
        self.chunks: list[tuple[int, int, int]] = []
        """Offset, size in bytes, lines."""
        self.count = self.wanted = self.unreadable = 0

    def add(self, lines: Sequence[Line | Unreadable]) -> None:
        """Raises OSError when the disk is full."""
        for start in range(0, len(lines), CHUNK):
            part = lines[start : start + CHUNK]
            data = b"\n".join(map(_encoded, part))
            self.chunks.append((self._file.tell(), len(data), len(part)))
            self._file.write(data)
            self.wanted += sum(is_wanted(line, self._hidden) for line in part)
            self.unreadable += sum(isinstance(line, Unreadable) for line in part)
            self.count += len(part)
        self._file.flush()

    def lines(self, chunk: tuple[int, int, int]) -> list[Line | Unreadable]:
        return decode(os.pread(self._file.fileno(), chunk[1], chunk[0]))


class SpilledChanges(Sequence[Change | Broken]):
    """The changes in a spill, read as they are asked for."""

    def __init__(self, source: str, spill: Spill, place: Place, hidden: frozenset[str]) -> None:
        self._source, self._spill, self._place, self._hidden = source, spill, place, hidden

    def __len__(self) -> int:
        return self._spill.wanted

    def __iter__(self) -> Iterator[Change | Broken]:
        first = 1
        for chunk in self._spill.chunks:
            yield from self._read(chunk, first)
            first += chunk[2]

    @overload
    def __getitem__(self, index: int) -> Change | Broken: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Change | Broken]: ...
    def __getitem__(self, index: int | slice) -> Change | Broken | Sequence[Change | Broken]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return list(islice(self, start, stop, step))
        if index == -1:
            return self._last()
        return next(islice(self, index if index >= 0 else len(self) + index, None))

    def _last(self) -> Change | Broken:
        first = 1 + sum(lines for _, _, lines in self._spill.chunks)
        for chunk in reversed(self._spill.chunks):
            first -= chunk[2]
            if found := list(self._read(chunk, first)):
                return found[-1]
        raise IndexError

    def _read(self, chunk: tuple[int, int, int], first: int) -> Iterator[Change | Broken]:
        return changes(self._source, self._spill.lines(chunk), self._place, self._hidden, first)


def _encoded(line: Line | Unreadable) -> bytes:
    return line.raw if isinstance(line, Unreadable) else msgspec.json.encode((line.key, line.value), enc_hook=_absent)


def _absent(value: Any) -> str:
    if value is UNSET:
        return UNAVAILABLE
    raise TypeError(f"a column of {type(value)}")

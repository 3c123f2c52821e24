"""What the engine's child process and its parent say to each other, over one socket.

To the child: commands, one JSON line each. From the child: frames, a header and as many bytes as it says.
`run` is the number of one start of one engine: what belongs to an earlier run is recognized and dropped.
"""

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from msgspec import Struct


class Kind(IntEnum):
    """What a frame is: HELLO (the machine runs), STARTED (an engine polls), BATCH (lines), FAILED (a reason, text)."""

    HELLO = 1
    STARTED = 2
    BATCH = 3
    FAILED = 4


class Header(NamedTuple):
    """`sequence` counts the batches of a run, `length` is that of the payload in bytes."""

    kind: Kind
    run: int
    sequence: int
    length: int


_HEADER: Final = struct.Struct(">BIQI")
HEADER_SIZE: Final = _HEADER.size


def pack(header: Header) -> bytes:
    return _HEADER.pack(*header)


def unpack(data: bytes | bytearray) -> Header:
    kind, run, sequence, length = _HEADER.unpack(data)
    return Header(Kind(kind), run, sequence, length)


class Start(Struct, tag="start", frozen=True):
    """Start an engine. `offset` is where to go on, JSON text, None to begin with a snapshot."""

    run: int
    source: str
    properties: dict[str, str]
    offset: str | None


class Ack(Struct, tag="ack", frozen=True):
    """A batch is dealt with; `line` is the record that may be marked, None when none may be."""

    run: int
    sequence: int
    line: int | None


class Stop(Struct, tag="stop", frozen=True):
    """End the engine of this run; nothing is said about it any more."""

    run: int


Command = Start | Ack | Stop

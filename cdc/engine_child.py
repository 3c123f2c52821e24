"""The engine's child process: Debezium in a Java machine of its own, one engine a source, driven over a socket.

Its standard input is the socket to the parent (see frames.py); when that closes, the parent is gone and so is this.
Arguments: the heap in MB, the kind of databases that this machine is for, and the file for its account of a crash.
"""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Lock, Thread
from typing import NoReturn

import msgspec

from cdc import jvm
from cdc.engine_run import EngineRun
from cdc.frames import Ack, Command, Header, Kind, Start, Stop, pack
from orders.errors import StartError

_command = msgspec.json.Decoder(Command)


class Wire:
    """The parent's end of the conversation, for many threads."""

    def __init__(self, parent: socket.socket) -> None:
        self._parent, self._lock = parent, Lock()

    def send(self, kind: Kind, run: int = 0, sequence: int = 0, payload: bytes | memoryview = b"") -> None:
        with self._lock:
            self._parent.sendall(pack(Header(kind, run, sequence, len(payload))))
            self._parent.sendall(payload)

    def commands(self) -> Iterator[Command]:
        """Until the parent is gone."""
        with self._parent.makefile("rb") as lines:
            yield from map(_command.decode, lines)


def main(heap_mb: int, machine: str, account: Path) -> None:
    """Serve until the parent is gone."""
    wire = Wire(socket.socket(fileno=sys.stdin.fileno()))
    jvm.start(heap_mb, machine, account)
    wire.send(Kind.HELLO)
    runs: dict[int, EngineRun] = {}
    for command in wire.commands():
        _obey(command, runs, wire)


def _obey(command: Command, runs: dict[int, EngineRun], wire: Wire) -> None:
    match command:
        case Start():
            runs[command.run] = EngineRun(command, wire.send)
            Thread(target=runs[command.run].run, name=command.source, daemon=True).start()
        case Ack() if command.run in runs:
            runs[command.run].ack(command)
        case Stop() if command.run in runs:
            Thread(target=runs.pop(command.run).stop, daemon=True).start()


def _end(code: int) -> NoReturn:
    # Nothing here is worth an orderly end, and Java's could wait for its threads for ever.
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201 (the parent reads it)
        _end(2)
    except OSError:
        _end(0)
    _end(0)

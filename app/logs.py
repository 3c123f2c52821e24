"""Logs of child processes: read from a pipe, kept in a bounded file, the last lines at hand."""

from collections import deque
from pathlib import Path
from threading import Thread
from typing import IO

LIMIT = 5_000_000
LINE_LIMIT = 100_000


class LogPump:
    """Copies a child's output to `path` until it ends; beyond `limit` bytes the file becomes `path`.1."""

    def __init__(self, stream: IO[bytes], path: Path, limit: int = LIMIT) -> None:
        self._stream, self._path, self._limit = stream, path, limit
        self._tail: deque[str] = deque(maxlen=20)
        self._thread = Thread(target=self._run, name=f"log-{path.stem}", daemon=True)
        self._thread.start()

    def tail(self, timeout: float = 1.0) -> list[str]:
        """The last lines that are not blank; waits for the end of the output, at most `timeout` seconds."""
        self._thread.join(timeout)
        return list(self._tail)

    def last_line(self, timeout: float = 1.0) -> str:
        return next(reversed(self.tail(timeout)), "it said nothing")

    def _run(self) -> None:
        file: IO[bytes] = open(self._path, "ab")  # noqa: SIM115 (it is exchanged for another while it runs)
        with self._stream:
            for line in iter(lambda: self._stream.readline(LINE_LIMIT), b""):
                file = self._bounded(file)
                self._write(file, line)
        file.close()

    def _bounded(self, file: IO[bytes]) -> IO[bytes]:
        if file.tell() < self._limit:
            return file
        file.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        return open(self._path, "ab")

    def _write(self, file: IO[bytes], line: bytes) -> None:
        if text := line.decode(errors="replace").strip():
            self._tail.append(text)
        try:
            file.write(line)
            file.flush()
        except OSError:
            # A full disk must not end the pump: the child would block on its pipe.
            return

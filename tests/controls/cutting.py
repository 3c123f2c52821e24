"""Lines that are bad: one lets a COMMIT through and never brings the answer, one stands still, one breaks."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Line:
    """Whoever connects to `dsn` is passed on to the server of the given one."""

    def __init__(self, dsn: str) -> None:
        self._target = urlsplit(dsn)
        self.dsn = ""

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        credentials = self._target.netloc.rpartition("@")[0]
        self.dsn = self._target._replace(netloc=f"{credentials}@127.0.0.1:{port}").geturl()
        return server

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(self._target.hostname, self._target.port)
        await asyncio.gather(self._forward(reader, requests, writer), self._back(answers, writer))
        writer.close()

    async def _forward(
        self, reader: asyncio.StreamReader, requests: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        while data := await _read(reader):
            await self._sent(data, writer)
            requests.write(data)
        requests.close()

    async def _back(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await _read(answers):
            if await self._answered(writer):
                writer.write(data)

    async def _sent(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        """Returns when it may go to the server."""

    async def _answered(self, writer: asyncio.StreamWriter) -> bool:
        """Whether the client gets the answer, once it may."""
        return True


class CutLine(Line):
    """The first `cuts` commits are answered by silence; `commits` counts them, `cut` ends the silent connections."""

    def __init__(self, dsn: str, cuts: int) -> None:
        super().__init__(dsn)
        self._left = cuts
        self._silent: list[asyncio.StreamWriter] = []
        self.commits = 0

    def cut(self) -> None:
        while self._silent:
            self._silent.pop().close()

    async def _sent(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if b"COMMIT" in data and self._left:
            self._left -= 1
            self._silent.append(writer)
            self.commits += 1

    async def _answered(self, writer: asyncio.StreamWriter) -> bool:
        return writer not in self._silent


class StandingLine(Line):
    """Nothing comes through while `moves` is not set; then all of it does."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.moves = asyncio.Event()
        self.moves.set()

    async def _sent(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        await self.moves.wait()

    async def _answered(self, writer: asyncio.StreamWriter) -> bool:
        await self.moves.wait()
        return True


class BrittleLine(Line):
    """`snap` breaks it for all who are connected, by a reset; who connects again is served."""

    _AT_ONCE = struct.pack("ii", 1, 0)

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._connections: list[asyncio.StreamWriter] = []

    def snap(self) -> None:
        while self._connections:
            transport = self._connections.pop().transport
            if not transport.is_closing():
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, self._AT_ONCE)
                transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.append(writer)
        await super()._connected(reader, writer)


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except ConnectionError:
        return b""


@asynccontextmanager
async def cut_line(dsn: str, cuts: int = 1) -> AsyncIterator[CutLine]:
    line = CutLine(dsn, cuts)
    server = await line.serve()
    try:
        yield line
    finally:
        line.cut()
        server.close()


@asynccontextmanager
async def standing_line(dsn: str) -> AsyncIterator[StandingLine]:
    line = StandingLine(dsn)
    server = await line.serve()
    try:
        yield line
    finally:
        line.moves.set()
        server.close()


@asynccontextmanager
async def brittle_line(url: str) -> AsyncIterator[BrittleLine]:
    line = BrittleLine(url)
    server = await line.serve()
    try:
        yield line
    finally:
        line.snap()
        server.close()

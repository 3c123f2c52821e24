"""A line to a Postgres that lets a COMMIT through and never brings the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class CutLine:
    """Whoever connects is passed on to the server of `dsn`; the first `cuts` commits are answered by silence,
    and `commits` counts them. `cut` ends the silent connections."""

    def __init__(self, dsn: str, cuts: int) -> None:
        self._target, self._left = urlsplit(dsn), cuts
        self._silent: list[asyncio.StreamWriter] = []
        self.commits = 0
        self.dsn = ""

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        credentials = self._target.netloc.rpartition("@")[0]
        self.dsn = self._target._replace(netloc=f"{credentials}@127.0.0.1:{port}").geturl()
        return server

    def cut(self) -> None:
        while self._silent:
            self._silent.pop().close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(self._target.hostname, self._target.port)
        await asyncio.gather(self._forward(reader, requests, writer), self._back(answers, writer))
        writer.close()

    async def _forward(
        self, reader: asyncio.StreamReader, requests: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        while data := await _read(reader):
            if b"COMMIT" in data and self._left:
                self._left -= 1
                self._silent.append(writer)
                self.commits += 1
            requests.write(data)
        requests.close()

    async def _back(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await _read(answers):
            if writer not in self._silent:
                writer.write(data)


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

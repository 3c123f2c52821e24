"""Gateway processes on one port, under their supervisor and with no other process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from app.keys import ensure_keys, token
from app.processes import records
from app.runtime import BACKLOG, children
from app.settings import Config, Settings
from app.supervisor import Supervisor
from gateway.server import listen
from tests.controls import serving

ONE = {"query": '{ order(id: "1042") { id } }'}


class Workers:
    """`said` is what the supervisor said."""

    def __init__(self, data: Path, port: int, said: list[str]) -> None:
        self.data, self.said, self.url = data, said, f"http://127.0.0.1:{port}/graphql"
        self.auth = {"authorization": f"Bearer {token(data, 'tester', 'admin')}"}

    def pids(self) -> dict[str, int]:
        return {each.name: each.pid for each in records(self.data / "run") if each.address}

    async def ask(self, http: httpx.AsyncClient) -> int:
        """The status; a connection that broke is made anew, as every client does."""
        for _ in range(2):
            try:
                return (await http.post(self.url, json=ONE, headers=self.auth)).status_code
            except httpx.TransportError:
                continue
        return 0


@asynccontextmanager
async def gateways(data: Path, database: str, config: Config) -> AsyncIterator[Workers]:
    """As many as the configuration says, over the canonical orders in a database that is empty so far."""
    await serving.create_graph(database)
    (data / "run").mkdir()
    (data / "log").mkdir()
    ensure_keys(data)
    said: list[str] = []
    with listen("127.0.0.1", 0) as listener:
        listener.listen(BACKLOG)
        port = listener.getsockname()[1]
        Settings(data, database, database, "127.0.0.1", port, (), workers=config.workers).save()
        async with Supervisor(data, say=said.append) as supervisor:
            found = [c for c in children(data, config, listener.fileno()) if c.name.startswith("gateway")]
            await supervisor.start(*found)
            yield Workers(data, port, said)

"""Processes by themselves, as containers run them, and the demo's story told to databases of one's own."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from app.cluster import free_port
from app.postgres import Postgres
from tests.controls.capturing import ask
from tests.controls.crash_projector import installed
from tests.controls.milepost import MILEPOST, SECONDS, Installed
from tests.controls.waiting import until


def milepost_toml(found: Installed, graph: bool = True) -> Path:
    path = found.data / "milepost.toml"
    owner = [f'[graph]\ndsn = "{found.settings.graph_dsn}"'] if graph else []
    sources = [f'[sources.{s.name}]\nadapter = "{s.adapter}"\ndsn = "{s.dsn}"' for s in found.settings.sources]
    path.write_text("\n".join([*owner, *sources]))
    return path


async def test_a_gateway_by_itself_serves_until_it_is_told_to_end(data: Path) -> None:
    async with installed(data) as found, httpx.AsyncClient() as http:
        port = free_port()
        arguments = ["--config", str(milepost_toml(found)), "--data", str(data / "alone"), "--port", str(port)]
        process = await asyncio.create_subprocess_exec(*MILEPOST, "run", "gateway", *arguments)

        async def ready() -> bool:
            assert process.returncode is None
            with suppress(httpx.TransportError):
                return (await http.get(f"http://127.0.0.1:{port}/ready")).status_code == 200
            return False

        await until(ready, SECONDS)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), SECONDS) == 0


async def test_no_process_by_itself_keeps_the_graph(data: Path) -> None:
    async with installed(data) as found:
        config = milepost_toml(found, graph=False)
        command = [*MILEPOST, "run", "projector", "--config", str(config), "--data", str(data / "alone")]
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        assert process.returncode == 2
        assert (
            said
            == b"milepost: a process by itself keeps no Postgres: name the graph's in milepost.toml as [graph] dsn\n"
        )


async def test_the_story_is_told_to_databases_of_ones_own(data: Path) -> None:
    """To servers of their own; here one server stands for both."""
    server = Postgres(data)
    await server.start()
    try:
        dsn = server.dsn("postgres")
        secret = dict.fromkeys(("CAPTURE_PASSWORD", "ERP_APP_PASSWORD", "EAST_APP_PASSWORD"), "secret")
        command = [sys.executable, "-m", "demo", "--erp", dsn, "--east", dsn, "--orders", "2"]
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **secret})
        assert await asyncio.wait_for(process.wait(), SECONDS) == 0
        assert await ask(server.dsn("erp"), "select count(*) from ordhdr") == 2
        assert await ask(server.dsn("east"), "select count(*) from pg_publication_tables") > 0
    finally:
        await server.stop()

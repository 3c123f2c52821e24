"""docs/adding-a-source.md, carried out from its first line to its last, in a copy of the code."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.cluster import free_port
from app.postgres import Postgres
from demo.databases import Passwords, create_databases
from demo.statements import STATEMENTS
from tests.controls.files import prepare
from tests.controls.milepost import MILEPOST, SECONDS
from tests.controls.selling import MASTER_DATA, Statement, accepted, entered
from tests.controls.serving import ROOT
from tests.controls.sql import run
from tests.controls.waiting import until

PAGE = (ROOT / "docs" / "adding-a-source.md").read_text()
FILES = dict(re.findall(r"^`([^`\n]+)`\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^uv run (.+)$", PAGE, re.MULTILINE)
PROGRAMS = {"milepost": MILEPOST, "pytest": [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]}
ORDER = 100001
WORKED = f"""
insert into job values (1, 'N1', '{ORDER}', 7, '2026-03-03 08:00', '2026-03-03 08:05');
insert into job_item values (1, 1, 'T-100', 10, 10, 10, 0);
insert into load values (1, 'NL1', 1, 'UPSN', 'TN1', '2026-03-03 09:00', '2026-03-03 10:00');
insert into load_item values (1, 1, 'T-100', 10);
insert into track values (1, 1, 'VAN', '2026-03-04 08:00-06', 'Austin', '2026-03-04 08:01-06');
"""  # noqa: S608
UNKNOWN = "insert into job values (2, 'N2', '7', 8, '2026-03-03 08:00', null)"


class Copy:
    """The code with North's folder in it, and an installation of it in a data folder of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.env = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "XDG_DATA_HOME": str(folder / "home"),
            "NORTH_PASSWORD": "secret",
            "ERP_PASSWORD": "secret",
        }

    def command(self, words: str) -> list[str]:
        """As the page has it, behind `uv run`."""
        program, *arguments = shlex.split(words)
        return [*PROGRAMS[program], *arguments]

    def run(self, words: str) -> str:
        done = subprocess.run(
            self.command(words), cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def mend(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    @asynccontextmanager
    async def up(self, words: str) -> AsyncIterator[None]:
        """From when its gateway is ready."""
        process = await asyncio.create_subprocess_exec(
            *self.command(words), cwd=self.folder, env=self.env, stdout=subprocess.DEVNULL
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
                await until(partial(ready, http, process), SECONDS)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), SECONDS)

    async def asked(self) -> object:
        """What the page's query finds, by a token of the page's."""
        token = self.run("milepost token").strip()
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=SECONDS) as http:
            url = f"http://127.0.0.1:{self.port}/graphql"
            return (await http.post(url, json={"query": FILES["order.graphql"]})).json()


async def ready(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> bool:
    assert process.returncode is None
    try:
        return (await http.get("/ready")).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def copy(data: Path) -> Copy:
    """With each file of the page in its place."""
    folder = data / "code"
    (folder / "tests").mkdir(parents=True)
    for name in ("orders", "cdc", "projections", "commands", "gateway", "demo", "app"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "adapters", folder / "adapters", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "apply", "register.diff"], cwd=folder, check=True)
    return Copy(folder, free_port())


@pytest.fixture
async def server(data: Path) -> AsyncIterator[Postgres]:
    """Of the ERP and of North, as the page's SQL leaves it."""
    folder = data / "sources"
    folder.mkdir()
    prepare(folder)
    postgres = Postgres(folder)
    await postgres.start()
    await postgres.create_database("north")
    await run(postgres.dsn("north"), *statements("north.sql"), *statements("grants.sql"))
    await create_databases(postgres.dsn("postgres"), Passwords("erp", "east", "secret"))
    yield postgres
    await postgres.stop()


def statements(name: str) -> list[str]:
    return [each for each in FILES[name].split(";\n") if each.strip()]


async def sell(dsn: str, *wanted: Statement) -> None:
    db = await asyncpg.connect(dsn)
    try:
        for name, arguments in wanted:
            await db.execute(STATEMENTS["erp"][name], *arguments)
    finally:
        await db.close()


async def test_the_page_is_true_from_its_first_line_to_its_last(copy: Copy, server: Postgres) -> None:
    tried, up, *looked, token, replay, rebuild = COMMANDS
    copy.mend("milepost.toml", "[sources", f"port = {copy.port}\n[sources")
    for name in ("erp", "north"):
        copy.mend("milepost.toml", f"{name}.example:5432", f"127.0.0.1:{server.port}")
    assert "2 passed" in copy.run(tried)
    async with copy.up(up):
        await sell(server.dsn("erp"), *MASTER_DATA, *entered(ORDER), accepted(ORDER))
        await run(server.dsn("north"), WORKED)
        await until(partial(is_shown, copy), SECONDS)
        await until(partial(streams, copy, looked[0]), SECONDS)
        said = [copy.run(each) for each in looked]
        assert said[0].count("streaming") == 2
        assert (said[1], said[2].splitlines()[-1]) == ("no dead letter waits\n", "verified")
        assert copy.run(token).count(".") == 2
        await run(server.dsn("north"), UNKNOWN)
        await until(partial(waits, copy), SECONDS)
    copy.mend("adapters/wms_north/codes.py", '"9":', '"8": "SHORT",\n    "9":')
    copy.mend("adapters/wms_north/direct.sql", "when 9", "when 8 then 'SHORT' when 9")
    async with copy.up(up):
        assert copy.run(replay).startswith("1: would be replayed")
        assert "nothing was changed" in copy.run(rebuild)
        assert copy.run(replay.removesuffix(" --dry-run")).startswith("1: replayed")
        assert copy.run("milepost verify").endswith("\nverified\n")


async def is_shown(copy: Copy) -> bool:
    match await copy.asked():
        case {"data": {"order": {"displayStatus": "OUT_FOR_DELIVERY", **order}}}:
            assert order["fulfillmentOrders"] == [{"source": "north", "number": "N1", "state": "SHIPPED"}]
            assert [each["tracking"] for each in order["shipments"]] == ["TN1"]
            return [each["source"] for each in order["freshness"]] == ["erp", "north"]
    return False


async def streams(copy: Copy, look: str) -> bool:
    """What a projector tells of its sources comes a moment behind what it projects."""
    return copy.run(look).count("streaming") == 2


async def waits(copy: Copy) -> bool:
    return "public.job.status cannot be read: '8'" in copy.run("milepost deadletters list")


def test_each_block_of_the_page_is_carried_out() -> None:
    """What has no name would be left out."""
    blocks = re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)
    assert len(blocks) == len(FILES) + blocks.count("sh")
    assert len(COMMANDS) == 8

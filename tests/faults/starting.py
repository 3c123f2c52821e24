"""Starts the runtime as a process of its own, as the command line does: for the tests of starts that must fail."""

import asyncio
import subprocess
import sys
from pathlib import Path

import psutil
from msgspec import Struct

from app.child import Child
from app.children import run_child
from app.folder import open_folder
from app.postgres import Postgres
from app.preflight import Needs, check_databases, check_machine
from app.settings import Config, read_config
from app.supervisor import Supervisor

NEEDS = Needs(("public.ordhdr", "public.ordlin"), "milepost_erp")
SERVES = "from app.children import ready; ready(); import signal; signal.pause()"


class Refusal(Struct, frozen=True):
    """How a start ended: its exit code, what it said, and the processes it left in its folder."""

    code: int
    said: str
    left: list[str]


async def start(data: Path, config: str) -> Refusal:
    """Start with the text of a milepost.toml. A start that succeeds is code 0: it ends itself then."""
    file = data.with_name(data.name + ".toml")
    await asyncio.to_thread(file.write_text, config)
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, str(data), str(file), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await process.communicate()
    await asyncio.to_thread(file.unlink)
    assert process.returncode is not None
    return Refusal(
        process.returncode, said.decode(), [each.name() for each in psutil.process_iter() if _in(each, data)]
    )


def one_line(refusal: Refusal) -> str:
    """What was said, if it is a refusal as it should be: code 2, one line, nothing left running."""
    assert (refusal.code, refusal.said.count("\n"), refusal.left) == (2, 1, []), refusal
    return refusal.said


def erp(dsn: str, *more: str) -> str:
    return "\n".join(["port = 0", *more, "[sources.erp]", 'adapter = "erp_legacy"', f'dsn = "{dsn}"', ""])


def _in(process: psutil.Process, data: Path) -> bool:
    try:
        line = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and "milepost-guard" not in line and str(data) in line
    except psutil.Error:
        return False


async def _main() -> None:
    data, config = open_folder(Path(sys.argv[1])), read_config(Path(sys.argv[2]))
    async with Supervisor(data, say=print) as supervisor:
        await check_machine(data, config)
        await check_databases(config, {source.name: NEEDS for source in config.sources})
        await _run(data, config, supervisor)


async def _run(data: Path, config: Config, supervisor: Supervisor) -> None:
    if config.graph is None:
        await supervisor.start_postgres(Postgres(data, {"fsync": "off"}))
    await supervisor.start(Child("projector", (sys.executable, "-c", SERVES, str(data))))


if __name__ == "__main__":
    run_child(_main)

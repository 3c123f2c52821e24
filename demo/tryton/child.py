"""Tryton in a process of its own, told step by step. Needs none of Tryton's packages in this process."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from orders.errors import RejectedError, StartError

PACKAGES = ("trytond", "proteus")
LEAVES_WITHIN = 3.0
"""Seconds that the process has to end by itself."""


def require() -> None:
    """Raises StartError unless Tryton's packages are there."""
    if any(find_spec(package) is None for package in PACKAGES):
        raise StartError(
            "the ERP Tryton is not installed beside Milepost (its packages are GPL, in a dependency group of their "
            "own): use `uv run --group tryton milepost demo --erp tryton`"
        )


@dataclass(frozen=True, slots=True)
class Tryton:
    """A Tryton whose database is filled."""

    process: Process
    log: Path

    async def step(self, name: str, argument: str = "") -> str:
        """Take a step of `demo.tryton.flow`; returns the number that it made. Raises RejectedError."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} {argument}\n".encode())
        kind, _, rest = (await self.answer()).partition(" ")
        if kind != "done":
            raise RejectedError(f"Tryton refuses {name} {argument}: {rest}")
        return rest

    async def answer(self) -> str:
        """The next line. Raises StartError when the process has ended."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise StartError(f"Tryton has ended: see {self.log}; then try again, it goes on where it was")
        return line.decode().strip()


@asynccontextmanager
async def tryton(dsn: str, password: str, log: Path, *, fill: bool = False) -> AsyncIterator[Tryton]:
    """Ready for steps inside the block. `fill` is for an empty database and takes some two minutes.

    `dsn` is that of the database's owner, `password` for Tryton's user admin, `log` gets what goes wrong there.
    Raises StartError.
    """
    require()
    found = Tryton(await _spawn(dsn, password, log, fill), log)
    try:
        await found.answer()
        yield found
    finally:
        await _end(found.process)


async def _spawn(dsn: str, password: str, log: Path, fill: bool) -> Process:
    environment = {**os.environ, "TRYTOND_DATABASE_URI": dsn, "MILEPOST_TRYTON_PASSWORD": password}
    command = [sys.executable, "-m", "demo.tryton", *(["fill"] if fill else [])]
    errors = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=errors, env=environment)
    finally:
        os.close(errors)


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), LEAVES_WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()

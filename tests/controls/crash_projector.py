"""The projector's process alone, without a supervisor, over the demo's sources; it dies where a test says."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from signal import SIGKILL

import psutil

from app.demo import make_sources
from app.runtime import Installation
from app.settings import Config, Settings
from demo.simulator import Step
from demo.story import Story
from orders.crash import ENVIRONMENT, CrashPoint
from tests.controls.files import opened
from tests.controls.milepost import SECONDS, Installed

RECEIVED, DECODED, BEGUN = CrashPoint.RECEIVED, CrashPoint.DECODED, CrashPoint.BEGUN
WRITTEN, COMMITTED, TOLD = CrashPoint.WRITTEN, CrashPoint.COMMITTED, CrashPoint.TOLD


@dataclass(frozen=True, slots=True)
class Part(Story):
    """The same story, of which only the first steps are told so far."""

    steps: int = 0

    def __iter__(self) -> "islice[Step]":
        return islice(Story.__iter__(self), self.steps)


def parts(story: Story, count: int) -> list[Part]:
    """The story told up to each of so many places, the last of them its end."""
    steps = sum(1 for _ in story)
    return [Part(story.seed, story.orders, steps=steps * part // count) for part in range(1, count + 1)]


def points(batch: int) -> list[tuple[CrashPoint, int]]:
    """Each point in the projector and how often it has been passed when this batch passes it.

    Two of them are passed twice by each batch: by the engine's parent, and then by the projector.
    """
    twice = [(point, 2 * batch - 1 + second) for point in (RECEIVED, DECODED) for second in (0, 1)]
    return twice + [(point, batch) for point in (BEGUN, WRITTEN, COMMITTED, TOLD)]


@asynccontextmanager
async def installed(data: Path) -> AsyncIterator[Installed]:
    """Postgres with everything in place, and nothing that projects."""
    installation = Installation(opened(data), Config(), partial(make_sources, data))
    postgres = installation.postgres
    assert postgres
    await postgres.start()
    try:
        await installation.settle()
        yield Installed(Settings.load(data))
    finally:
        await postgres.stop()


@asynccontextmanager
async def projector(data: Path, crash_at: str = "", name: str = "projector") -> AsyncIterator[Process]:
    """While the block lasts, or until its crash point."""
    command = ["-m", "app.projector", "--data", str(data), "--name", name]
    environment = {**os.environ, ENVIRONMENT: crash_at}
    process = await asyncio.create_subprocess_exec(sys.executable, *command, env=environment, stderr=DEVNULL)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), SECONDS)


def kill_engine(process: Process) -> None:
    """The projector's child, which is there once it captures something."""
    [engine] = psutil.Process(process.pid).children()
    engine.kill()


async def dies(process: Process) -> None:
    """Waits until its crash point has killed it."""
    assert await asyncio.wait_for(process.wait(), SECONDS) == -SIGKILL

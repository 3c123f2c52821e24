"""Where the time of the gateway goes, in each case of `bench query`: by py-spy where that is there, else by cProfile.

`uv run --with py-spy python -m bench query --profile` has it.
"""

import asyncio
import itertools
import pstats
import shutil
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.load import Result
from bench.machinery import Bench, bench
from bench.questions import ORDERS, QUESTIONS, Question, Reading
from bench.servers import OURS, filled, serving

SHOWN = 25
"""Functions of each case."""
WARM_UP = 1.0
"""Seconds."""


async def measure_profile(seconds: float) -> None:
    """Prints."""
    sampler = shutil.which("py-spy")
    async with bench() as place:
        dsn = await filled(place, "bench_profile", ORDERS)
        for question, reading in itertools.product(QUESTIONS, Reading):
            print(f"\n{question.name} {reading}, by {'py-spy' if sampler else 'cProfile'}")  # noqa: T201
            if sampler:
                await sampled(sampler, place, dsn, question, reading, seconds)
            else:
                await counted(place, dsn, question, reading, seconds)


async def sampled(sampler: str, place: Bench, dsn: str, question: Question, reading: Reading, seconds: float) -> None:
    file = place.data / "samples"
    async with serving(place, dsn, ORDERS, (OURS,)) as (server,):
        await server.measure(question, reading, WARM_UP)
        job = server.job(question, reading, seconds + 1)
        command = [sampler, "record", "--pid", str(server.pid), "--duration", str(max(1, round(seconds)))]
        process = await asyncio.create_subprocess_exec(
            *command, "--format", "raw", "--function", "--output", str(file), stdout=DEVNULL, stderr=DEVNULL
        )
        tell(await server.run(job, question))
        if await process.wait():
            raise RuntimeError("py-spy may not look into a process here: run it as root, or without py-spy")
    for share, name in shares(file.read_text().splitlines())[:SHOWN]:
        print(f"{share:6.1%}  {name}")  # noqa: T201


def shares(stacks: Iterable[str]) -> list[tuple[float, str]]:
    """Of samples as py-spy writes them, `outer;…;inner count`: the share of each function itself, the largest first."""
    found: Counter[str] = Counter()
    for line in stacks:
        frames, _, count = line.rpartition(" ")
        found[frames.rpartition(";")[2]] += int(count)
    return [(count / found.total(), name) for name, count in found.most_common()]


async def counted(place: Bench, dsn: str, question: Question, reading: Reading, seconds: float) -> None:
    file = place.data / "profile"
    async with serving(place, dsn, ORDERS, (OURS,), profile=file) as (server,):
        tell(await server.run(server.job(question, reading, seconds), question))
    show(file)


def tell(found: Result) -> None:
    print(f"{found.answers / found.seconds:.0f} answers/s, {found.failed} failed")  # noqa: T201


def show(file: Path) -> None:
    pstats.Stats(str(file)).strip_dirs().sort_stats("tottime").print_stats(SHOWN)

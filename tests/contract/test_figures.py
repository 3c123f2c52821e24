"""The README's figures are those of bench/results and of docs/soak-report.json, rounded."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bench.report import RESULTS, Case, Report
from tests.controls.serving import ROOT

NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
Row = tuple[str, list[float]]
"""A passage of the README, with {} for each figure, and the figures."""


def words(path: Path) -> str:
    return " ".join(path.read_text().split())


README = words(ROOT / "README.md")
SOAK = json.loads((ROOT / "docs/soak-report.json").read_text())


class Results(dict[str, Case]):
    """Of one bench, by the name of a case."""

    def __init__(self, bench: str) -> None:
        report = msgspec.json.decode(RESULTS.joinpath(f"{bench}.json").read_bytes(), type=Report)
        super().__init__({case.case: case for case in report.cases})

    def ours(self, name: str) -> float:
        return self[name].ours

    def ratio(self, name: str, peer: str) -> float:
        return self[name].ratios[peer].median

    def matching(self, pattern: str) -> list[str]:
        """Names of cases, in their order."""
        return [name for name in self if re.fullmatch(pattern, name)]


START, LATENCY, PROJECT, CAPTURE = map(Results, ("start", "latency", "project", "capture"))
GROWN, GROWTH, REBUILD, QUERY, OVERLOAD = map(Results, ("growth_projector", "growth", "rebuild", "query", "overload"))


def starting() -> Iterator[Row]:
    first = [START.ours(f"{kind} start, first order visible") for kind in ("cold", "warm")]
    yield "can be queried {} s after the command, {} s at a second start", first
    yield "all processes together take {} MB", [START.ours("peak memory, everything")]


def latencies() -> Iterator[Row]:
    for way in ("embedded", "Kafka"):
        for rate in (10, 100, 500):
            case = f"{way}, {rate} changes/s"
            names = [f"{case}, commit to subscriber, {p}" for p in ("p50", "p95", "p99")]
            names += [f"{case}, commit to query, p50", *LATENCY.matching(f"{case}, hop \\d, .*, p50")]
            row = f"| {way}, {rate} a second | {{}} / {{}} / {{}} |" + " {} |" * 6
            yield row, [LATENCY.ours(name) for name in names]


def projecting() -> Iterator[Row]:
    [rate] = PROJECT.matching(r"\d+ changes")
    peers = ("JDBC sink", "JDBC sink by default", "logical replication")
    yield "into one Postgres, {} changes in turns", [float(rate.split()[0])]
    yield (
        "reaches {} of the rate at which Debezium's JDBC sink upserts the rows into plain tables when it is tuned"
        " ({} of the one by default), and {} of logical replication's: {} changes a second here",
        [*(PROJECT.ratio(rate, peer) for peer in peers), PROJECT.ours(rate)],
    )
    cpu = PROJECT["CPU of all"]
    yield (
        "costs {} µs of CPU in all; the sink {}, logical replication {}, reading and decoding alone {}",
        [cpu.ours, *(cpu.peers[peer] for peer in ("JDBC sink", "logical replication", "reading alone"))],
    )
    [streaming], [snapshot] = (CAPTURE.matching(f"{kind} of \\d+ orders") for kind in ("streaming", "snapshot"))
    yield (
        "the projector reaches {} changes a second, {} of the rate at which the engine alone delivers, and {} while",
        [CAPTURE.ours(streaming), CAPTURE.ratio(streaming, "engine alone"), CAPTURE.ours(snapshot)],
    )
    (base,) = {peer for case in GROWN.values() for peer in case.ratios}
    yield "as many orders ({} at first)", [float(base.split()[0])]
    yield "it projects at {} and {} of the rate (`bench growth`)", [GROWN.ratio(name, base) for name in GROWN]


def rebuilding() -> Iterator[Row]:
    names = REBUILD.matching(r"rebuild of \d+ orders, \d+ changes")
    rates = sorted(REBUILD.ours(name) for name in names)
    ratios = sorted(REBUILD.ratio(name, "projector") for name in names)
    yield (
        "reads {} to {} changes of the ledger a second, {} to {} × the projector, in {} MB",
        [rates[0], rates[-1], ratios[0], ratios[-1], max(map(REBUILD.ours, REBUILD.matching(".*: peak .*")))],
    )
    yield "it would take {} minutes", [max(map(REBUILD.ours, REBUILD.matching(".*: so much .*")))]


ASKED = {
    "order page": "page",
    "list of 50 orders": "list of 50",
    "status by number": "status",
    "find by tracking number": "find",
    "board counts": "counts",
    "100 entities for a router": "100 entities",
}
"""What the README calls the bench's operations."""


def asking() -> Iterator[Row]:
    for name, operation in ASKED.items():
        figures = []
        for case in (f"{operation} again, rate", f"{operation} first, rate"):
            figures += [QUERY.ours(case), QUERY.ratio(case, "PostGraphile"), QUERY.ratio(case, "by hand")]
        yield f"| {name} |" + " {} |" * 6, figures
    changing = "page changing, rate"
    yield (
        "changed every second: {}, which is {} × PostGraphile",
        [QUERY.ours(changing), QUERY.ratio(changing, "PostGraphile")],
    )
    again, first = (
        sorted(QUERY.ratio(f"{operation} {kind}, p99", "PostGraphile") for operation in ASKED.values())
        for kind in ("again", "first")
    )
    yield "within {} to {} of the time that PostGraphile takes for 99 of its", [again[0], again[-1]]
    yield "of those asked first, within {} to {}", [first[0], first[-1]]
    grown = [GROWTH.ratio(f"{name}, p50", "50000 orders") for name in ("page", "list of 50", "find")]
    yield "a page takes {} of the time, a list {}, finding a shipment {}", grown
    counted = [GROWTH.ratio(f"{name}, p50", "50000 orders") for name in ("counts", "counts of all")]
    yield "counts of an account {} and counts over all orders {} times as long", counted


def overloading() -> Iterator[Row]:
    kinds = ("page", "list of 50")
    goodput = [OVERLOAD.ratio(f"{kind}, goodput", "peak") for kind in kinds]
    yield "goes on at {} (pages) and {} (lists) of its peak rate", goodput
    refused = [max(OVERLOAD.ours(f"{kind}, refused, {p}") for kind in kinds) for p in ("p50", "p99")]
    yield "half of it within {} ms and 99 of 100 within {} ms", refused
    admitted = [f"{kind}, admitted, p99" for kind in kinds]
    yield (
        "an answer takes at most {} ms, which is {} and {} times as long as at the peak",
        [max(map(OVERLOAD.ours, admitted)), *(OVERLOAD.ratio(name, "at the peak") for name in admitted)],
    )


def soaking() -> Iterator[Row]:
    faults = sum(SOAK["faults"].values())
    yield "(`--minutes {} --seed {} --rate", [SOAK["minutes"], SOAK["seed"]]
    yield (
        "{} kills among {} faults over {} changes and {} commands, and nothing lost",
        [SOAK["kills"], faults, SOAK["changes"], SOAK["commands"]],
    )


FIGURES = dict([*starting(), *latencies(), *projecting(), *rebuilding(), *asking(), *overloading(), *soaking()])


@pytest.mark.parametrize("passage", FIGURES, ids=lambda passage: passage[:40])
def test_the_readme_says_what_was_measured(passage: str) -> None:
    shown = figures(passage)
    assert len(shown) == len(FIGURES[passage])
    wrong = [(said, value) for said, value in zip(shown, FIGURES[passage], strict=True) if not rounded(said, value)]
    assert wrong == []


def figures(passage: str) -> list[str]:
    found = re.search(NUMBER.join(map(re.escape, passage.split("{}"))), README)
    assert found, f"the README does not say: {passage}"
    return list(found.groups())


def rounded(said: str, value: float) -> bool:
    """Whether it is the value, to as many digits as are said; the value itself has three."""
    digits = said.replace(",", "")
    _, _, decimals = digits.partition(".")
    zeros = 0 if decimals else len(digits) - len(digits.rstrip("0"))
    half = 0.5 * 10 ** (min(zeros, max(len(digits) - 2, 0)) - len(decimals))
    return abs(float(digits) - value) <= half * 1.001


@pytest.mark.parametrize(
    ("said", "value", "holds"),
    [
        ("4.9", 4.93, True),
        ("4.9", 4.96, False),
        ("48,500", 48500, True),
        ("48,500", 49000, False),
        ("0.21", 0.207, True),
        ("393", 394, False),
        ("10", 10.5, True),
        ("10", 10.6, False),
    ],
)
def test_rounding(said: str, value: float, holds: bool) -> None:
    assert rounded(said, value) is holds

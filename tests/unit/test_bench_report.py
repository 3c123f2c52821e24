"""The shape of what a bench writes, and its arithmetic."""

import json
from pathlib import Path

import pytest

from bench import report
from bench.report import RESULTS, case, over_rounds, percentiles

KEYS = {"bench", "at", "machine", "versions", "cases"}
CASE = {"case", "unit", "ours", "peers", "ratios"}


def test_a_ratio_is_of_the_same_round() -> None:
    found = case("drain", "changes/s", [10, 30, 20], {"alone": [20, 30, 80]})
    assert (found.ours, found.peers) == (20, {"alone": 30})
    spread = found.ratios["alone"]
    assert (spread.median, spread.min, spread.max) == (0.5, 0.25, 1)


def test_rounds_tell_their_best_and_worst() -> None:
    assert [(each.case, each.ours) for each in over_rounds("start", "s", [3, 1, 2])] == [
        ("start", 2),
        ("start, best", 1),
        ("start, worst", 3),
    ]


def test_percentiles_are_in_milliseconds() -> None:
    found = percentiles("wait", [number / 1000 for number in range(100, 0, -1)])
    assert [(each.case, each.ours) for each in found] == [("wait, p50", 51), ("wait, p95", 96), ("wait, p99", 100)]


def test_the_file_has_the_one_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    report.conclude("trial", [case("drain", "s", [1.0], {"peer": [2.0]})], "18.1")
    shape(tmp_path / "results" / "trial.json")


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_what_is_in_the_repository_has_the_one_shape(path: Path) -> None:
    assert path.stem == shape(path)


def shape(path: Path) -> str:
    found = json.loads(path.read_text())
    assert found.keys() == KEYS
    assert found["machine"].keys() == {"cpu", "cores", "memory_mb", "os"}
    assert {"milepost", "python", "postgres"} <= found["versions"].keys()
    for each in found["cases"]:
        assert each.keys() == CASE
        assert all(ratio.keys() == {"median", "min", "max"} for ratio in each["ratios"].values())
        assert each["ratios"].keys() == each["peers"].keys()
    return str(found["bench"])

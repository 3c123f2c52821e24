"""`milepost soak`: random kills of a whole installation. Checkers C1, C2, C3, C4, C10. Long ones are run by hand."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.soak.run import Plan, Report
from tests.controls.milepost import MILEPOST, SECONDS

PLAN = Plan(seed=4, minutes=0.25, rate=1, every=2.5)


@pytest.fixture(scope="module")
def soaked() -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    data = Path(tempfile.mkdtemp(prefix="milepost-test-"))
    command = [*MILEPOST, "soak", "--minutes", str(PLAN.minutes), "--seed", str(PLAN.seed), "--rate", str(PLAN.rate)]
    command += ["--every", str(PLAN.every), "--json", "--data", str(data)]
    yield data, subprocess.run(command, capture_output=True, text=True, timeout=3 * SECONDS, check=False)
    shutil.rmtree(data, ignore_errors=True)


def test_nothing_is_lost(soaked: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, done = soaked
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["orders"] == PLAN.story.orders
    assert report["changes"] > 0
    assert report["events"] > 0
    assert report["kills"] > 0
    first = Report.__struct_fields__.index("lost")
    assert not any(report[name] for name in Report.__struct_fields__[first:-1]), report


def test_the_history_says_what_was_done(soaked: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    data, _ = soaked
    lines = [json.loads(line) for line in (data / "soak.jsonl").read_text().splitlines()]
    invoked = [line["fault"] for line in lines if line["type"] == "invoke"]
    assert invoked == [fault.name for fault in PLAN.faults]
    assert sorted(invoked) == sorted(line["fault"] for line in lines if line["type"] in ("ok", "fail"))

"""Crash points: a process dies by kill -9 at the named point and nowhere else."""

import os
import signal
import subprocess
import sys

import pytest

from orders.crash import ENVIRONMENT, CrashPoint, crash_here

PROGRAM = """
from orders.crash import *
for _ in range(2):
    for point in CrashPoint:
        print(point, flush=True)
        crash_here(point)
"""


def run(at: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={ENVIRONMENT: at}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.split()


@pytest.mark.parametrize("point", CrashPoint)
def test_dies_at_the_named_point(point: CrashPoint) -> None:
    code, passed = run(point)
    assert code == -signal.SIGKILL
    assert passed == [*list(CrashPoint)[: list(CrashPoint).index(point)], point]


def test_dies_when_it_passes_for_the_count_th_time() -> None:
    code, passed = run("decoded:2")
    assert code == -signal.SIGKILL
    assert passed.count("decoded") == 2


def test_stops_once_if_only_that_is_asked_for() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env={ENVIRONMENT: "decoded:1:SIGSTOP"}, stdout=subprocess.PIPE
    )
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate()
    assert (process.returncode, said.split().count(b"decoded")) == (0, 2)


def test_does_nothing_unasked() -> None:
    for point in CrashPoint:
        crash_here(point)
    assert run("elsewhere")[0] == 0

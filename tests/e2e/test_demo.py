"""The README's first command, as its user runs it."""

import json
import os
import pty
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from app.cluster import free_port
from app.processes import records
from demo.player import Played
from demo.story import Story
from tests.controls.milepost import MILEPOST, SECONDS

ORDERS = 12
SAID = re.compile(r"GraphQL  (?P<url>\S+).*?Token  (?P<token>\S+).*?(?P<queries># 1\..*?# 3\..*?\n\{.*?\n)", re.DOTALL)


def milepost(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [*MILEPOST, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def until_done(data: Path, *more: object) -> dict[str, Any]:
    done = milepost("demo", "--orders", ORDERS, "--until-done", "--json", "--data", data, "--port", free_port(), *more)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def lasting(summary: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in summary.items() if not name.startswith("seconds")}


class Board:
    """What a live demo writes to its terminal."""

    def __init__(self, data: Path, port: int) -> None:
        ours, theirs = pty.openpty()
        command = [*MILEPOST, "demo", "--orders", str(ORDERS), "--rate", "50", "--data", str(data), "--port", str(port)]
        environment = {**os.environ, "COLUMNS": "120", "LINES": "40", "TERM": "xterm"}
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self._screen, self._text = ours, ""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while part := self._some():
            with self._changed:
                self._text += part.decode(errors="replace").replace("\r\n", "\n")
                self._changed.notify_all()

    def _some(self) -> bytes:
        try:
            return os.read(self._screen, 65536)
        except OSError:  # how a terminal says that nobody writes to it any more
            return b""

    def until(self, pattern: "re.Pattern[str]") -> "re.Match[str]":
        """The first match in what was written so far."""
        with self._changed:
            assert self._changed.wait_for(lambda: pattern.search(self._text), SECONDS), self._text[-4000:]
            found = pattern.search(self._text)
        assert found
        return found


@contextmanager
def board(data: Path) -> Iterator[Board]:
    shown = Board(data, free_port())
    try:
        yield shown
    finally:
        shown.process.kill()
        shown.process.wait()


@pytest.fixture(scope="module")
def told(module_data: Path) -> dict[str, Any]:
    """The summary of a first run."""
    return until_done(module_data)


def played(story: Story) -> Played:
    """What a story amounts to, by its own word."""
    found = Played()
    for step in story:
        found = found.plus(step, resumed=False)
    return found


def test_the_story_is_told_and_verified(told: dict[str, Any]) -> None:
    story = played(Story(1, ORDERS))
    assert (told["orders"], told["changes"]) == (ORDERS, story.changes)
    assert (told["verified"], told["dead_letters"]) == (True, 0)
    assert told["feed_events"] > 5 * ORDERS
    assert 0 < told["seconds_to_first_order"] <= told["seconds"]


def test_a_second_start_goes_on_and_says_nothing_twice(told: dict[str, Any], module_data: Path) -> None:
    assert lasting(until_done(module_data)) == lasting(told)


def test_verify_tells_what_became_of_each_change(told: dict[str, Any], module_data: Path) -> None:
    with board(module_data) as shown:
        shown.until(SAID)
        said = milepost("verify", "--demo", "--data", module_data)
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "verified")
    assert said.stdout.count("remainder 0") == 2


def test_another_story_does_not_go_into_the_same_folder(told: dict[str, Any], module_data: Path) -> None:
    refused = milepost("demo", "--seed", 2, "--until-done", "--data", module_data, "--port", free_port())
    assert refused.returncode == 2
    assert refused.stderr.strip().endswith("use a new data folder")


def answered(url: str, token: str, query: str) -> None:
    """Asked until it tells something: the story has only begun."""
    deadline = time.monotonic() + SECONDS
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=SECONDS) as http:
        while not told_something(http.post(url, json={"query": query}).json(), query):
            assert time.monotonic() < deadline, query
            time.sleep(0.1)


def told_something(answer: dict[str, Any], query: str) -> bool:
    assert "errors" not in answer, (query, answer)
    [field] = answer["data"].values()
    return bool(field and field.get("edges", True) and field.get("events", True))


def test_the_live_demo_shows_what_it_promises(data: Path) -> None:
    with board(data) as shown:
        said = shown.until(SAID)
        for query in re.split(r"\n\n(?=# )", said["queries"]):
            answered(said["url"], said["token"], query)
        shown.until(re.compile("Milepost demo.*delivered", re.DOTALL))
        status = milepost("status", "--demo", "--data", data).stdout
        assert all(name in status for name in ("postgres", "projector", "worker", "gateway", "erp", "east"))
        assert milepost("token", "--demo", "--data", data).stdout.count(".") == 2
        left = [psutil.Process(each.pid) for each in records(data / "run")]
        left += [child for each in left for child in each.children(recursive=True)]
        shown.process.send_signal(signal.SIGINT)
        assert shown.process.wait(SECONDS) == 0
    assert not psutil.wait_procs(left, timeout=SECONDS)[1]
    assert "nothing runs" in milepost("status", "--demo", "--data", data).stdout


def test_a_postgres_that_dies_does_not_end_the_story(data: Path) -> None:
    arguments = ["--orders", ORDERS, "--rate", 50, "--until-done", "--json", "--data", data, "--port", free_port()]
    command = [*MILEPOST, "demo", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        eventually(lambda: any(each.name == "gateway" and each.address for each in records(data / "run")))
        [postgres] = [each.pid for each in records(data / "run") if each.name == "postgres"]
        os.kill(postgres, signal.SIGKILL)
        out, err = demo.communicate(timeout=SECONDS)
    assert demo.returncode == 0, err
    assert "postgres was ended by SIGKILL" in err
    assert json.loads(out)["verified"]
    assert json.loads(out)["orders"] == ORDERS


def test_ctrl_c_before_all_is_ready_is_one_line(data: Path) -> None:
    with board(data) as shown:
        eventually(lambda: any(each.name == "postgres" for each in records(data / "run")))
        left = [psutil.Process(each.pid) for each in records(data / "run")]
        shown.process.send_signal(signal.SIGINT)
        assert shown.process.wait(SECONDS) == 2
        said = shown.until(re.compile("^milepost: stopped before everything was ready", re.MULTILINE))
    assert "Traceback" not in said.string
    assert not psutil.wait_procs(left, timeout=SECONDS)[1]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)

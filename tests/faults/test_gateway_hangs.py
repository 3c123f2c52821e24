"""F36: a gateway whose event loop stands still is found out by its silence, killed and started again. C9, C10."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.settings import Config
from tests.controls.waiting import until
from tests.controls.workers import Workers, gateways

PATIENCE = 3
SECONDS = 60
"""Longest wait for a request and for a new process, on a busy machine."""


@pytest.fixture
async def workers(data: Path, database: str) -> AsyncIterator[Workers]:
    async with gateways(data, database, Config(workers=2, hung_after_s=PATIENCE)) as found:
        yield found


async def test_it_is_ended_and_started_again_and_its_clients_are_answered(workers: Workers) -> None:
    """Whoever is connected to the one that hangs waits no longer than that is let hang."""
    stop, answers = asyncio.Event(), Counter[int]()
    before = workers.pids()

    async def client() -> None:
        async with httpx.AsyncClient(timeout=SECONDS) as http:
            while not stop.is_set():
                answers[await workers.ask(http)] += 1

    clients = [asyncio.create_task(client()) for _ in range(6)]

    async def asked() -> bool:
        return answers[200] > 50

    await until(asked, SECONDS)
    hung = before["gateway-1"]
    os.kill(hung, signal.SIGSTOP)

    async def again() -> bool:
        return workers.pids().get("gateway-1", hung) != hung

    await until(again, SECONDS)
    stop.set()
    await asyncio.gather(*clients)
    assert set(answers) == {200}
    assert workers.said[0] == f"gateway-1 (pid {hung}) has hung for {PATIENCE} s: it is killed"
    assert "was ended by SIGKILL" in workers.said[1]
    assert not psutil.pid_exists(hung)
    assert workers.pids()["gateway-2"] == before["gateway-2"]

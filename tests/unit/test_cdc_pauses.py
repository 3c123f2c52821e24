"""F2: what ends as soon as it has begun is tried ever more rarely, and two do not keep the same time."""

import random
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import pytest

from cdc.pauses import Pauses

MOST_A_MINUTE = 31
"""Five while the pauses grow, then one in at least 0.75 × 3 s."""


class Clock:
    """That stands still but for what is slept or done."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("cdc.pauses.time", SimpleNamespace(monotonic=found.monotonic))
    monkeypatch.setattr("cdc.pauses.asyncio", SimpleNamespace(sleep=found.sleep))
    return found


async def tries(clock: Clock, seconds: float, lives: Callable[[int], float]) -> list[float]:
    """When each try began, of something that lives so long each time."""
    pauses, began = Pauses(), list[float]()
    clock.now = 0.0
    while clock.now < seconds:
        began.append(clock.now)
        pauses.begin()
        clock.now += lives(len(began))
        await pauses.wait()
    return began


@pytest.mark.parametrize("seed", range(5))
async def test_tries_a_minute_are_bounded_and_never_end(clock: Clock, seed: int) -> None:
    random.seed(seed)
    began = await tries(clock, 60, lambda _: 0.0)
    assert 60 / 3.75 <= len(began) <= MOST_A_MINUTE
    assert max(after - before for before, after in pairwise(began)) <= 3.75


async def test_two_that_broke_together_do_not_come_back_together(clock: Clock) -> None:
    random.seed(1)
    first, second = [await tries(clock, 60, lambda _: 0.0) for _ in range(2)]
    assert first[0] == second[0]
    assert not {*first[1:]} & {*second[1:]}


async def test_one_that_lived_comes_back_soon(clock: Clock) -> None:
    began = await tries(clock, 60, lambda number: 10.0 if number == 8 else 0.0)
    assert began[8] - began[7] - 10.0 <= 0.125

"""The gate: so many have their turn, so many may wait, the rest is refused."""

import asyncio
from dataclasses import dataclass

import pytest

from gateway.admission import PASSING, BusyError, Gate


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_who_has_no_turn_waits_for_it_in_order() -> None:
    gate = Gate(running=1, patience=10)
    await gate.enter()
    waiting = [asyncio.create_task(gate.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    for number in range(3):
        assert [task.done() for task in waiting] == [n < number for n in range(3)]
        gate.leave()
        await waiting[number]
    gate.leave()
    assert gate.running == 0


async def test_who_waits_too_long_is_refused_and_leaves_no_trace() -> None:
    gate = Gate(running=1, patience=0)
    await gate.enter()
    with pytest.raises(BusyError):
        await gate.enter()
    gate.leave()
    assert gate.running == 0
    await gate.enter()


async def test_a_turn_that_comes_to_one_who_has_gone_is_passed_on() -> None:
    gate = Gate(running=1, patience=10)
    await gate.enter()
    gone, next_ = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    gate.leave()
    gone.cancel()
    await next_
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert gate.running == 1


async def test_who_steps_aside_makes_room_and_need_not_queue_again() -> None:
    gate = Gate(running=1, patience=10)
    gate.arrive()
    await gate.enter()
    with gate.aside():
        assert (gate.here, gate.running) == (0, 0)
        await gate.enter()
    assert (gate.here, gate.running) == (1, 2)
    gate.leave()
    gate.leave()


def test_a_burst_has_more_room_than_a_queue_that_stands() -> None:
    clock = Clock(1000.0)
    gate = Gate(running=4, room=6, burst=10, clock=clock)
    for _ in range(9):
        gate.arrive()
    assert not gate.full
    gate.arrive()
    assert gate.full
    gate.left()
    assert not gate.full
    clock.now += PASSING + 0.01
    assert gate.full
    for _ in range(4):
        gate.left()
    assert not gate.full
    gate.arrive()
    assert gate.full
    for _ in range(5):
        gate.left()
    for _ in range(7):
        gate.arrive()
    assert not gate.full

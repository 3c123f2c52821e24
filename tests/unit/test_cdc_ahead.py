"""Reading ahead: everything comes once and in order, never more than there is room for, and nothing after the end."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cdc.ahead import Polled, read_ahead
from cdc.change import Position, Transaction

MOST = 5


def transaction(number: int) -> Transaction:
    return Transaction("erp", (), Position(1, number, 0), None, 0)


class Polls:
    """Brings so many transactions at each poll, a record each and one more; fails when there are no more."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = list(sizes)
        self.brought = 0

    async def poll(self) -> Polled:
        await asyncio.sleep(0)
        if not self._sizes:
            raise OSError("the broker is away")
        numbers = range(self.brought, self.brought + self._sizes.pop(0))
        self.brought = numbers.stop
        return Polled([transaction(number) for number in numbers], len(numbers) + 1)


async def settled() -> None:
    """Until nothing but a taker could go on."""
    for _ in range(50):
        await asyncio.sleep(0)


async def taken(sizes: Sequence[int], busy: Sequence[bool]) -> list[int]:
    """The logs of what came, by one who is busy or not between two batches, up to the failure."""
    polls, found, turns = Polls(sizes), list[int](), iter(busy)
    async with read_ahead(polls.poll, MOST) as ahead:
        while True:
            try:
                batch = await ahead.take()
            except OSError:
                return found
            found += [each.position.log for each in batch]
            if next(turns, False):
                await settled()
            assert polls.brought - len(found) <= MOST + max(sizes)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.lists(st.booleans(), max_size=12))
def test_all_comes_once_in_order_and_the_failure_behind_it(sizes: list[int], busy: list[bool]) -> None:
    assert asyncio.run(taken(sizes, busy)) == list(range(sum(sizes)))


async def test_what_is_read_ahead_of_a_busy_reader_is_there_at_once_and_bounded() -> None:
    polls = Polls([1] * 100)
    async with read_ahead(polls.poll, MOST) as ahead:
        assert len(await ahead.take()) == 1
        await settled()
        assert polls.brought == 4, "two records each, until there are five"
        assert len(await ahead.take()) == 3
        await settled()
        assert polls.brought == 7


async def test_nothing_is_read_when_the_block_has_ended() -> None:
    polls = Polls([1] * 100)
    async with read_ahead(polls.poll, 1_000) as ahead:
        await ahead.take()
    brought = polls.brought
    await settled()
    assert polls.brought == brought

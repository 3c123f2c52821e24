"""The waiting times of the write path."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from commands.policy import Policy


@given(st.integers(1, 1000))
def test_a_wait_is_between_half_and_the_whole_of_the_doubled_one(attempts: int) -> None:
    policy = Policy()
    full = min(policy.longest, policy.first * 2 ** (attempts - 1))
    assert full / 2 <= policy.delay(attempts).total_seconds() <= full


def test_a_herd_spreads() -> None:
    assert len({Policy().delay(5) for _ in range(20)}) > 10


def test_a_source_may_be_down_for_six_hours() -> None:
    policy = Policy()
    least = sum(min(policy.longest, policy.first * 2**n) / 2 for n in range(policy.attempts - 1))
    most = 2 * least
    assert least < 6 * 3600 < (least + most) / 2


def test_a_lease_outlasts_an_attempt() -> None:
    policy = Policy()
    assert policy.lease > policy.attempt
    assert all(lower < higher for lower, higher in itertools.pairwise((policy.first, policy.poll, policy.longest)))

"""Representations of a router: the short way for those that are alike groups them as the one for all does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.plan.binding import UncompilableError
from gateway.plan.roots import alike, grouped

KEYS = st.one_of(st.sampled_from(["1", "2", ""]), st.integers(), st.none())
REPRESENTATIONS = st.one_of(
    st.fixed_dictionaries(
        {"__typename": st.sampled_from(["Order", "Product", "Nothing"])},
        optional={"id": KEYS, "number": KEYS, "sku": KEYS},
    ),
    st.sampled_from([None, "Order", 7, {}, {"__typename": []}]),
)


@given(st.lists(REPRESENTATIONS, max_size=4) | st.lists(st.just({"__typename": "Order", "id": "1"}), max_size=4))
def test_they_are_grouped_the_same(representations: list[Any]) -> None:
    short = alike(representations)
    if short is not None:
        long = grouped(representations)
        assert {at: (list(places), values) for at, (places, values) in short.items()} == dict(long)


def test_most_take_the_short_way() -> None:
    alike_ones = [{"__typename": "Order", "id": str(n)} for n in range(3)]
    assert alike(alike_ones) == {("Order", "id"): (range(3), ["0", "1", "2"])}
    assert alike([]) is None
    assert alike([*alike_ones, {"__typename": "Product", "sku": "BOLT"}]) is None
    with pytest.raises(UncompilableError):
        grouped([*alike_ones, {"__typename": "Order", "id": 7}])
    assert alike([*alike_ones, {"__typename": "Order", "id": 7}]) is None

"""A change is matched by its order and its turn, however the orders come out."""

import pytest

from bench.hops import Entry, Moments, hops, pairs


def moments(*noted: tuple[str, float]) -> Moments:
    found = Moments()
    for order, at in noted:
        found.orders.append(order)
        found.times[order].append(at)
    return found


WRITTEN = moments(("a", 1), ("b", 2), ("a", 3))
PUSHED = moments(("b", 20), ("a", 21), ("a", 22))


def test_an_orders_changes_come_out_in_their_turn() -> None:
    assert list(pairs(WRITTEN, PUSHED)) == [(1, 21), (2, 20), (3, 22)]


def test_hops_add_up_to_the_whole() -> None:
    entries = {"a": [Entry(2, 4, 7, 11), Entry(4, 5, 7, 11)], "b": [Entry(3, 4, 6, 7)]}
    found = hops(WRITTEN, entries, PUSHED)
    assert [sum(each) for each in zip(*found.values(), strict=True)] == [20, 18, 19]
    assert [each[0] for each in found.values()] == [1, 2, 3, 4, 10]


def test_one_that_did_not_come_out_is_missed() -> None:
    with pytest.raises(IndexError):
        list(pairs(WRITTEN, moments(("a", 21), ("b", 22))))

"""Any interleaving of the sources, any duplicate and any replay: the same graph, and no event twice."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.postgres import Postgres
from cdc.change import Change, Transaction
from demo.story import Story
from orders.graph import ShipmentRow
from orders.states import Milestone
from tests.controls.folding import at_rest, folded, lasting, steps
from tests.controls.story import MAPPINGS, captured_story, run

Streams = dict[str, list[Transaction]]
FEW = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
"""A seed has nothing to shrink."""


@pytest.fixture(scope="module")
def streams(postgres: Postgres) -> Streams:
    return run(captured_story(postgres, "converging", Story(seed=11, orders=20)))[1]


def merged(streams: Streams, turns: list[str]) -> list[Transaction]:
    waiting = {source: iter(found) for source, found in streams.items()}
    return [next(waiting[source]) for source in turns]


def in_turn(streams: Streams) -> list[str]:
    return [source for source, found in streams.items() for _ in found]


@given(seed=st.integers(0, 2**32))
@FEW
def test_any_interleaving_gives_the_same_graph_and_events(streams: Streams, seed: int) -> None:
    turns = in_turn(streams)
    random.Random(seed).shuffle(turns)
    graph, events = folded(merged(streams, turns), MAPPINGS)
    expected, first = folded(merged(streams, in_turn(streams)), MAPPINGS)
    assert graph == expected == at_rest(merged(streams, turns), MAPPINGS)
    assert lasting(events) == lasting(first)


@given(seed=st.integers(0, 2**32))
@FEW
def test_redelivered_transactions_change_nothing(streams: Streams, seed: int) -> None:
    rng, turns = random.Random(seed), in_turn(streams)
    rng.shuffle(turns)
    once = merged(streams, turns)
    again = [t for i, new in enumerate(once) for t in (new, *rng.sample(once[: i + 1], rng.randint(0, 1)))]
    graph, events = folded(once, MAPPINGS)
    assert folded(again, MAPPINGS) == (graph, events)


@given(seed=st.integers(0, 2**32))
@FEW
def test_versions_rise_by_one_and_no_happening_comes_twice(streams: Streams, seed: int) -> None:
    turns = in_turn(streams)
    random.Random(seed).shuffle(turns)
    _, events = folded(merged(streams, turns), MAPPINGS)
    versions: Counter[str] = Counter()
    for event in events:
        versions[event.order_id] += 1
        assert event.version == versions[event.order_id]
    keys = [(event.order_id, event.happening.key) for event in events]
    assert len(keys) == len(set(keys))


@given(seed=st.integers(0, 2**32))
@FEW
def test_clocks_that_are_wrong_change_nothing(streams: Streams, seed: int) -> None:
    """F25: each source's clock is off by up to a day, and jumps. Positions decide; clocks are only shown."""
    rng, right = random.Random(seed), merged(streams, in_turn(streams))
    graph, events = folded((skewed(each, rng) for each in right), MAPPINGS)
    expected, first = folded(right, MAPPINGS)
    assert graph == expected
    assert [(e.order_id, e.version, e.happening.key) for e in events] == [
        (e.order_id, e.version, e.happening.key) for e in first
    ]


def skewed(transaction: Transaction, rng: random.Random) -> Transaction:
    off = timedelta(seconds=rng.randint(-86_400, 86_400))
    changes = [
        replace(c, committed_at=c.committed_at + off, captured_at=c.captured_at - off)
        for c in transaction.changes
        if isinstance(c, Change) and c.committed_at
    ]
    assert len(changes) == len(transaction.changes)
    return replace(transaction, changes=changes)


@given(seed=st.integers(0, 2**32))
@FEW
def test_a_source_that_is_hours_late_ends_in_the_same_graph(streams: Streams, seed: int) -> None:
    """F24: all of one source comes behind all of the others, and some of it twice; no state goes back for it."""
    rng, late = random.Random(seed), random.Random(seed).choice(sorted(streams))
    turns = sorted(in_turn(streams), key=lambda source: source == late)
    once = merged(streams, turns)
    again = [t for new in once for t in (new, *rng.sample(once[: once.index(new) + 1], rng.randint(0, 1)))]
    assert folded(again, MAPPINGS)[0] == folded(merged(streams, in_turn(streams)), MAPPINGS)[0]
    ranks: dict[str, int] = {}
    for changed, _ in steps(again, MAPPINGS):
        for row in changed.values():
            if isinstance(row, ShipmentRow):
                assert row.rank >= ranks.get(row.id, 0), row
                ranks[row.id] = row.rank
    assert max(ranks.values()) >= Milestone.DELIVERED


def test_facts_of_one_source_in_any_order_give_the_same_graph(streams: Streams) -> None:
    """Positions decide, not arrival: even a source's own transactions may come shuffled."""
    transactions = merged(streams, in_turn(streams))
    shuffled = random.Random(3).sample(transactions, len(transactions))
    assert at_rest(shuffled, MAPPINGS) == at_rest(transactions, MAPPINGS)

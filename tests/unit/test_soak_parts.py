"""A soak's schedule comes from its seed alone; its checks find what is wrong."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.soak.checks import Sums, compared
from app.soak.faults import LINES, PROCESSES, Kind, schedule
from app.soak.load import Heard, missing
from demo.auditing import Written

WRITTEN = st.builds(Written, st.sampled_from("123"), st.sampled_from(["public.a", "public.b"]), st.sampled_from("cud"))
HEARD = [Heard(order, version, f"{order}{version}") for version in range(1, 5) for order in "ab"]


@given(st.integers(), st.floats(0, 600), st.floats(0.5, 20))
def test_the_same_seed_brings_the_same_faults(seed: int, seconds: float, every: float) -> None:
    found = schedule(seed, seconds, every)
    assert found == schedule(seed, seconds, every)
    assert len(found) == int(seconds // every)
    for number, fault in enumerate(found):
        assert number * every - 0.01 <= fault.at <= (number + 1) * every + 0.01
        assert fault.target in {*PROCESSES, *LINES, "erp"}
        assert (fault.seconds > 0) == (fault.kind in (Kind.STOP, Kind.HOLD))


def test_every_fault_comes_up() -> None:
    found = {fault.name for fault in schedule(1, 3000, 1)}
    assert {f"kill {name}" for name in PROCESSES} < found
    assert {"stop engine", "stop projector", "cut engine", "cut gateway", "hold erp"} < found
    assert "stop postgres" not in found


@given(st.lists(WRITTEN), st.randoms(use_true_random=False))
def test_transactions_may_overlap(written: list[Written], random: object) -> None:
    transactions = [[each for each in written if each.transaction == name] for name in "123"]
    random.shuffle(transactions)  # type: ignore[attr-defined]
    assert compared(written, [each for changes in transactions for each in changes]) == Sums(len(written))


@given(st.lists(WRITTEN, min_size=1), st.data())
def test_what_is_missing_or_too_much_is_counted(written: list[Written], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(written) - 1))
    one = written[place]
    less = [*written[:place], *written[place + 1 :]]
    assert compared(written, less) == Sums(len(written), lost=1)
    assert compared(written, [*written, one]) == Sums(len(written), duplicated=1)


def test_another_order_inside_of_a_transaction_is_misplaced() -> None:
    one, other = Written("1", "public.a", "c"), Written("1", "public.b", "c")
    assert compared([one, other], [other, one]) == Sums(2, misplaced=1)


@given(st.integers(0, len(HEARD) - 1))
def test_a_subscriber_who_came_later_misses_nothing(first: int) -> None:
    assert missing(HEARD[first:], HEARD) == (0, 0, 0)


@given(st.integers(1, len(HEARD) - 1))
def test_what_was_not_heard_or_twice_is_counted(place: int) -> None:
    heard: Sequence[Heard] = [*HEARD[:place], *HEARD[place + 1 :]]
    assert missing(heard, HEARD) == (1, 0, 0)
    assert missing([*HEARD, HEARD[place]], HEARD)[:2] == (0, 1)
    assert missing([HEARD[0], *reversed(HEARD[1:])], HEARD) == (0, 0, len(HEARD) - 2)
    assert missing([], HEARD) == (len(HEARD), 0, 0)

"""The demo's story: the same every time, in order, and as troubled as it is told to be."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from demo.simulator import Arg, Statement, Step
from demo.statements import STATEMENTS
from demo.story import EPOCH, Story
from demo.trouble import CALM, Trouble, with_rates
from demo.warehouse import sscc
from orders.errors import RejectedError

STEADY = Trouble(**{field.name: 0.2 for field in fields(Trouble)})


def digest(steps: Iterable[Step]) -> str:
    return hashlib.sha256("\n".join(map(repr, steps)).encode()).hexdigest()


def statements(story: Story, name: str) -> list[Statement]:
    return [statement for step in story for statement in step.statements if statement[0] == name]


def count(*names: str) -> Callable[[Story], int]:
    return lambda story: sum(len(statements(story, name)) for name in names)


def scans(*codes: str) -> Callable[[Story], int]:
    return lambda story: sum(args[2] in codes for _, args in statements(story, "scan_add"))


def beyond(usual: int, measure: Callable[[Story], int]) -> Callable[[Story], int]:
    return lambda story: max(0, measure(story) - usual)


def instant(value: Arg) -> datetime:
    assert isinstance(value, datetime)
    return value


def silent_scans(story: Story) -> int:
    return sum(args[6] is None for _, args in statements(story, "scan_add"))


def doubled_scans(story: Story) -> int:
    told = [args[1:9] for _, args in statements(story, "scan_add")]
    return len(told) - len(set(told))


def swapped_scans(story: Story) -> int:
    """Scans that were told before one that had happened earlier, at the same place."""
    by_place: dict[object, list[datetime]] = {}
    for _, args in statements(story, "scan_add"):
        by_place.setdefault((args[1], args[7]), []).append(instant(args[5]))
    return sum(before > after for told in by_place.values() for before, after in pairwise(told))


def stale_scans(story: Story) -> int:
    """Scans that were told more than two hours after they had happened."""
    happened = [(f"{args[5]}{args[6]}", instant(args[9])) for _, args in statements(story, "scan_add")]
    return sum(told - datetime.fromisoformat(at) > timedelta(hours=2) for at, told in happened)


def missing_scans(story: Story) -> int:
    return len(statements(story, "shipment_add")) - scans("AF")(story)


def postings(story: Story) -> list[tuple[datetime, datetime]]:
    """When each shipment left, and when it was posted."""
    left, posted = dict[Arg, datetime](), dict[Arg, datetime]()
    labels = dict[Arg, Arg]()
    for step in story:
        for name, args in step.statements:
            if name == "shipment_add":
                labels[args[0]] = args[5]
            elif name == "shipment_ship":
                left[labels[args[0]]] = step.at
            elif name == "posting_add":
                posted[args[5]] = step.at
    return [(left[tracking], posted[tracking]) for tracking in left]


def posted_early(story: Story) -> int:
    return sum(posted < left for left, posted in postings(story))


def posted_late(story: Story) -> int:
    return sum(posted > left + timedelta(hours=2) for left, posted in postings(story))


HELD, SHORT = replace(CALM, credit_holds=1.0), replace(CALM, backorders=1.0)
ORDERS = 8

SIGNS: dict[str, tuple[Trouble, Callable[[Story], int]]] = {
    "rejections": (CALM, count("order_reject")),
    "credit_holds": (CALM, count("order_hold")),
    "hold_cancels": (HELD, count("order_cancel")),
    "cancelled_orders": (CALM, count("order_cancel")),
    "cancelled_lines": (CALM, count("line_cancel")),
    "promise_changes": (CALM, count("order_promise")),
    "backorders": (CALM, count("line_backorder")),
    "closed_short": (SHORT, count("line_close_short")),
    "own_warehouse": (CALM, beyond(0, lambda story: ORDERS - count("order_receive")(story))),
    "wrong_references": (CALM, count("order_mend", "posting_mend")),
    "short_picks": (CALM, count("release_reduce", "release_drop")),
    "partial_shipments": (CALM, beyond(ORDERS, count("posting_add"))),
    "voided_shipments": (CALM, count("shipment_void")),
    "late_postings": (CALM, posted_late),
    "early_postings": (CALM, posted_early),
    "duplicates": (CALM, doubled_scans),
    "late_scans": (CALM, stale_scans),
    "out_of_order": (CALM, swapped_scans),
    "lost_scans": (CALM, missing_scans),
    "unknown_codes": (CALM, scans("ZQ")),
    "missing_offsets": (CALM, silent_scans),
    "delays": (CALM, scans("SD")),
    "eta_changes": (CALM, count("shipment_eta")),
    "attempts": (CALM, scans("AH")),
    "refusals": (CALM, scans("A7")),
    "disputes": (CALM, count("invoice_dispute")),
    "returns": (CALM, count("return_refund")),
}


def test_the_same_seed_tells_the_same_story() -> None:
    assert digest(Story(7, 50)) == digest(Story(7, 50))
    assert digest(Story(7, 50)) != digest(Story(8, 50))


def test_the_story_does_not_depend_on_the_process() -> None:
    script = "from tests.unit.test_story import *; print(digest(Story(7, 50)))"
    told = {_in_process(script, seed) for seed in ("1", "2")}
    assert told == {digest(Story(7, 50))}


def _in_process(script: str, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": f"Etc/GMT+{hash_seed}"}
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_steps_come_in_the_order_of_the_virtual_clock() -> None:
    times = [step.at for step in Story(1, 40, STEADY)]
    assert times[0] == EPOCH
    assert times == sorted(times)


def test_no_step_is_empty() -> None:
    assert all(step.statements for step in Story(1, 40, STEADY))


def test_the_story_uses_every_statement_and_gives_each_its_arguments() -> None:
    used = {(step.system, name, len(args)) for step in Story(1, 300, STEADY) for name, args in step.statements}
    known = {
        (system, name, len(set(re.findall(r"\$\d+", sql))))
        for system, of_system in STATEMENTS.items()
        for name, sql in of_system.items()
    }
    assert used == known


@pytest.mark.parametrize("name", [field.name for field in fields(Trouble)])
def test_a_rate_of_one_shows_and_a_rate_of_zero_does_not(name: str) -> None:
    base, sign = SIGNS[name]
    assert sign(Story(5, ORDERS, replace(base, **{name: 0.0}))) == 0
    assert sign(Story(5, ORDERS, replace(base, **{name: 1.0}))) > 0


def test_all_rates_at_one_end_too() -> None:
    everything = Trouble(**{field.name: 1.0 for field in fields(Trouble)})
    assert len(statements(Story(1, 5, everything), "order_enter")) == 5
    assert len(list(Story(1, 5, replace(everything, rejections=0.0, hold_cancels=0.0, cancelled_orders=0.0)))) > 100


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_rate_is_a_probability(rate: float) -> None:
    with pytest.raises(ValueError, match="duplicates"):
        Trouble(duplicates=rate)


def test_rates_are_said_by_name() -> None:
    assert with_rates([]) == Trouble()
    assert with_rates(["all=0"]) == CALM
    assert with_rates(["all=0", "late-scans=0.5"]) == replace(CALM, late_scans=0.5)


@pytest.mark.parametrize("said", ["late_scans=2", "late_scans=often", "late_scans", "late_scans=nan"])
def test_what_is_no_rate_is_said(said: str) -> None:
    with pytest.raises(RejectedError, match=r"^--trouble late_scans=.*from 0 to 1$"):
        with_rates([said])


def test_an_unknown_rate_is_said_with_those_there_are() -> None:
    with pytest.raises(RejectedError, match=r"^--trouble storms: no such rate; there are all, .*late_scans"):
        with_rates(["storms=1"])


def test_another_seed_count_or_trouble_is_another_story() -> None:
    stories = [Story(1, 10), Story(2, 10), Story(1, 11), Story(1, 10, CALM), Story(1, 10, start=EPOCH - timedelta(1))]
    assert len({story.name for story in stories}) == len(stories)


def test_an_order_takes_about_twenty_transactions() -> None:
    steps = list(Story(1, 400))
    assert 18 <= len(steps) / 400 <= 26
    assert 40 <= sum(len(step.statements) for step in steps) / 400 <= 56


def test_check_digit_of_the_container_code() -> None:
    # GS1's own example of an SSCC: 0 0614141 123456789 0
    assert sscc(123_456_789) == "006141411234567890"

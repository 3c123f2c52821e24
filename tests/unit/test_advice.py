"""What is said of a source that needs something, and of one that does not."""

from datetime import UTC, datetime

import pytest

from app.capture import slot_of
from app.settings import KafkaConfig, SourceSettings
from cdc.advice import MEGABYTE, Limits, advice
from cdc.capture import Healed, SlotHealth, SourceLag, State

FINE = SourceLag("erp", State.STREAMING, None, 1, 0, None, SlotHealth("reserved", 0, None, None))
MOST, KEPT = 100 * MEGABYTE, 1_000 * MEGABYTE
HEALED = Healed(datetime(2026, 1, 1, tzinfo=UTC), "its slot was lost")


def told(
    state: State = State.STREAMING,
    behind: int | None = 0,
    slot: SlotHealth | None = FINE.slot,
    healed: Healed | None = None,
    drops: bool = False,
) -> str | None:
    lag = SourceLag("erp", state, None, 1, behind, None, slot, healed)
    return advice(lag, "milepost_erp", Limits(MOST, KEPT, drops))


@pytest.mark.parametrize("behind", [None, 0, MOST])
def test_nothing_of_a_source_that_is_well(behind: int | None) -> None:
    assert told(behind=behind) is None


def test_more_behind_than_allowed() -> None:
    said = told(behind=MOST + 1)
    assert said is not None
    assert said.startswith("100 MB behind")
    assert "pg_drop_replication_slot('milepost_erp')" in said


def test_a_source_without_a_slot_is_not_to_drop_one() -> None:
    """A MariaDB keeps its log for nobody."""
    lag = SourceLag("west", State.STREAMING, None, 1, MOST + 1, None)
    said = advice(lag, "", Limits(MOST, KEPT, drops=False))
    assert said == "100 MB behind: see why the projector lags (milepost status), before the source drops that log"


@pytest.mark.parametrize(
    ("topics", "slot"), [(None, "milepost_erp"), ("milepost", "milepost_erp"), ("eu-1", "eu_1_erp")]
)
def test_the_slot_that_is_named_is_the_one_that_is_read(topics: str | None, slot: str) -> None:
    source = SourceSettings("erp", "erp_legacy", "postgresql://u:p@h:5432/erp")
    assert slot_of(source, KafkaConfig("kafka:9092", topics) if topics else None) == slot
    assert slot_of(SourceSettings("west", "wms_west", "mariadb://u:p@h:3306/wms"), None) == ""


@pytest.mark.parametrize(
    ("safe", "seconds", "says"),
    [
        (None, None, None),
        (5_000_000, None, None),
        (5_000_000, 3600.0, None),
        (5_000_000, 3599.0, "the source drops log that we need in 60 min"),
        (0, None, "the source may drop log that we need at any moment"),
    ],
)
def test_log_that_the_source_will_drop(safe: int | None, seconds: float | None, says: str | None) -> None:
    said = told(slot=SlotHealth("extended", 0, safe, seconds))
    assert (said is None) if says is None else (said or "").startswith(says)


@pytest.mark.parametrize(("drops", "says"), [(True, "the slot is given up"), (False, "pg_drop_replication_slot")])
def test_more_kept_than_allowed(drops: bool, says: str) -> None:
    kept = SlotHealth("reserved", KEPT * 8 // 10, None, None)
    assert told(slot=kept, drops=drops) is None
    said = told(slot=SlotHealth("reserved", KEPT * 9 // 10, None, None), drops=drops)
    assert said is not None
    assert said.startswith("900 MB of log are kept for us there, 1000 are allowed")
    assert says in said


def test_danger_comes_before_lag() -> None:
    assert "at any moment" in (told(behind=MOST + 1, slot=SlotHealth("unreserved", 0, 0, None)) or "")


@pytest.mark.parametrize("status", ["lost", "absent"])
def test_a_lost_slot_heals_by_itself(status: str) -> None:
    assert (told(behind=MOST + 1, slot=SlotHealth(status, None, None, None)) or "").startswith("nothing:")


def test_a_failure_comes_first() -> None:
    assert (told(State.FAILED, MOST + 1) or "").startswith("mend what it says")


def test_a_snapshot_that_heals() -> None:
    assert (told(State.SNAPSHOTTING, healed=HEALED) or "").startswith("nothing: a snapshot is being taken")
    assert told(State.SNAPSHOTTING) is None

"""What to do about a source, in one line; nothing where nothing is to be done."""

from typing import NamedTuple

from cdc.capture import SlotHealth, SourceLag, State

MEGABYTE = 1_000_000
SOON = 3600.0
"""Seconds within which the loss of a source's log is worth a word."""
ALARM = 0.8
"""Of what a source may keep for us: above it is said what will happen."""


class Limits(NamedTuple):
    """In bytes: the lag that is still nothing to speak of, and the most that a source may keep for us.

    `drops`: when that is too much, our own slot is given up.
    """

    behind: int
    kept: int
    drops: bool


def advice(lag: SourceLag, slot_name: str, limits: Limits) -> str | None:
    """A source that keeps no log for us has no slot: an empty name."""
    slot = lag.slot
    if lag.state is State.FAILED and lag.given_up:
        return "nothing: a snapshot reads it anew once the projector has done with what it has (milepost status)"
    if lag.state is State.FAILED:
        return "mend what it says; capture tries again by itself every few seconds"
    if lag.state is State.SNAPSHOTTING and lag.healed:
        return "nothing: a snapshot is being taken; until its end readers see the last state, marked as stale"
    if slot and slot.status in ("lost", "absent"):
        return "nothing: what it lost is read anew by a snapshot"
    if slot and (danger := _danger(slot)):
        return f"{danger}; raise max_slot_wal_keep_size there, or see why the projector lags (milepost status)"
    if slot and slot.kept is not None and slot.kept > ALARM * limits.kept:
        return f"{slot.kept // MEGABYTE} {_too_much(limits, slot_name)}"
    if lag.bytes_behind is not None and lag.bytes_behind > limits.behind:
        behind = f"{lag.bytes_behind // MEGABYTE} MB behind: see why the projector lags (milepost status)"
        return f"{behind}{_for_good(slot_name)}"
    return None


def _for_good(slot_name: str) -> str:
    if not slot_name:
        return ", before the source drops that log"
    gone = "if Milepost is gone for good, free the source's disk"
    return f"; {gone}: select pg_drop_replication_slot('{slot_name}')"


def _too_much(limits: Limits, slot_name: str) -> str:
    allowed = f"MB of log are kept for us there, {limits.kept // MEGABYTE} are allowed: see why the projector lags"
    if limits.drops:
        return f"{allowed} (milepost status); beyond that the slot is given up, and a snapshot follows"
    return f"{allowed}, or free the source's disk: select pg_drop_replication_slot('{slot_name}'), a snapshot follows"


def _danger(slot: SlotHealth) -> str | None:
    if slot.safe is None:
        return None
    if slot.safe <= 0:
        return "the source may drop log that we need at any moment"
    if slot.safe_seconds is not None and slot.safe_seconds < SOON:
        return f"the source drops log that we need in {slot.safe_seconds / 60:.0f} min at the rate of late"
    return None

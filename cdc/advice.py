"""What to do about a source, in one line; nothing where nothing is to be done."""

from cdc.capture import SlotHealth, SourceLag, State

MEGABYTE = 1_000_000
SOON = 3600.0
"""Seconds within which the loss of a source's log is worth a word."""


def advice(lag: SourceLag, slot_name: str, most_behind: int) -> str | None:
    """`most_behind` is the lag in bytes that is still nothing to speak of."""
    slot = lag.slot
    if lag.state is State.FAILED:
        return "mend what it says; capture tries again by itself every few seconds"
    if lag.state is State.SNAPSHOTTING and lag.healed:
        return "nothing: a snapshot is being taken; until its end readers see the last state, marked as stale"
    if slot and slot.status in ("lost", "absent"):
        return "nothing: what it lost is read anew by a snapshot"
    if slot and (danger := _danger(slot)):
        return f"{danger}; raise max_slot_wal_keep_size there, or see why the projector lags (milepost status)"
    if lag.bytes_behind is not None and lag.bytes_behind > most_behind:
        return (
            f"{lag.bytes_behind // MEGABYTE} MB behind: see why the projector lags (milepost status); if Milepost is "
            f"gone for good, free the source's disk: select pg_drop_replication_slot('{slot_name}')"
        )
    return None


def _danger(slot: SlotHealth) -> str | None:
    if slot.safe is None:
        return None
    if slot.safe <= 0:
        return "the source may drop log that we need at any moment"
    if slot.safe_seconds is not None and slot.safe_seconds < SOON:
        return f"the source drops log that we need in {slot.safe_seconds / 60:.0f} min at the rate of late"
    return None

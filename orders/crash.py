"""Named points at which a test may kill this process, as a power cut would."""

import os
import signal
from collections import Counter
from enum import StrEnum

ENVIRONMENT = "MILEPOST_CRASH_AT"
"""`name`, or `name:count` to die when it is passed for the count-th time; `name:count:SIGSTOP` only stops there."""


class CrashPoint(StrEnum):
    """Every place where a kill could lose or double something: one between any two durable steps."""

    RECEIVED = "received"
    DECODED = "decoded"
    FOLDED = "folded_ahead"
    BEGUN = "transaction_begun"
    WRITTEN = "rows_written"
    COMMITTED = "committed"
    TOLD = "source_told"
    KEPT = "told_events_kept"
    DROPPED = "partition_dropped"
    COMMAND_ACCEPTED = "command_accepted"
    COMMAND_SENDING = "command_sending"
    COMMAND_SENT = "command_sent"
    COMMAND_MARKED = "command_marked"
    REBUILD_STAGED = "rebuild_staged"
    REBUILD_DERIVED = "rebuild_derived"
    REBUILD_FACTS = "rebuild_facts"
    REBUILD_ROWS = "rebuild_rows"
    REBUILD_COMPARED = "rebuild_compared"
    REBUILD_SWAPPING = "rebuild_swapping"
    REBUILD_SWAPPED = "rebuild_swapped"


_AT, _COUNT, _SIGNAL = [*os.environ.get(ENVIRONMENT, "").split(":"), "", ""][:3]
_passed: Counter[str] = Counter()


def crash_here(point: CrashPoint) -> None:
    """Kill -9 or stop this process if the environment asks for it at this point; else nothing."""
    if _AT and point == _AT:
        _passed[point] += 1
        if _passed[point] == int(_COUNT or 1):
            os.kill(os.getpid(), signal.Signals[_SIGNAL or "SIGKILL"])

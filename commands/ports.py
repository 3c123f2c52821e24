"""What the write path asks of a source system; its adapters implement it."""

from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from msgspec import Struct

from orders.errors import TransientError

EffectKey = NewType("EffectKey", str)
"""A command's id as the source keeps it: at most one effect there carries it. At most 64 characters."""


class HoldReason(StrEnum):
    CREDIT = "CREDIT"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"


class Applied(Struct, frozen=True):
    """The source has the effect, durably, since `at` (aware)."""

    at: datetime


class Rejected(Struct, frozen=True):
    """The source's rules do not allow it and nothing was changed; `reason` is for people."""

    reason: str


Outcome = Applied | Rejected


class UnknownOutcomeError(TransientError):
    """The effect may or may not be there: read back before sending again."""


class OrderHolds(Protocol):
    """Holds on the orders of one source.

    A second call with the same command has no second effect and gives the first one's `Applied`.
    Raises TransientError when nothing was changed and UnknownOutcomeError when nobody knows.
    """

    async def hold(
        self, order_number: str, command: EffectKey, reason: HoldReason, note: str | None, user: str
    ) -> Outcome: ...

    async def release(self, order_number: str, command: EffectKey, note: str | None, user: str) -> Outcome: ...

    async def find(self, command: EffectKey) -> Applied | None:
        """Read back: the command's effect, or None when the source does not have it."""
        ...

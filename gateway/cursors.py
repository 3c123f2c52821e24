"""Opaque places: base64url of a version tag and what it holds. What was not made here is refused."""

import base64
import binascii
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from orders.errors import RejectedError

_FEED = "feed1"
_NODE = "node1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BIGGEST = 2**63 - 1


class By(StrEnum):
    """What a list of orders is sorted by; the values are in its cursors."""

    ORDERED = "order1"
    EVENT = "event1"
    PROMISE = "promise1"


class OrderPlace(NamedTuple):
    """Where an order stands in the list of orders: a day if that is sorted by the promise, else an instant."""

    at: date | None
    id: str


def feed_cursor(position: int) -> str:
    """A place in the feed: behind the event at `position`."""
    return _encode(_FEED, str(position))


def encoded(text: str) -> str:
    """SQL for the token of a tag, a colon and a text, which the SQL `text` works out."""
    return f"translate(encode(convert_to({text}, 'UTF8'), 'base64'), E'+/=\\n', '-_')"


FEED_CURSOR = encoded(f"'{_FEED}:' || {{position}}")
"""As feed_cursor, in SQL."""


def feed_position(cursor: str) -> int:
    """Raises RejectedError."""
    text = _decode(_FEED, cursor)
    # Length first: int() refuses thousands of digits with an error of its own.
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > _BIGGEST:
        raise _bad(cursor)
    return int(text)


def order_cursor(place: OrderPlace, by: By = By.ORDERED) -> str:
    return _encode(by, f"{'' if place.at is None else _written(place.at)}:{place.id}")


def order_place(cursor: str, by: By = By.ORDERED) -> OrderPlace:
    """Raises RejectedError, also for a cursor of a list that is sorted otherwise."""
    text, colon, order_id = _decode(by, cursor).partition(":")
    try:
        at = _read(text, by) if text else None
    except (ValueError, OverflowError):
        raise _bad(cursor) from None
    if not colon or "\0" in order_id:
        raise _bad(cursor)
    return OrderPlace(at, order_id)


def _written(at: date) -> str:
    return str((at - _EPOCH) // _MICROSECOND) if isinstance(at, datetime) else at.isoformat()


def _read(text: str, by: By) -> date:
    return date.fromisoformat(text) if by is By.PROMISE else _EPOCH + int(text) * _MICROSECOND


def global_id(kind: str, key: str) -> str:
    """Of the thing of that type with that key."""
    return _encode(_NODE, f"{kind}:{key}")


def global_name(token: str) -> tuple[str, str]:
    """The type and the key. Raises RejectedError."""
    try:
        kind, _, key = _decode(_NODE, token).partition(":")
    except RejectedError:
        problem = f"not a globalId: {token[:80]!r}; by its own id a thing is asked for as order(id: …), shipment(id: …)"
        raise RejectedError(problem) from None
    return kind, key


GLOBAL_ID = encoded(f"'{_NODE}:{{kind}}:' || {{key}}")
"""As global_id, in SQL."""


def is_feed_cursor(token: str) -> bool:
    """Whether the token looks like one, so that a command's id can be told from it."""
    return token.startswith(_encode(_FEED, ""))


def _encode(tag: str, text: str) -> str:
    return base64.urlsafe_b64encode(f"{tag}:{text}".encode()).decode().rstrip("=")


def _decode(tag: str, cursor: str) -> str:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, _, text = raw.decode().partition(":")
    except (binascii.Error, ValueError):
        raise _bad(cursor) from None
    if found != tag or _encode(tag, text) != cursor:
        raise _bad(cursor)
    return text


def _bad(cursor: str) -> RejectedError:
    return RejectedError(f"not a cursor of this kind: {cursor[:80]!r}")

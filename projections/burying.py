"""Changes that nobody can use, as dead letters."""

import msgspec

from cdc.change import Broken, Change, Position
from orders.errors import PoisonError
from orders.facts import Doc, Ident
from projections.batch import DeadLetter, Kind
from projections.text import doc_text
from projections.writer import json_text


def unreadable(broken: Broken) -> DeadLetter:
    return DeadLetter(broken.source, broken.table, "", broken.position, broken.raw, Kind.UNREADABLE, broken.reason)


def unmapped(change: Change, error: Exception) -> DeadLetter:
    if not isinstance(error, PoisonError):
        return _letter(change, Kind.UNMAPPED, f"{type(error).__name__}: {error}")
    doc = error.doc if isinstance(error.doc, Doc) else None
    return _letter(change, Kind.UNMAPPED, error.reason, doc, error.ident if isinstance(error.ident, Ident) else None)


def refused(change: Change, reason: str) -> DeadLetter:
    return _letter(change, Kind.REFUSED, f"Postgres refused it: {reason}")


def rejected(change: Change, doc: Doc | None, error: Exception) -> DeadLetter:
    reason = f"what follows from it cannot be derived: {type(error).__name__}: {error}"
    return _letter(change, Kind.UNDERIVABLE, reason, doc)


def underivable(source: str, position: Position, doc: Doc) -> DeadLetter:
    """Of a tree that a snapshot or a rebuild brought: no single change is at fault, and its order is not shown."""
    reason = f"nothing can be derived of {doc_text(doc)} as it was brought together: the log of whoever tried says why"
    return DeadLetter(source, "", "r", position, b"", Kind.UNDERIVABLE, reason, None, doc)


def _letter(change: Change, kind: Kind, reason: str, doc: Doc | None = None, ident: Ident | None = None) -> DeadLetter:
    key = json_text(change.key)
    return DeadLetter(
        change.source, change.table, change.op.value, change.position, raw_of(change), kind, reason, key, doc, ident
    )


def raw_of(change: Change) -> bytes:
    parts = {name: json_text(getattr(change, name)) for name in ("key", "before", "after")}
    return msgspec.json.encode({name: text and msgspec.Raw(text) for name, text in parts.items()})

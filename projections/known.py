"""What is known under a fact's key, and what of it is to be stored yet."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from cdc.change import Position
from orders.facts import Body, Doc, Fact
from orders.values import Value
from projections.edges import Moved

Key = tuple[str, str]
"""A fact's source and key."""


class Known(Value, frozen=True):
    fact: Fact
    position: Position


class Unsaved(NamedTuple):
    """What came or changed in memory since it was as stored. `left`: as in the store."""

    added: Sequence[tuple[Key, Known]] = ()
    changed: Sequence[tuple[Key, Known]] = ()
    claims: Moved = Moved()
    links: Moved = Moved()
    left: Sequence[tuple[Doc, str, Position]] = ()


def completed(fact: Fact, old: Body | None) -> Fact:
    """The fact with the fields that its change left out as they were; None where nothing was known."""
    if fact.body is None:
        return fact
    missing = [name for name in fact.body.__struct_fields__ if getattr(fact.body, name) is UNSET]
    body: Body = replace(fact.body, **{name: getattr(old, name, None) for name in missing})
    return replace(fact, body=body, partial=False)


def same_place(one: Fact, other: Fact) -> bool:
    """Whether two facts of one key hang in the same place, so that only the body may differ."""
    return (
        one.body is not None
        and other.body is not None
        and one.doc == other.doc
        and one.claims == other.claims
        and one.belongs_to == other.belongs_to
    )

"""What all values of this package have in common."""

from msgspec import Struct


class Value(Struct, frozen=True, gc=False):
    """Never changes and refers to nothing that refers back, so the garbage collector need not look at it."""

"""What all values of this package have in common."""

from collections.abc import Callable
from decimal import Context, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from functools import wraps
from typing import ParamSpec, TypeVar

from msgspec import Struct

Params = ParamSpec("Params")
T = TypeVar("T")
EXACT = Context(prec=200, traps=[Inexact, Overflow, InvalidOperation, DivisionByZero])
"""Python rounds to 28 digits; Postgres has numbers with more."""


def exactly(work: Callable[Params, T]) -> Callable[Params, T]:
    """Nothing is rounded in it: raises decimal.Inexact for what has more than 200 digits."""

    @wraps(work)
    def worked(*args: Params.args, **kwargs: Params.kwargs) -> T:
        with localcontext(EXACT):
            return work(*args, **kwargs)

    return worked


class Value(Struct, frozen=True, gc=False):
    """Never changes and refers to nothing that refers back, so the garbage collector need not look at it."""

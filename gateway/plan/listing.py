"""Lists that are a statement of gateway/sql, of which the conditions that ask for nothing are left out."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gateway.plan.binding import Arguments, Bound, Placed, UncompilableError, sound
from gateway.plan.compiler import Compiler, object_type
from gateway.statements import SQL
from orders.errors import RejectedError

_CONDITION = re.compile(r"\(\$(\d+)::([\w\[\]]+) is null or (.*)\)$", re.MULTILINE)
_PARAMETER = re.compile(r"\$(\d+)")


def conditions_in(statement: str) -> Mapping[int, str]:
    """The number of a parameter that may be null → what it asks for; {0} is the value."""
    return {
        int(number): _PARAMETER.sub(f"{{0}}::{kind}", f"({condition})")
        for number, kind, condition in _CONDITION.findall(SQL[statement])
    }


class Listing(NamedTuple):
    """All rows of a statement, whose parameters the `values` are. Where one is None, its condition is left out."""

    statement: str
    values: Callable[[Arguments], Sequence[object]] = lambda _: ()

    def bind(self, arguments: Arguments) -> Bound:
        try:
            values = [sound(value) for value in self.values(arguments)]
        except RejectedError as error:
            raise UncompilableError(str(error)) from None
        used = tuple(number for number, value in enumerate(values, 1) if value is not None)
        return Bound(used, [values[number - 1] for number in used])

    def sql(self, compiler: Compiler, at: Placed) -> str:
        places = {number: f"${at.first + place}" for place, number in enumerate(at.variant)}
        rows = _CONDITION.sub(lambda found: f"({found[3]})" if int(found[1]) in places else "true", SQL[self.statement])
        rows = _PARAMETER.sub(lambda found: places[int(found[1])], rows)
        return compiler.all(rows, object_type(at.kind), at.details)

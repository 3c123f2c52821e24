"""Fields that have arguments and are no root fields."""

from typing import NamedTuple

from gateway.plan.binding import Arguments, Binder, Bound, Placed, UncompilableError
from gateway.plan.compiler import Compiler, object_type
from gateway.plan.order_list import Orders
from gateway.statements import SQL
from gateway.tables import Latest, Pages


class LatestOf(NamedTuple):
    """The latest rows of a parent: its statement has the parents in $1 and how many of each in $2."""

    mapping: Latest

    def bind(self, arguments: Arguments) -> Bound:
        size = arguments.get(self.mapping.argument, self.mapping.default)
        if size is None or not 1 <= size <= self.mapping.most:
            raise UncompilableError("it asks for too many, or for none")
        return Bound((), (size,))

    def sql(self, compiler: Compiler, at: Placed) -> str:
        parent = f"(values ({at.row}.{self.mapping.key}))"
        rows = SQL[self.mapping.batch().statement].replace("unnest($1::text[])", parent).replace("$2", f"${at.first}")
        return compiler.all(compiler.within(rows), object_type(at.kind), at.details)


def binder_of(mapping: object) -> Binder | None:
    """Of the field that lies so in the tables."""
    match mapping:
        case Latest():
            return LatestOf(mapping)
        case Pages():
            return Orders(mapping)
    return None

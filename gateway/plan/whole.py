"""The one statement that answers all root fields of an operation that compile."""

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from graphql import is_non_null_type

from gateway.plan.binding import Bound, UncompilableError
from gateway.plan.compiler import Compiler
from gateway.plan.documents import Operation, Root, Roots, rest_of
from gateway.plan.subjects import tables_read
from gateway.visibility import limited

AllBound = Mapping[str, Sequence[Bound] | str]
"""Response key → what its arguments make of the root and what is below it; or why it does not compile."""


class Statement(NamedTuple):
    """`scoped`: its last parameter is the caller's scope. `reads` is as `tables_read` gives it; `found` is a query for
    more subjects, with the statement's parameters.

    `keys` are all response keys of the operation, in order. Those in `reasons` are not in the statement, for the reason
    that stands there; the document `rest` asks for them.
    """

    sql: str
    scoped: bool
    reads: frozenset[str] | None
    found: str | None
    keys: Sequence[str]
    reasons: Mapping[str, str]
    rest: str | None

    def lacks(self, data: bytes) -> bool:
        """Whether something is missing in the answer: the ordinary way says what."""
        return not data


def compiled(compiler: Compiler, operation: Operation, roots: Roots, bound: AllBound, *, single: bool) -> Statement:
    values, reasons = dict[str, str](), dict[str, str]()
    for key, each in bound.items():
        if isinstance(each, str):
            reasons[key] = each
            continue
        try:
            values[key] = compiler.root(roots[key].sites, each)
        except UncompilableError as error:
            reasons[key] = str(error)
    if not values:
        return Statement("", False, None, None, list(roots), reasons, None)
    sql = whole(values, {key for key in values if is_certain(roots[key])})
    found = " union all ".join(compiler.found) or None
    rest = rest_of(operation, [roots[key].details for key in reasons]) if reasons else None
    limit = limited(sql, compiler.role, compiler.parameters + 1, single=single)
    return Statement(*limit, tables_read(sql), found, list(roots), reasons, rest)


def is_certain(root: Root) -> bool:
    field = root.sites[0].field
    return field is not None and is_non_null_type(field.type)


def whole(roots: Mapping[str, str], certain: Container[str]) -> str:
    """The statement that answers all these root fields: response key → the query for its value.

    Where one that is `certain` to have a value has none, the answer is empty: the ordinary way says why.
    """
    texts = {key: f"({sql})::text" for key, sql in roots.items()}
    fields = [
        f"""'"{key}":' || {text if key in certain else f"coalesce({text}, 'null')"}""" for key, text in texts.items()
    ]
    return f"""select coalesce(textsend('{{' || {" || ',' || ".join(fields)} || '}}'), '')"""

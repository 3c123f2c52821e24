"""How fields lie in the graph's tables. Said once, on the field: its resolver and its SQL come of the same words.

A field that says nothing and has no resolver is the column of its name.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.loading import Batch

KEY = "plan"
"""Under which a field's metadata has its mapping."""


class Relation(NamedTuple):
    """The rows of a batch whose parent is the row's column `key`: all of them, or the first.

    `cast` follows a column that is no text.
    """

    batch: Callable[[], Batch[Any]]
    key: str
    many: bool
    cast: str = ""


class Shown(NamedTuple):
    """The list of these rows: SQL over what the statement of the root field has made."""

    sql: str


class Expression(NamedTuple):
    """SQL that is worked out of the row `{t}`."""

    sql: str


class Part(NamedTuple):
    """An object in the same row: its fields' SQL, or, where nothing is said, columns; null where `null_if` is."""

    fields: Mapping[str, str]
    null_if: str | None = None


class Latest(NamedTuple):
    """The latest rows of a batch whose parent is the column `key`: as many as `argument` says, at most `most`."""

    batch: Callable[[], Batch[Any]]
    key: str
    argument: str
    default: int
    most: int


class Pages(NamedTuple):
    """A page of the list of orders, of those whose `column` is the row's column `key`; the arguments are the list's."""

    column: str
    key: str


class Choice(NamedTuple):
    """An object of one of several types: the column `kind` names it, the column `key` identifies it.

    `kinds` are the names with the types' names in the schema, and how their objects are found.
    """

    kind: str
    key: str
    kinds: Callable[[], Mapping[str, tuple[str, Batch[Any]]]]

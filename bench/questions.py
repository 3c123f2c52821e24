"""What is asked: operations of bench/graphql and bench/sql, of orders as bench/sql/orders.sql makes them.

*Again*: about the 200 orders of one account, over and over, as that customer. *First*: each request is about another
order, as a service, and comes again so late that no answer to it can have been kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from graphql import OperationDefinitionNode, parse, print_ast

from orders.statements import complete, named_statements, parts

ORDERS = 50_000
CUSTOMERS = 250
OWN = range(7, 7 + 200 * CUSTOMERS, CUSTOMERS)
"""The orders of the account that asks again."""
ACCOUNT = "C7"
BATCH = 100
"""Entities that are asked for at once."""
STEP, SPREAD = 7919, 331
"""Primes, by which orders that are asked one after the other, or at once, lie apart."""
BEGUN, APART = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=7)


class Reading(StrEnum):
    AGAIN = "again"
    FIRST = "first"


class Question(NamedTuple):
    """`again` and `first` name the operations. `most` is more than anybody answers in a second."""

    name: str
    again: str
    first: str
    most: int = 25_000

    def operation(self, reading: Reading) -> str:
        return self.again if reading is Reading.AGAIN else self.first


QUESTIONS = (
    Question("page", "page", "page"),
    Question("list of 50", "list", "list_before"),
    Question("status", "status", "status"),
    Question("find", "find", "find"),
    Question("counts", "counts", "counts_before"),
    Question("100 entities", "entities", "entities", 5_000),
)
PAGE, LIST, _, FIND, COUNTS, _ = QUESTIONS
BOARD = Question("counts of all", "board", "board")

_FOUND = named_statements("bench", "sql/by_hand.sql")
BY_HAND = {name: sql for name, sql in complete(_FOUND).items() if name not in parts(_FOUND)}
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "page": ("id", "account"),
    "list": ("account",),
    "list_before": ("before",),
    "status": ("id", "account"),
    "find": ("tracking", "account"),
    "counts": ("account",),
    "counts_before": ("account", "before"),
    "board": ("before",),
    "entities": ("ids",),
}
"""Operation → which values its statement by hand takes."""


class Values(NamedTuple):
    """Of an order; those of the entities are worked out when they are needed, since there are many."""

    order: int
    batch: Callable[[], Iterable[int]]

    @property
    def id(self) -> str:
        return str(self.order)

    @property
    def account(self) -> str:
        return f"C{self.order % CUSTOMERS}"

    @property
    def tracking(self) -> str:
        return f"1Z{self.order}"

    @property
    def before(self) -> str:
        return (BEGUN + self.order * APART).isoformat()

    @property
    def ids(self) -> list[str]:
        return [str(each) for each in self.batch()]

    @property
    def representations(self) -> list[dict[str, str]]:
        return [{"__typename": "Order", "id": each} for each in self.ids]


def asked(reading: Reading, start: int, many: int, size: int) -> Iterator[Values]:
    """`many` of `size` orders, beginning with the one in place `start`; again: those of the account."""
    if reading is Reading.AGAIN:
        yield from (Values(order, partial(half_of, order)) for order in OWN)
        return
    for place in range(start, start + many):
        order = 1 + place * STEP % size
        yield Values(order, partial(spread_from, order, size))


def half_of(order: int) -> range:
    """The half of the account's orders that has this one."""
    half = OWN.index(order) // BATCH * BATCH
    return OWN[half : half + BATCH]


def spread_from(order: int, size: int) -> Iterator[int]:
    return (1 + (order - 1 + SPREAD * n) % size for n in range(BATCH))


class Document(NamedTuple):
    """One operation; `variables` are the names of those that it declares."""

    text: str
    variables: tuple[str, ...]

    def body(self, of: Values) -> str:
        return encoded({"query": self.text, "variables": {name: getattr(of, name) for name in self.variables}})


@cache
def documents(file: str) -> Mapping[str, Document]:
    """Operation → document, of a file in bench/graphql."""
    text = Path(__file__).parent.joinpath("graphql", f"{file}.graphql").read_text()
    found = {}
    for node in parse(text).definitions:
        assert isinstance(node, OperationDefinitionNode)
        assert node.name is not None
        declared = tuple(each.variable.name.value for each in node.variable_definitions or ())
        found[node.name.value] = Document(print_ast(node), declared)
    return found


def encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()

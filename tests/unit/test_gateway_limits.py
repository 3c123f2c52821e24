"""How many root fields a document asks for."""

import pytest
from graphql import build_schema, parse, validate
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import DIRECTIVES, ROOTS, DirectivesRule, RootFieldsRule

SCHEMA = build_schema("type Query { a: Query b: Int } type Mutation { a: Int }")


def problems(document: str) -> list[str]:
    return [error.message for error in validate(SCHEMA, parse(document), [RootFieldsRule])]


def named(prefix: str, count: int) -> str:
    return " ".join(f"{prefix}{n}: a" for n in range(count))


@pytest.mark.parametrize(
    "document",
    [
        "{ a b }",
        "{ a { " + named("x", 50) + " } }",
        "{ " + "a " * 50 + "}",
        "{ ...F ...F ...F } fragment F on Query { " + named("x", 20) + " }",
        "query A { " + named("x", 20) + " } query B { " + named("y", 20) + " }",
        "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
        "{ ...Nowhere }",
        "mutation { " + named("m", 5) + " }",
    ],
)
def test_what_fits(document: str) -> None:
    assert problems(document) == []


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("{ " + named("x", 21) + " }", "21 root fields found. Allowed: 20 in a query"),
        ("{ ...F } fragment F on Query { " + named("x", 21) + " }", "21 root fields found. Allowed: 20 in a query"),
        ("{ ... { ... on Query { " + named("x", 21) + " } } }", "21 root fields found. Allowed: 20 in a query"),
        ("mutation { " + named("m", 6) + " }", "6 root fields found. Allowed: 5 in a mutation"),
        ("{ a } mutation M { " + named("m", 6) + " }", "6 root fields found. Allowed: 5 in a mutation"),
    ],
)
def test_what_is_too_much(document: str, problem: str) -> None:
    assert problems(document) == [problem]


def test_directives_are_counted() -> None:
    most = " ".join("a @skip(if: true)" for _ in range(DIRECTIVES))
    query = f"{{ {most} b }}"
    assert [error.message for error in validate(SCHEMA, parse(query), [DirectivesRule])] == []
    query = f"{{ {most} b @include(if: true) }}"
    [error] = validate(SCHEMA, parse(query), [DirectivesRule])
    assert error.message == "51 directives found. Allowed: 50"


@given(st.lists(st.lists(st.integers(0, 60), max_size=12), min_size=1, max_size=6))
def test_fragments_hide_nothing_and_add_nothing(parts: list[list[int]]) -> None:
    """The same fields, plain or in a chain of fragments that name each other."""
    fields = {name for part in parts for name in part} or {0}
    plain = "{ " + " ".join(f"x{n}: a" for n in sorted(fields)) + " }"
    parts = parts if any(parts) else [[0]]
    chain = [
        f"fragment F{n} on Query {{ " + " ".join(f"x{f}: a" for f in part) + f" ...F{(n + 1) % len(parts)} }}"
        for n, part in enumerate(parts)
    ]
    assert problems(plain) == problems("{ ...F0 } " + " ".join(chain))
    assert bool(problems(plain)) == (len(fields) > max(ROOTS.values()))

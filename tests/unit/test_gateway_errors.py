"""What callers are told of errors."""

import logging
from collections.abc import Iterator
from typing import cast

import asyncpg
import pytest
from graphql import GraphQLError

import commands.ports  # noqa: F401 (its errors are of the tree)
from gateway.auth import Principal, Role
from gateway.context import Context
from gateway.database import Pool
from gateway.errors import TOLD, public, tell
from gateway.feed import Feed
from gateway.schema import schema
from gateway.throttle import Throttle
from orders import errors
from orders.errors import MilepostError

PUBLIC_CODES = {
    "BAD_REQUEST",
    "CONFLICT",
    "FORBIDDEN",
    "NOT_FOUND",
    "PERSISTED_QUERY_ID_REQUIRED",
    "PERSISTED_QUERY_NOT_FOUND",
    "THROTTLED",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
}


def tree(root: type[MilepostError]) -> Iterator[type[MilepostError]]:
    yield root
    for kind in root.__subclasses__():
        yield from tree(kind)


def test_no_error_of_the_language_is_missed() -> None:
    ours = {kind for kind in tree(MilepostError) if kind.__module__ == errors.__name__}
    assert len(ours) > 6
    assert ours <= TOLD.keys()


@pytest.mark.parametrize("kind", list(tree(MilepostError)), ids=lambda kind: kind.__name__)
def test_every_error_has_a_public_code(kind: type[MilepostError]) -> None:
    told = public(kind("the very reason"))
    if told.hidden:
        assert (told.code, told.message) == ("INTERNAL", "internal error")
    else:
        assert (told.code, told.message) == (kind.code, "the very reason")
        assert told.code in PUBLIC_CODES


def test_what_is_ours_to_mend_is_hidden() -> None:
    hidden = {kind for kind in tree(MilepostError) if public(kind("x")).hidden}
    assert hidden >= {errors.PoisonError, errors.StartError}
    assert not any(issubclass(kind, errors.RejectedError) for kind in hidden)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (asyncpg.CannotConnectNowError("x"), "UNAVAILABLE"),
        (asyncpg.ConnectionDoesNotExistError("x"), "UNAVAILABLE"),
        (asyncpg.InterfaceError("x"), "UNAVAILABLE"),
        (asyncpg.InternalClientError("cannot switch to state 15"), "UNAVAILABLE"),
        (asyncpg.TooManyConnectionsError("x"), "UNAVAILABLE"),
        (asyncpg.AdminShutdownError("x"), "UNAVAILABLE"),
        (asyncpg.QueryCanceledError("x"), "UNAVAILABLE"),
        (ConnectionRefusedError("x"), "UNAVAILABLE"),
        (TimeoutError("x"), "UNAVAILABLE"),
        (asyncpg.CharacterNotInRepertoireError("x"), "BAD_REQUEST"),
        (asyncpg.UndefinedTableError("x"), "INTERNAL"),
        (KeyError("password=secret"), "INTERNAL"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_errors_that_are_not_ours(error: Exception, code: str) -> None:
    assert public(error).code == code


def test_a_secret_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    error = GraphQLError("boom", original_error=KeyError("password=hunter2\nINFO all is well"), path=["order"])
    with caplog.at_level(logging.ERROR):
        told = tell(error, "c0ffee").formatted
    assert told["message"] == "internal error"
    assert told["extensions"] == {"code": "INTERNAL", "correlationId": "c0ffee"}
    assert "hunter2" not in str(told)
    (record,) = caplog.records
    assert "c0ffee" in record.message
    assert "\n" not in record.message
    assert "hunter2" in caplog.text


def test_an_error_within_another_is_found() -> None:
    inner = GraphQLError("x", original_error=errors.NotFoundError("no such order"))
    told = tell(GraphQLError("y", original_error=inner, path=["a"]), "c").formatted
    assert (told["message"], told["extensions"]) == ("no such order", {"code": "NOT_FOUND"})


def test_what_graphql_finds_while_it_executes_is_hidden_too() -> None:
    assert tell(GraphQLError("Cannot return null", path=["order", 0]), "c").message == "internal error"
    assert tell(GraphQLError("Unknown field"), "c").message == "Unknown field"


async def ask(query: str, **variables: object) -> list[dict[str, object]]:
    """The errors of a document that is wrong: it reads nothing, so there is nothing to read from."""
    throttle, caller = Throttle(cast("Pool", None)), Principal("ann", Role.ADMIN, 2**40)
    throttle.lease(caller).points = 1000
    context = Context(cast("Pool", None), cast("Feed", None), throttle, caller)
    result = await schema.execute(query, variable_values=variables, context_value=context)
    return [cast("dict[str, object]", error.formatted) for error in result.errors or ()]


@pytest.mark.parametrize(
    ("query", "variables", "part"),
    [
        ("{", {}, "Syntax Error"),
        ("{ nothing }", {}, "nothing"),
        ('{ orders(filter: {orderedFrom: "x"}) { nodes { id } } }', {}, "DateTime"),
        ("query ($d: DateTime) { orders(filter: {orderedFrom: $d}) { nodes { id } } }", {"d": "x"}, "DateTime"),
        ("query ($n: Int) { orders(first: $n) { nodes { id } } }", {"n": 2**40}, "32-bit"),
        ("query ($f: OrderFilter) { orders(filter: $f) { nodes { id } } }", {"f": {"no": 1}}, "unknown field"),
        ('query ($r: String = "x") { find(reference: $r) { scheme } }', {"r": None}, "'reference'"),
    ],
)
async def test_a_document_that_is_wrong_is_told_what_is_wrong(
    query: str, variables: dict[str, object], part: str
) -> None:
    (error,) = await ask(query, **variables)
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert part in str(error["message"])

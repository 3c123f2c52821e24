"""What a caller is told of an error: its code and message, or a correlation id that leads to our log."""

import codecs
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
from graphql import GraphQLError

from orders import errors
from orders.outages import CUT

log = logging.getLogger("milepost.gateway")

# Found now: where no file can be opened any more, Python could not look the codec up.
_escape = codecs.getencoder("unicode_escape")

UNREACHABLE = "the order graph cannot be reached; try again"
UNAVAILABLE = errors.TransientError.code
BAD_REQUEST = errors.RejectedError.code


class UnauthenticatedError(errors.RejectedError):
    """No token, or none that we accept."""

    code = "UNAUTHENTICATED"


class DocumentUnknownError(errors.NotFoundError):
    """No trusted document has this id; code and message are those of Apollo's clients."""

    code = "PERSISTED_QUERY_NOT_FOUND"


class DocumentNeededError(errors.RejectedError):
    """Only trusted documents run."""

    code = "PERSISTED_QUERY_ID_REQUIRED"


class ThrottledError(errors.TransientError):
    """The caller has asked for more than it may; `seconds` until there is room again."""

    code = "THROTTLED"

    def __init__(self, problem: str, seconds: int = 1) -> None:
        super().__init__(problem)
        self.seconds = seconds


TOLD: Mapping[type[errors.MilepostError], bool] = {
    errors.MilepostError: False,
    errors.TransientError: True,
    errors.RejectedError: True,
    errors.NotFoundError: True,
    errors.ForbiddenError: True,
    errors.ConflictError: True,
    errors.PoisonError: False,
    errors.StartError: False,
    UnauthenticatedError: True,
    DocumentUnknownError: True,
    DocumentNeededError: True,
    ThrottledError: True,
}
"""Whether the caller gets the error's own code and message. A test proves that none of ours is missing; a
subclass of another package is told as its nearest parent is."""

OUTAGES = (*CUT, asyncpg.InsufficientResourcesError)
"""How a Postgres looks from here that is down, restarting, too busy, or too slow to answer."""


def unavailable() -> errors.TransientError:
    """Of a Postgres that does not answer in time."""
    return errors.TransientError(UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Public:
    """An error as its caller sees it. `hidden`: there is more to it, for our log only. `retry` is in seconds."""

    code: str
    message: str
    hidden: bool = False
    retry: int | None = None


def public(error: BaseException) -> Public:
    """The one place that decides."""
    match error:
        case ThrottledError():
            return Public(error.code, str(error), retry=error.seconds)
        case errors.MilepostError() if _is_told(error):
            return Public(error.code, str(error) or "try again later")
        case asyncpg.DataError():
            return Public(BAD_REQUEST, "a value cannot be looked up")
        case _ if isinstance(error, OUTAGES):
            return Public(UNAVAILABLE, UNREACHABLE, hidden=True)
    return Public("INTERNAL", "internal error", hidden=True)


def tell(error: GraphQLError, correlation: str) -> GraphQLError:
    """What is sent in the error's place; one that is hidden is logged under the correlation id."""
    told = _told(error)
    if told.hidden:
        _log(told, error, correlation)
    extensions: dict[str, object] = {"code": told.code}
    if told.hidden:
        extensions["correlationId"] = correlation
    if told.retry is not None:
        extensions["retryAfter"] = told.retry
    return GraphQLError(
        told.message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )


def _told(error: GraphQLError) -> Public:
    if _is_about_document(error):
        return Public(BAD_REQUEST, error.message)
    root = root_of(error)
    if isinstance(root, RecursionError) and error.path is None:
        # Nothing ran yet: a check went down into the document and did not come back.
        return Public(BAD_REQUEST, "the document is nested too deeply")
    return public(root or error)


def _is_about_document(error: GraphQLError) -> bool:
    """Whether graphql-core found the document or its variables wrong; its message then says where and how."""
    unrooted = root_of(error) is None
    if error.path is None:
        return unrooted or bool(error.nodes or error.positions)
    # While it executes: an argument that does not fit points at the document, a value of ours does not.
    return unrooted and bool(_chain(error)[-1].nodes) and len(_chain(error)) > 1


def root_of(error: GraphQLError) -> BaseException | None:
    """The exception behind it, None for what graphql-core itself found."""
    return _chain(error)[-1].original_error


def _chain(error: GraphQLError) -> list[GraphQLError]:
    """The error, the one within it, and so on."""
    found = [error]
    while isinstance(found[-1].original_error, GraphQLError):
        found.append(found[-1].original_error)
    return found


def _is_told(error: errors.MilepostError) -> bool:
    return next(TOLD[kind] for kind in type(error).__mro__ if kind in TOLD)


def _log(told: Public, error: GraphQLError, correlation: str) -> None:
    escaped, _ = _escape(str(error))
    text = escaped.decode()[:500]
    if told.code == UNAVAILABLE:
        log.warning("%s %s: %r", correlation, text, root_of(error))
    else:
        log.error("%s %s", correlation, text, exc_info=root_of(error))

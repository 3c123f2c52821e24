"""What is asked over HTTP, as the GraphQL over HTTP specification has it."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gateway.asgi import Headers, Receive, Scope, TooLargeError, header, read_body, weights
from gateway.auth import Principal, Role

MAX_BODY = 512 * 1024
"""Bytes."""

MODERN = "application/graphql-response+json"
_LEGACY = "application/json"


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """What is asked, as the GraphQL over HTTP specification has it."""

    query: str = ""
    document_id: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


REQUEST = msgspec.json.Decoder(Request)


class UnusableError(Exception):
    """The request is no GraphQL request; `status` says how."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


async def raw_request(scope: Scope, receive: Receive) -> tuple[bytes, Callable[[bytes], Request]]:
    """The request's bytes, and how to read them."""
    if scope["method"] == "GET":
        return scope["query_string"], _in_url
    if (header(scope, b"content-type") or "").partition(";")[0].strip().lower() != "application/json":
        raise UnusableError(415, "the content type must be application/json")
    if header(scope, b"content-encoding") not in (None, "identity"):
        raise UnusableError(415, "a compressed body is not accepted")
    try:
        return await read_body(receive, MAX_BODY), _in_body
    except TooLargeError:
        raise UnusableError(413, f"a request has at most {MAX_BODY} bytes") from None


def _in_url(raw: bytes) -> Request:
    """`variables` and `extensions` are JSON there."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
        asked: dict[str, Any] = dict(pairs)
        if len(asked) < len(pairs):
            raise UnusableError(400, "a parameter comes twice")
        for name in {"variables", "extensions"} & asked.keys():
            asked[name] = msgspec.json.decode(asked[name])
        return msgspec.convert(asked, Request)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnusableError(400, f"the URL holds no GraphQL request: {error}") from None


def _in_body(raw: bytes) -> Request:
    try:
        return REQUEST.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableError(400, f"the body is no GraphQL request: {error}") from None


def wants_plan(request: Request, caller: Principal) -> bool:
    """An admin asks in the request's `extensions`."""
    return caller.role is Role.ADMIN and (request.extensions or {}).get("plan") is True


@lru_cache(256)
def negotiated(accept: str | None) -> str:
    """The media type of the answer: the modern one for those who name it and do not like the other better."""
    wishes = weights(accept)
    modern = wishes.get(MODERN, 0.0)
    return MODERN if modern > 0 and modern >= wishes.get(_LEGACY, 0.0) else _LEGACY

"""The few words of ASGI that the gateway speaks."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

_ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
NO_STORE = (b"cache-control", b"no-store")


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a header that came exactly once; `name` in lower case."""
    found = None
    for key, value in scope["headers"]:
        if key == name:
            if found is not None:
                return None
            found = value
    return None if found is None else str(found, "latin-1")


def weights(value: str | None) -> dict[str, float]:
    """What a header of the Accept family names, in lower case, with its weight; 0 when that cannot be read."""
    return dict(map(_weight, (value or "").split(",")))


def _weight(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    given = [value for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "q"]
    try:
        return name, float(given[0]) if given else 1.0
    except ValueError:
        return name, 0.0


async def respond(send: Send, status: int, media: bytes, body: bytes, headers: Headers = ()) -> None:
    head = fields(media, b"%d" % len(body), headers)
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def fields(media: bytes, length: bytes, headers: Headers = ()) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", media), (b"content-length", length), *_ALWAYS, *headers]


def written(headers: Headers) -> bytes:
    return b"".join(b"%b: %b\r\n" % each for each in headers)


async def respond_json(send: Send, status: int, content: object, headers: Headers = ()) -> None:
    await respond(send, status, b"application/json", msgspec.json.encode(content), (NO_STORE, *headers))


class TooLargeError(Exception):
    """A body is larger than it may be."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """At most `limit` bytes, else TooLargeError; b"" when the client has gone."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLargeError
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)

"""GraphiQL, from files of this package: no other host is asked for anything."""

from collections.abc import Mapping
from importlib.resources import files

from gateway.asgi import NO_STORE, Headers, Scope, Send, header, respond

STATIC = "/graphql/static/"

_JS = b"text/javascript; charset=utf-8"
_FILES: Mapping[str, tuple[str, bytes]] = {
    "graphiql.css": ("static/vendor/graphiql.min.css", b"text/css; charset=utf-8"),
    "react.js": ("static/vendor/react.production.min.js", _JS),
    "react-dom.js": ("static/vendor/react-dom.production.min.js", _JS),
    "graphiql.js": ("static/vendor/graphiql.min.js", _JS),
    "page.css": ("static/page.css", b"text/css; charset=utf-8"),
    "page.js": ("static/page.js", _JS),
}

# The browser itself refuses other hosts, inline scripts and eval.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
_PAGE_HEADERS: Headers = ((b"content-security-policy", _POLICY), NO_STORE)
_FILE_HEADERS: Headers = ((b"cache-control", b"public, max-age=3600"),)


def wants_page(scope: Scope) -> bool:
    """Whether a browser asks."""
    return scope["method"] == "GET" and "text/html" in (header(scope, b"accept") or "")


async def send_page(send: Send) -> None:
    await respond(send, 200, b"text/html; charset=utf-8", _read("static/graphiql.html"), _PAGE_HEADERS)


async def send_file(scope: Scope, send: Send) -> None:
    """404 for what is not listed here."""
    found = _FILES.get(scope["path"].removeprefix(STATIC))
    if found is None or scope["method"] != "GET":
        await respond(send, 404, b"text/plain", b"not found")
    else:
        # Not kept in memory: a page is opened rarely.
        await respond(send, 200, found[1], _read(found[0]), _FILE_HEADERS)


def _read(path: str) -> bytes:
    return files("gateway").joinpath(path).read_bytes()

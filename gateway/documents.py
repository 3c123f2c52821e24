"""Trusted documents: operations that were stored beforehand, and are asked for by an id instead of their text.

The ids are `sha256:` and the digest of the text, as the appendix of GraphQL over HTTP has it, or those of a manifest.
No client stores one: `milepost documents sync` does.
"""

import hashlib
import re
import time
from collections.abc import Callable
from typing import NamedTuple, TypeGuard

from gateway.database import CONNECT_TIMEOUT, Pool
from gateway.errors import DocumentNeededError, DocumentUnknownError
from gateway.statements import SQL
from orders.errors import RejectedError, TransientError
from orders.outages import FAILED

BELIEVED, DOUBTED = 5.0, 1.0
"""Seconds that a document is taken to be there, and not to be there, without another look."""
KEPT = 500
"""Of each."""
PREFIX = "sha256:"
MAX_ID = 200
"""Characters."""

_DIGEST = re.compile(f"(?:{PREFIX})?([0-9a-fA-F]{{64}})")


def id_of(text: str) -> str:
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def canonical(id_: str) -> str:
    """A digest is meant with its prefix and without; any other id stays as it is."""
    digest = _DIGEST.fullmatch(id_)
    return PREFIX + digest[1].lower() if digest else id_


class _Found(NamedTuple):
    """`text` is None for what is not there."""

    text: str | None
    until: float


class Documents:
    """Those of one gateway. With `only` nothing else runs."""

    def __init__(self, pool: Pool, *, only: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.only = only
        self._pool = pool
        self._clock = clock
        self._known: dict[str, _Found] = {}
        self._unknown: dict[str, _Found] = {}

    async def text(self, query: object, document_id: object, extensions: object) -> str:
        """What a request means, which has a text, an id, or both. Raises RejectedError, or TransientError."""
        wanted = _wanted(document_id, extensions)
        if wanted is None:
            return self._untrusted(query)
        found = await self._find(wanted)
        fits = isinstance(query, str) and (query == found or id_of(query) == wanted)
        if query is not None and not fits and (found is not None or wanted.startswith(PREFIX)):
            raise RejectedError("the document's id is that of another text; send one of the two")
        if found is not None:
            return found
        if self.only or not fits:
            raise DocumentUnknownError("PersistedQueryNotFound")
        return str(query)

    def _untrusted(self, query: object) -> str:
        if self.only:
            raise DocumentNeededError("only trusted documents run here: send the id of one instead of a query")
        if not isinstance(query, str):
            raise RejectedError("there is no query")
        return query

    async def _find(self, wanted: str) -> str | None:
        now = self._clock()
        for kept in (self._known, self._unknown):
            if wanted in kept and now < kept[wanted].until:
                return kept[wanted].text
        text = await self._look(wanted)
        kept, seconds = (self._unknown, DOUBTED) if text is None else (self._known, BELIEVED)
        if len(kept) >= KEPT:
            kept.clear()
        kept[wanted] = _Found(text, now + seconds)
        return text

    async def _look(self, wanted: str) -> str | None:
        try:
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
                text: str | None = await connection.fetchval(SQL["document"], wanted)
        except FAILED:
            raise TransientError("the order graph cannot be reached; try again") from None
        return text


def _wanted(document_id: object, extensions: object) -> str | None:
    """The id that a request names, in one way or the other."""
    named = [] if document_id is None else [document_id]
    match extensions:
        case {"persistedQuery": {"sha256Hash": digest}}:
            named.append(digest)
        case {"persistedQuery": _}:
            raise RejectedError("extensions.persistedQuery has no sha256Hash")
    ids = {canonical(each) if _is_id(each) else None for each in named}
    if None in ids or len(ids) > 1:
        raise RejectedError(f"a document has one id, of 1 to {MAX_ID} characters")
    return ids.pop() if ids else None


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable()

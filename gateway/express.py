"""The short way of a query that comes whole in a request like one before: no parser, no ASGI, and mostly no task.

Whatever is unusual about it takes the ordinary way (gateway/http.py), which says what is wrong; so does what fails here
before anything was sent. Both ways answer the same bytes.
"""

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import msgspec

from gateway.admission import BUSY, BusyError, Gate
from gateway.asgi import NO_STORE, Headers, fields, written
from gateway.auth import Principal, TokenCheck
from gateway.compression import compressed
from gateway.cost import DOOR, most, told
from gateway.documents import Documents
from gateway.errors import unavailable
from gateway.http import ANSWER_HEADERS, RETRY, body_of, errors_of
from gateway.plan.answers import Answer, Answers, Asked
from gateway.plan.revisions import Revisions
from gateway.requests import REQUEST, negotiated
from gateway.throttle import Lease, Throttle
from orders.errors import TransientError

HEADS = 2000
"""Heads of requests that are remembered."""
LARGEST_HEAD = 4 * 1024
"""Bytes of those that are."""

_START = b"POST /graphql HTTP/1.1"
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x1f\x7f]*?)[ \t]*")
_LENGTH = re.compile(rb"\d{1,6}")
_BEARER = re.compile(r"[Bb]earer +(\S+)")
_UNUSUAL = frozenset(
    [b"transfer-encoding", b"content-encoding", b"expect", b"upgrade", b"te", b"trailer", b"origin", b"http2-settings"]
)


class Head(NamedTuple):
    """What a request's head says. `token` is still to be checked, `length` is of the body, in bytes."""

    token: str
    length: int
    media: bytes
    coding: str | None


def read_head(head: bytes) -> Head | None:
    """`head` is without its last empty line. None for what the ordinary way must look at."""
    start, *lines = head.split(b"\r\n")
    matches = [_FIELD.fullmatch(line) for line in lines]
    found = {match[1].lower(): match[2] for match in matches if match}
    if start != _START or len(found) < len(lines) or found.keys() & _UNUSUAL or not found.get(b"host"):
        return None
    if found.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    if found.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        return None
    bearer = _BEARER.fullmatch(str(found.get(b"authorization", b""), "latin-1"))
    length = found.get(b"content-length", b"")
    if bearer is None or not _LENGTH.fullmatch(length):
        return None
    accept, coding = (str(found[name], "latin-1") if name in found else None for name in _WISHES)
    return Head(bearer[1], int(length), f"{negotiated(accept)}; charset=utf-8".encode(), coding)


_WISHES = (b"accept", b"accept-encoding")

Reply = Callable[[bytes, bytes], None]
"""Called once, later, with an answer's first line, and what comes behind the fields of every answer. The first line
is empty when the request must take the ordinary way after all.
"""

Tasks: TypeAlias = set[asyncio.Task[None]]


class Express:
    """What it knows of requests like the next one."""

    def __init__(self, tokens: TokenCheck, throttle: Throttle, answers: Answers, documents: Documents) -> None:
        self._tokens = tokens
        self._throttle = throttle
        self._documents = documents
        self._heads: dict[bytes, Head | None] = {}
        self.answers = answers

    def head(self, head: bytes) -> Head | None:
        """Of a request, without its last empty line."""
        try:
            return self._heads[head]
        except KeyError:
            pass
        if len(head) > LARGEST_HEAD:
            return None
        if len(self._heads) >= HEADS:
            self._heads.clear()
        self._heads[head] = found = read_head(head)
        return found

    def begin(self, head: Head, body: bytes, gate: Gate, tasks: Tasks, reply: Reply) -> "Ride | None":
        """None when it must take the ordinary way. `tasks` get what it starts, to be ended at a shutdown."""
        caller = self._tokens.known(head.token)
        if caller is None:
            return None
        asked = self.answers.find(body, caller) or self._planned(body, caller)
        if asked is None or not asked.whole:
            return None
        lease, cost = self._throttle.lease(caller), asked.plan.cost
        if cost > most(lease) or not lease.spend(cost):
            return None
        return Ride(self.answers, gate, tasks, head, asked, lease, reply)

    def _planned(self, body: bytes, caller: Principal) -> Asked | None:
        if self._documents.only:
            return None
        try:
            request = REQUEST.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if request.document_id or request.extensions:
            return None
        return self.answers.plan(body, request.query, request.variables or {}, request.operation_name, caller)


class Ride:
    """One request, paid for, from its begin to `reply`; `leave` when its client has gone."""

    __slots__ = ("_answers", "_asked", "_gate", "_head", "_lease", "_reply", "_task", "_tasks")

    def __init__(
        self, answers: Answers, gate: Gate, tasks: Tasks, head: Head, asked: Asked, lease: Lease, reply: Reply
    ) -> None:
        self._answers, self._gate, self._tasks = answers, gate, tasks
        self._head, self._asked, self._lease = head, asked, lease
        self._reply: Reply | None = reply
        self._task: asyncio.Task[None] | None = None
        gate.arrive()
        answer = asked.answer
        if answer is None or answer.lacking:
            self._read()
        else:
            answers.asking.ask(answer.revisions, self._compare)

    def leave(self) -> None:
        """What runs for it in Postgres is cancelled."""
        if self._reply is not None:
            self._reply = None
            self._gate.left()
            if self._task is not None:
                self._task.cancel()

    def _compare(self, now: Revisions | Exception) -> None:
        answer = self._asked.answer
        if self._reply is None:
            return
        if isinstance(now, TimeoutError):
            self._refused(unavailable())
        elif isinstance(now, Exception) or answer is None or answer.lacking or not self._answers.holds(answer, now):
            self._read()
        else:
            self._answered(answer)

    def _read(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._turn())
        self._task.add_done_callback(self._tasks.discard)
        self._tasks.add(self._task)

    async def _turn(self) -> None:
        try:
            answer = await self._read_in_turn()
        except BusyError:
            self._lease.settle(self._asked.plan.cost, 0)
            self._unavailable(BUSY)
        except TransientError as error:
            self._refused(error)
        except asyncio.CancelledError:
            self.leave()
            raise
        except Exception:  # the ordinary way meets it too, and masks it
            self._end(b"", b"")
        else:
            if answer is None:
                self._lease.settle(self._asked.plan.cost, 0)
                self._end(b"", b"")
            else:
                self._answered(answer)

    async def _read_in_turn(self) -> Answer | None:
        await self._gate.enter()
        try:
            return await self._answers.answer(self._asked)
        finally:
            self._gate.leave()

    def _answered(self, answer: Answer) -> None:
        requested, actual = self._asked.plan.cost, max(answer.objects, DOOR)
        self._lease.settle(requested, actual)
        body = body_of(answer.data, told(self._lease, requested, actual), self._asked.note)
        body, coding = compressed(body, self._head.coding)
        before, after = _fields(self._head.media, (*ANSWER_HEADERS, *coding))
        self._end(_OK, b"%b%d%b%b" % (before, len(body), after, body))

    def _refused(self, error: TransientError) -> None:
        self._unavailable(msgspec.json.encode(errors_of(error.code, str(error))))

    def _unavailable(self, body: bytes) -> None:
        before, after = _fields(b"application/json", (NO_STORE, *RETRY))
        self._end(_UNAVAILABLE, b"%b%d%b%b" % (before, len(body), after, body))

    def _end(self, start: bytes, rest: bytes) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            self._gate.left()
            reply(start, rest)


_OK, _UNAVAILABLE = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 Service Unavailable\r\n"


@lru_cache(256)
def _fields(media: bytes, headers: Headers) -> tuple[bytes, bytes]:
    """Before and after the number of bytes in the body."""
    before, after = written(fields(media, b"\0", headers)).split(b"\0")
    return before, after + b"\r\n"

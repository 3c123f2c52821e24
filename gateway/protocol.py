"""HTTP as uvicorn reads it, in a world that is not always kind: endless heads, and more than can be answered."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

from gateway.admission import ADMITTED, BUSY, Gate
from gateway.asgi import Scope, written
from gateway.corking import CorkedProtocol
from gateway.express import Express, Ride
from gateway.work import Work

WHOLE_WITHIN = 20.0
"""Seconds from a request's first byte, or a connection's begin, to its last byte."""
MAX_HEAD = 64 * 1024
"""Bytes of a request's URL and headers."""
MAX_WAITING = 64 * 1024
"""Bytes of a body that is waited for on the short way."""
PATH = b"/graphql"

REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
    b"cache-control: no-store\r\ncontent-length: %d\r\n\r\n%b" % (len(BUSY), BUSY)
)
"""All of it: what a refusal costs is taken from those who are let in."""


class Protocol(CorkedProtocol):
    """Of one connection. Until `express` has something, all requests take the ordinary way."""

    def __init__(self, gate: Gate, work: Work, express: Callable[[], Express | None], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._gate = gate
        self._work = work
        self._began = 0.0
        self._find_express = express
        self._ride: Ride | None = None
        self._taken = self._more = b""
        self._last = False
        self._late: asyncio.TimerHandle | None = None
        self._head = 0
        self._in_head, self._between = False, True
        self._refused: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        if self._ride is not None:
            self._ride.leave()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if self._ride is None:
            super().shutdown()
        self._last = True

    def data_received(self, data: bytes) -> None:
        if self._ride is not None:
            self._more += data
            self.flow.pause_reading()
        elif not (self._between and self._alone()):
            self._ordinarily(data)
        else:
            data, self._taken = self._taken + data, b""
            if not self._shortly(data):
                self._ordinarily(data)

    def _shortly(self, data: bytes) -> bool:
        """Whether it takes the short way, or waits for the rest of a body that may."""
        express = self._find_express()
        head, end, body = data.partition(b"\r\n\r\n")
        known = express.head(head) if express is not None and end and not self.flow.write_paused else None
        if express is None or known is None or not len(body) <= known.length <= MAX_WAITING:
            return False
        if len(body) < known.length:
            self._await(data)
        elif self._gate.full:
            self._refuse()
        else:
            self._began = perf_counter()
            self._ride = express.begin(known, body, self._gate, self.tasks, self._reply)
            if self._ride is None:
                return False
            self._taken = data
            self._unset_keepalive_if_required()
            self._expect_nothing()
        return True

    def _ordinarily(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._close("The head of the request is too large.")

    def _await(self, data: bytes) -> None:
        """The rest of the body."""
        self._taken = data
        self._unset_keepalive_if_required()
        if self._late is None:
            self._expect()

    def _reply(self, start: bytes, rest: bytes) -> None:
        self._ride = None
        data, self._taken, more, self._more = self._taken, b"", self._more, b""
        if start:
            self.server_state.total_requests += 1
            self._work.answered(int(start[9:12]), perf_counter() - self._began)
            self.transport.write(start + written(self.server_state.default_headers) + rest)
            self._rest()
        else:
            self._ordinarily(data)
        if self._last:
            super().shutdown()
        elif more:
            self.flow.resume_reading()
            self.data_received(more)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._in_head, self._between, self._refused = 0, True, False, None
        if self._late is None:
            self._expect()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > MAX_HEAD:
            return self._close("The head of the request is too large.")
        if [name for name, _ in self.headers].count(b"host") > 1:
            return self._close("There is more than one Host.")
        if self._counts():
            if self._gate.full:
                self._refused = REFUSAL
                return None
            self._gate.arrive()
            cast("Scope", self.scope)[ADMITTED] = True
        return super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._refused is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._expect_nothing()
        self._between = True
        if self._refused is None:
            super().on_message_complete()
        elif self._refused and self.parser.should_keep_alive() and not self.expect_100_continue:
            self._refuse()
        elif self._refused:
            self._work.refused()
            self.transport.write(self._refused)
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        self._expect_nothing()
        super().handle_websocket_upgrade()

    def _alone(self) -> bool:
        """Nothing that came before on this connection is still to be answered."""
        return self._ride is None and (self.cycle is None or self.cycle.response_complete)

    def _counts(self) -> bool:
        """One that waits behind another of its connection is counted when its turn comes."""
        return self._alone() and self.url.startswith(PATH) and not self.parser.should_upgrade()

    def _refuse(self) -> None:
        self._work.refused()
        self._expect_nothing()
        self.transport.write(REFUSAL)
        self._rest()

    def _rest(self) -> None:
        """Until the next request, which may not come."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _close(self, problem: str) -> None:
        self._refused = b""
        self.send_400_response(problem)

    def _expect(self) -> None:
        self._late = self.loop.call_later(WHOLE_WITHIN, self._too_late)

    def _expect_nothing(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        self.transport.close()

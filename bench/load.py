"""Asks one server over and over, on Linux: `python -m bench.load`, a Job as JSON on stdin, the Result on stdout.

Closed loop: each connection asks again when it has its answer. Open loop (`rate`): requests are due at fixed instants,
whatever the server does, and a latency begins when its request was due, also when it waited for a free connection.
It begins at the rate `before`, for LEAD seconds that do not count: what is measured is a change of load on connections
that are open.
"""

import itertools
import re
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

REFUSALS = (429, 503)
GRACE = 10.0
"""Seconds that answers may still take after the last request."""
LEAD = 1.0
"""Seconds of the rate before."""
_CHUNK = 262_144
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ERRORS = b'"errors":['


class Job(Struct):
    """`rate` is in requests a second; None: a closed loop. The bodies are asked in turn, over and over."""

    port: int
    path: str
    authorization: str
    bodies: list[str]
    seconds: float
    connections: int
    rate: float | None = None
    before: float | None = None


class Latencies(Struct):
    """In milliseconds; 0 where nothing was measured."""

    p50: float
    p99: float


class Result(Struct):
    """How many requests were answered, refused (429, 503), or failed otherwise, and `unsent`: due, but too late.

    `seconds` are until the last answer. `late` is how long requests waited to be sent. `cpu`, in seconds, is what
    asking took. `asked` are all, with those that do not count.
    """

    seconds: float
    answers: int
    refused: int
    failed: int
    unsent: int
    took: Latencies
    refusals: Latencies
    late: Latencies
    cpu: float
    asked: int


@dataclass
class Tally:
    """Seconds."""

    took: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    failed: int = 0

    def count(self, reply: bytes, status: int, seconds: float) -> None:
        """GraphQL's errors come with status 200."""
        if status in REFUSALS:
            self.refused.append(seconds)
        elif status != 200 or _ERRORS in reply:
            self.failed += 1
        else:
            self.took.append(seconds)


class Connection:
    """Keep-alive; one request at a time, `due` at that instant; None: it is free."""

    __slots__ = ("due", "got", "socket")

    def __init__(self, port: int) -> None:
        self.due: float | None = None
        self.got = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def receive(self) -> bytes:
        """Nothing: the server has closed it."""
        try:
            return self.socket.recv(_CHUNK)
        except ConnectionError:
            return b""

    def send(self, request: bytes) -> None:
        # A connection that was closed says so when its answer is read.
        with suppress(ConnectionError):
            self.socket.sendall(request)


class Load:
    """One job being done."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.tally = Tally()
        self.sent = self._lead = 0
        self._next = itertools.cycle([raw(job, body) for body in job.bodies]).__next__
        self._epoll = select.epoll()
        self._open: dict[int, Connection] = {}
        self._free: deque[Connection] = deque()
        for _ in range(job.connections):
            self._connect()

    def run(self) -> Result:
        if self.job.before is not None:
            self._ask(self.job.before, LEAD)
            self.tally, self._lead, self.sent = Tally(), self.sent, 0
        used = time.process_time()
        seconds = self._ask(self.job.rate, self.job.seconds)
        self.tally.failed += self._busy
        for each in self._open.values():
            each.socket.close()
        return self._result(seconds, time.process_time() - used)

    def _ask(self, rate: float | None, seconds: float) -> float:
        """How long it took to the last answer."""
        self._rate, begun = rate, time.perf_counter()
        self._begun, until = begun, begun + seconds
        while (now := time.perf_counter()) < until:
            self._send(now)
            self._receive(max(0.0, min(until, self._due(now) if self._free else until) - now))
        while self._busy and (now := time.perf_counter()) < until + GRACE:
            self._receive(until + GRACE - now)
        return time.perf_counter() - begun

    @property
    def _busy(self) -> int:
        return len(self._open) - len(self._free)

    def _due(self, now: float) -> float:
        return self._begun + self.sent / self._rate if self._rate else now

    def _connect(self) -> None:
        connection = Connection(self.job.port)
        self._open[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket.fileno(), select.EPOLLIN)
        self._free.append(connection)

    def _send(self, now: float) -> None:
        while self._free and (due := self._due(now)) <= now:
            connection = self._free.popleft()
            connection.due = due
            connection.send(self._next())
            self.tally.late.append(now - due)
            self.sent += 1

    def _receive(self, timeout: float) -> None:
        for number, _ in self._epoll.poll(timeout):
            connection = self._open[number]
            if got := connection.receive():
                self._take(connection, got)
            else:
                self._renew(connection)

    def _take(self, connection: Connection, got: bytes) -> None:
        connection.got += got
        status = whole(connection.got)
        if status is None or connection.due is None:
            return
        self.tally.count(connection.got, status, time.perf_counter() - connection.due)
        connection.got = b""
        connection.due = None
        self._free.append(connection)

    def _renew(self, connection: Connection) -> None:
        """The server has closed it; an answer that was awaited failed."""
        if connection.due is None:
            self._free.remove(connection)
        else:
            self.tally.failed += 1
        del self._open[connection.socket.fileno()]
        connection.socket.close()
        self._connect()

    def _result(self, seconds: float, cpu: float) -> Result:
        tally = self.tally
        due = int(self.job.rate * self.job.seconds) if self.job.rate else self.sent
        return Result(
            seconds=seconds,
            answers=len(tally.took),
            refused=len(tally.refused),
            failed=tally.failed,
            unsent=max(0, due - self.sent),
            took=latencies(tally.took),
            refusals=latencies(tally.refused),
            late=latencies(tally.late),
            cpu=cpu,
            asked=self._lead + self.sent,
        )


def whole(reply: bytes) -> int | None:
    """The status of an HTTP answer; None while some of it is missing. ValueError for one without content-length."""
    head = reply.find(b"\r\n\r\n")
    if head < 0:
        return None
    length = _LENGTH.search(reply, 0, head)
    if length is None:
        raise ValueError(f"an answer without content-length: {reply[:head]!r}")
    return int(reply[9:12]) if len(reply) >= head + 4 + int(length[1]) else None


def raw(job: Job, body: str) -> bytes:
    content = body.encode()
    head = (
        f"POST {job.path} HTTP/1.1\r\nhost: 127.0.0.1:{job.port}\r\naccept: application/json\r\n"
        "content-type: application/json\r\n"
        f"authorization: {job.authorization}\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def latencies(seconds: Sequence[float]) -> Latencies:
    ordered = sorted(seconds) or [0.0]
    return Latencies(1000 * ordered[len(ordered) // 2], 1000 * ordered[len(ordered) * 99 // 100])


if __name__ == "__main__":
    found = Load(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)).run()
    sys.stdout.buffer.write(msgspec.json.encode(found))

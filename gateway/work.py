"""What this process has answered over HTTP, counted for whoever watches it."""

from bisect import bisect_left
from collections import Counter
from time import perf_counter

from gateway.asgi import Message, Send

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds: the upper bounds of the classes of latencies; one more has what took longer."""


class Work:
    """Requests by the status of their answers; and how long those took that were let in, from head to answer."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.classes = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def refused(self) -> None:
        """At the door, in no time."""
        self.statuses[503] += 1

    def answered(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.classes[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def watched(self, send: Send) -> Send:
        """Counts the answer that goes through it, of a request that comes just now."""
        began = perf_counter()

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answered(message["status"], perf_counter() - began)
            await send(message)

        return watching

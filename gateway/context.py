"""What resolvers get: who asks, what they may read, and where the feed is."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gateway.admission import Gate
from gateway.auth import Principal
from gateway.database import Pool, Snapshot
from gateway.errors import UnauthenticatedError
from gateway.feed import Feed
from gateway.loading import Batch, Loaders
from gateway.throttle import Lease, Throttle
from gateway.visibility import Sight

T = TypeVar("T")


@dataclass(eq=False)
class Context:
    """Of one operation. Those of a WebSocket are forks of the connection's own."""

    pool: Pool
    feed: Feed
    throttle: Throttle
    principal: Principal | None = None
    connection_params: dict[str, object] | None = None
    gate: Gate | None = None
    snapshot: Snapshot = field(init=False)
    loaders: Loaders = field(init=False)
    correlation: str = field(init=False)

    def __post_init__(self) -> None:
        self.snapshot = Snapshot(self.pool, lambda: self.sight)
        self.loaders = Loaders(self.snapshot)
        self.correlation = uuid.uuid4().hex

    @property
    def caller(self) -> Principal:
        """Raises UnauthenticatedError."""
        if self.principal is None:
            raise UnauthenticatedError("a bearer token is needed")
        return self.principal

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Around what only waits; a request steps aside once, however many of its fields wait."""
        gate, self.gate = self.gate, None
        with nullcontext() if gate is None else gate.aside():
            yield
        self.gate = gate or self.gate

    @property
    def lease(self) -> Lease:
        """What the caller may still spend. Raises UnauthenticatedError."""
        return self.throttle.lease(self.caller)

    @property
    def sight(self) -> Sight:
        """What the caller may see. Raises UnauthenticatedError."""
        return Sight(self.caller.role, self.caller.scope)

    def fork(self) -> "Context":
        """For another operation of the same caller."""
        return replace(self)

    async def many(self, batch: Batch[T], key: str | None, *args: object) -> list[T]:
        return await self.loaders.many(batch, key, *args)

    async def one(self, batch: Batch[T], key: str | None, *args: object) -> T | None:
        return await self.loaders.one(batch, key, *args)

    async def renew(self) -> None:
        """What is read from here on is as of now."""
        self.loaders.forget()
        await self.snapshot.close()

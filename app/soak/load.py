"""What keeps an installation busy in a soak: the story, holds that are set and released, and a subscriber."""

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from msgspec import Struct

from demo.client import Client, GraphQLError
from demo.watching import FAILURES

AGAIN = 0.2
"""Seconds until what failed is tried again."""
CALM = 1.0
"""Seconds between two commands."""

_ORDERS = "{ orders(first: 20) { nodes { id } } }"
_HOLD = """
mutation ($order: ID!, $key: String!) {
  command: holdOrder(input: {orderId: $order, reason: CREDIT, idempotencyKey: $key}) { id }
}
"""
_RELEASE = """
mutation ($order: ID!, $key: String!) {
  command: releaseHold(input: {orderId: $order, idempotencyKey: $key}) { id }
}
"""
_FOLLOW = """
subscription ($after: String) { orderEvents(after: $after) {
  ... on OrderEvent { cursor orderId version key }
  ... on Gap { reason resumeAfter }
} }
"""


class Heard(Struct, frozen=True):
    """One event as a subscriber got it."""

    order: str
    version: int
    key: str


@dataclass
class Subscriber:
    """Follows all events and comes back with its cursor whenever the line breaks."""

    client: Client
    heard: list[Heard] = field(default_factory=list)
    gaps: int = 0
    breaks: int = 0
    cursor: str | None = None

    async def run(self) -> None:
        while True:
            with suppress(*FAILURES):
                await self._listen()
            self.breaks += 1
            await asyncio.sleep(AGAIN)

    async def _listen(self) -> None:
        async for data in self.client.follow(_FOLLOW, {"after": self.cursor}):
            event = data["orderEvents"]
            if "reason" in event:
                self.gaps += 1
                self.cursor = event["resumeAfter"]
            else:
                self.heard.append(Heard(event["orderId"], event["version"], event["key"]))
                self.cursor = event["cursor"]


@dataclass
class Clerk:
    """Sets holds on orders and releases them. What is not answered is asked again with the same key.

    `accepted` are the commands' ids; `refused` how many requests were answered with an error that stays.
    """

    client: Client
    random: Random
    accepted: list[str] = field(default_factory=list)
    refused: int = 0

    async def run(self, ends: asyncio.Event) -> None:
        for number in itertools.count():
            if ends.is_set():
                return
            orders = (await self._answered(_ORDERS, {}))["orders"]["nodes"]
            if orders:
                order = self.random.choice(orders)["id"]
                await self._command(_HOLD, order, f"hold-{number}")
                await self._command(_RELEASE, order, f"release-{number}")
            await asyncio.sleep(CALM)

    async def _command(self, mutation: str, order: str, key: str) -> None:
        answer = await self._answered(mutation, {"order": order, "key": key})
        if answer is None:
            self.refused += 1
        else:
            self.accepted.append(answer["command"]["id"])

    async def _answered(self, document: str, variables: dict[str, Any]) -> Any:
        """Until it is; None for a refusal that would be the same tomorrow."""
        while True:
            try:
                return await self.client.ask(document, variables)
            except GraphQLError as error:
                if not _passing(error):
                    return None
            except FAILURES:
                pass
            await asyncio.sleep(AGAIN)


def _passing(error: GraphQLError) -> bool:
    return any(word in str(error) for word in ("try again", "internal"))


def missing(heard: Sequence[Heard], feed: Sequence[Heard]) -> tuple[int, int, int]:
    """Of the feed behind the first event that was heard: how many were not, twice, or out of order."""
    if not heard:
        return len(feed), 0, 0
    expected = feed[feed.index(heard[0]) :] if heard[0] in feed else feed
    twice = len(heard) - len(set(heard))
    order = {each: n for n, each in enumerate(expected)}
    places = [order.get(each, -1) for each in heard]
    return len(set(expected) - set(heard)), twice, sum(b < a for a, b in itertools.pairwise(places))

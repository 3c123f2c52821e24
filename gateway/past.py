"""Orders as they were. The projector replays them, since it has the mappings; its answer stands for the graph's tables.

So what can be asked of an order, and who sees what of it, is the same as of the order as it is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import is_dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from commands.past import PastAnswer, ask_past, past_answer
from gateway.context import Context
from gateway.database import CONNECT_TIMEOUT, Pool, Snapshot
from gateway.loading import PAST, Batch, Loaders
from gateway.plan.past import shown
from gateway.visibility import is_outsider
from orders.errors import RejectedError, TransientError

SECONDS = 10.0
"""That an answer is waited for."""
_FIRST_GLANCE, _GLANCE = 0.005, 0.1
"""Seconds between looks for the answer: nothing announces it."""


class Moment(NamedTuple):
    """`occurred`: as it had happened by then, whenever it became known; else as it was known."""

    at: datetime
    occurred: bool

    @classmethod
    def of(cls, as_of: datetime | None, as_of_occurred: datetime | None) -> "Moment | None":
        """Raises RejectedError for both."""
        if as_of is not None and as_of_occurred is not None:
            raise RejectedError("ask for the order as it was known or as it had happened, one of the two")
        at = as_of or as_of_occurred
        if at is None:
            return None
        if at.tzinfo is None:
            raise RejectedError(f"an instant needs an offset, such as Z: {at.isoformat()}")
        return cls(at, as_of is None)


async def order_at(context: Context, batch: Batch[Any], by: Batch[Any], key: str, moment: Moment) -> Any:
    """The order as it was, of the `batch` by id; `by` is the one that the key is of.

    None of one that was not there then, or that is not the caller's, be it now or then. Raises RejectedError, and
    TransientError when nobody answers.
    """
    if "\0" in key:
        return None
    order_id = await _visible(context, by, key)
    if order_id is None:
        return None
    with context.aside():
        answer = await ask(context.pool, order_id, moment)
    return None if answer is None else await Past(context, order_id, moment, answer).one(batch, order_id)


async def _visible(context: Context, by: Batch[Any], key: str) -> str | None:
    """The order's id if the caller may see it now; our own people see the past of what is gone, too."""
    now = Snapshot(context.pool, lambda: context.sight)
    try:
        row = await now.fetchrow(by.statement, [key])
    finally:
        await now.close()
    if row is None:
        return None if is_outsider(context.sight.role) else key
    return str(row["id"])


async def ask(pool: Pool, order_id: str, moment: Moment) -> str | None:
    """The rows of the order, as JSON: table → rows. Raises RejectedError and TransientError."""
    async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
        request = await ask_past(connection, order_id, moment.at, occurred=moment.occurred)
    try:
        async with asyncio.timeout(SECONDS):
            answer = await _answered(pool, request)
    except TimeoutError:
        raise TransientError("the past is not told at present: nobody has answered; try again") from None
    if answer.problem is not None:
        raise RejectedError(f"this past cannot be told: {answer.problem}")
    return answer.rows


async def _answered(pool: Pool, request: int) -> PastAnswer:
    pause = _FIRST_GLANCE
    while True:
        async with pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
            answer = await past_answer(connection, request)
        if answer is not None:
            return answer
        await asyncio.sleep(pause)
        pause = min(2 * pause, _GLANCE)


class Past(Loaders):
    """Reads an answer as if it were the graph, and what belongs to what it has read, too."""

    def __init__(self, context: Context, order_id: str, moment: Moment, answer: str) -> None:
        super().__init__(self)
        self._context = context
        self._order_id = order_id
        self._moment = moment
        self._answer = answer

    async def fetch(self, name: str, *args: object) -> Sequence[asyncpg.Record]:
        """All rows that the caller may see. Raises RejectedError for what a past does not have."""
        statement, given = self._context.sight.statement(name, args)
        if "record.freshness" in statement:
            return []  # how fresh it is says something of the present only
        if "graph.inventory" in statement:
            raise RejectedError("stock is known as of now only: ask for it without an instant")
        sql, used = shown(statement, len(given) + 1, self._moment.occurred)
        values = {"answer": self._answer, "order": self._order_id, "at": self._moment.at}
        return await self._context.snapshot.run(sql, *given, *(values[name] for name in used))

    def made(self, batch: Batch[Any], row: asyncpg.Record) -> Any:
        found = super().made(batch, row)
        if is_dataclass(found):
            setattr(found, PAST, self)
        return found

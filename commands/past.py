"""What is asked about the past of an order. The projector answers, since it has the mappings; nothing of it is kept."""

from datetime import datetime

from msgspec import Struct

from commands.statements import SQL, Connection
from orders.errors import RejectedError


class PastAnswer(Struct, frozen=True):
    """`rows` is JSON, table of the graph → rows; None: there was no such order. `problem` is why there is no answer."""

    rows: str | None
    problem: str | None


async def ask_past(connection: Connection, order_id: str, at: datetime, *, occurred: bool) -> int:
    """The request's number. Raises RejectedError for an instant that is yet to come."""
    request: int | None = await connection.fetchval(SQL["ask_past"], order_id, at, occurred)
    if request is None:
        raise RejectedError("nobody knows yet: the instant lies in the future")
    return request


async def past_answer(connection: Connection, request: int) -> PastAnswer | None:
    """None while there is none, or none any more."""
    row = await connection.fetchrow(SQL["past_answer"], request)
    return None if row is None else PastAnswer(row["answer"], row["problem"])

"""What can be asked to be changed. A mutation stores a command; the system that owns the fact decides."""

from typing import Annotated

import strawberry

from commands.log import CommandKind, CommandRequest, HoldOrder, Payload, ReleaseHold, accept
from commands.ports import HoldReason
from gateway.database import CONNECT_TIMEOUT
from gateway.types.command import Command, command_of
from gateway.types.common import Info, column, resolved
from gateway.visibility import Secret

KEY = "Yours, 1 to 200 characters. The same key with the same request gives the same command, and no second effect."
FOR_OPERATIONS = (Secret.OPERATIONS,)
NOTE = "For the people who read it there, at most 2,000 characters."


@strawberry.input(description="An order that is to be put on hold.")
class HoldOrderInput:
    order_id: strawberry.ID = column("The order.")
    reason: HoldReason = column("Why.")
    note: str | None = strawberry.field(default=None, description=NOTE)
    idempotency_key: str = column(KEY)


@strawberry.input(description="An order whose hold is to be released.")
class ReleaseHoldInput:
    order_id: strawberry.ID = column("The order.")
    note: str | None = strawberry.field(default=None, description=NOTE)
    idempotency_key: str = column(KEY)


Hold = Annotated[HoldOrderInput, strawberry.argument(description="Which order, and why.")]
Release = Annotated[ReleaseHoldInput, strawberry.argument(description="Which order.")]


@strawberry.type(description="What can be asked to be changed; for operations.")
class Mutation:
    @resolved("Put an order on hold: nothing more of it is released to a warehouse.", secrets=FOR_OPERATIONS)
    async def hold_order(self, info: Info, input: Hold) -> Command:  # noqa: A002
        payload = HoldOrder(reason=input.reason, note=input.note)
        return await _accept(info, CommandKind.HOLD_ORDER, input.order_id, payload, input.idempotency_key)

    @resolved("Release an order's hold.", secrets=FOR_OPERATIONS)
    async def release_hold(self, info: Info, input: Release) -> Command:  # noqa: A002
        payload = ReleaseHold(note=input.note)
        return await _accept(info, CommandKind.RELEASE_HOLD, input.order_id, payload, input.idempotency_key)


async def _accept(info: Info, kind: CommandKind, order_id: str, payload: Payload, key: str) -> Command:
    """Keys are the caller's own: another one's same key is another command."""
    caller = info.context.caller
    request = CommandRequest(caller.subject, key, kind, order_id, payload, caller.subject)
    async with info.context.pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
        return command_of(await accept(connection, request))

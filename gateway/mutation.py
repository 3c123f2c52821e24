"""What can be asked to be changed. A mutation stores a command; the system that owns the fact decides."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from commands.letters import ask
from commands.log import CommandKind, CommandRequest, HoldOrder, Payload, ReleaseHold, accept
from commands.ports import HoldReason
from gateway.database import CONNECT_TIMEOUT
from gateway.types.command import Command, command_of
from gateway.types.common import Info, column, resolved
from gateway.types.dead_letter import DeadLetterRequest, letter_id, request_of
from gateway.visibility import Secret
from orders.letters import LetterAction

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


@strawberry.input(description="Dead letters that are to be tried again.")
class ReplayDeadLettersInput:
    letter_ids: list[strawberry.ID] = column("The dead letters, at most 100.")
    dry_run: bool = strawberry.field(default=False, description="Only tell what would change.")
    note: str | None = strawberry.field(default=None, description="Why, at most 2,000 characters.")
    idempotency_key: str = column(KEY)


@strawberry.input(description="Dead letters that are to be given up.")
class DiscardDeadLettersInput:
    letter_ids: list[strawberry.ID] = column("The dead letters, at most 100.")
    note: str = column("Why, at most 2,000 characters.")
    idempotency_key: str = column(KEY)


Replay = Annotated[ReplayDeadLettersInput, strawberry.argument(description="Which, and whether in earnest.")]
Discard = Annotated[DiscardDeadLettersInput, strawberry.argument(description="Which, and why.")]
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

    @resolved("Try dead letters again, once what was wrong is mended.", secrets=FOR_OPERATIONS)
    async def replay_dead_letters(self, info: Info, input: Replay) -> DeadLetterRequest:  # noqa: A002
        wish = (input.letter_ids, input.note, input.idempotency_key)
        return await _ask(info, LetterAction.REPLAY, *wish, dry_run=input.dry_run)

    @resolved("Give dead letters up: nobody waits for them any more.", secrets=FOR_OPERATIONS)
    async def discard_dead_letters(self, info: Info, input: Discard) -> DeadLetterRequest:  # noqa: A002
        return await _ask(info, LetterAction.DISCARD, input.letter_ids, input.note, input.idempotency_key)


async def _ask(
    info: Info, action: LetterAction, ids: Sequence[str], note: str | None, key: str, *, dry_run: bool = False
) -> DeadLetterRequest:
    """It is kept with who asked; the projector carries it out."""
    letters = [letter_id(each) for each in ids]
    async with info.context.pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
        asked = await ask(connection, info.context.caller.subject, key, action, letters, dry_run=dry_run, note=note)
    return request_of(asked)


async def _accept(info: Info, kind: CommandKind, order_id: str, payload: Payload, key: str) -> Command:
    """Keys are the caller's own: another one's same key is another command."""
    caller = info.context.caller
    request = CommandRequest(caller.subject, key, kind, order_id, payload, caller.subject)
    async with info.context.pool.acquire(timeout=CONNECT_TIMEOUT) as connection:
        return command_of(await accept(connection, request))

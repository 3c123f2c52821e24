"""Commands: what was asked of a source system, and what became of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from commands import log
from commands.log import CommandKind, CommandState
from gateway.cursors import FEED_CURSOR, feed_cursor
from gateway.loading import Batch, reader
from gateway.tables import Expression
from gateway.types.common import column, one, orders_by_id, resolved
from gateway.types.node import Node, identified
from gateway.visibility import Rows, Secret, visible

if TYPE_CHECKING:
    from gateway.types.order import Order

LaterOrder = Annotated["Order", strawberry.lazy("gateway.types.order")]

AFTER = Expression(f"coalesce({FEED_CURSOR.format(position='{t}.settled_position')}, {{t}}.id)")


@visible("command.command", rows=Rows())
@strawberry.federation.type(description="A wish to change something in the system that owns it.")
class Command(Node):
    order_id: strawberry.Private[str]
    settled_position: strawberry.Private[int | None]
    global_id: strawberry.ID = identified("Command", lambda: COMMAND_BY_ID)
    id: strawberry.ID = column("Its identifier; the changed system keeps it with the effect.")
    kind: CommandKind = column("What is asked for.")
    state: CommandState = column("How far it is.")
    outcome: str | None = column("Why it was rejected, needs a human or is not through yet.")
    attempts: int = column("How often it was sent.")
    requested_by: str | None = column("Who asked.", Secret.PERSONAL)
    accepted_at: datetime = column("When it was stored.")
    sent_at: datetime | None = column("When it was sent first.")
    applied_at: datetime | None = column("When the system that owns the order had it.")
    settled_at: datetime | None = column("When its effect was visible in the graph.")

    @resolved("Give it to a read as `after`, and the read waits until the effect is visible.", plan=AFTER)
    def after(self) -> str:
        return self.id if self.settled_position is None else feed_cursor(self.settled_position)

    order: LaterOrder | None = one("The order that it is about.", orders_by_id, "order_id")


COMMAND_BY_ID: Batch[Command] = Batch("commands_by_id", reader(Command))


def command_of(command: log.Command) -> Command:
    return Command(
        order_id=command.order_id,
        settled_position=command.settled_position,
        id=strawberry.ID(command.id),
        kind=command.kind,
        state=command.state,
        outcome=command.outcome,
        attempts=command.attempts,
        requested_by=command.requested_by,
        accepted_at=command.accepted_at,
        sent_at=command.sent_at,
        applied_at=command.applied_at,
        settled_at=command.settled_at,
    )

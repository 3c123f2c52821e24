"""Changes that nobody could use, and what is asked about them."""

from datetime import datetime

import strawberry

from commands.letters import LetterRequest
from gateway.loading import reader
from gateway.sizes import sized
from gateway.tables import Expression
from gateway.types.common import column, resolved
from gateway.types.operations import POSITION, position_of
from gateway.visibility import Rows, Secret, visible
from orders.errors import RejectedError
from orders.letters import LetterAction, LetterOutcome, Outcome

LETTERS, MOST_LETTERS = 50, 200
"""How many dead letters, unless asked for more, and at most."""


@visible("record.dead_letter", rows=Rows())
@strawberry.federation.type(description="A change that nobody could use; only its own document waits for it.")
class DeadLetter:
    bytes_: strawberry.Private[bytes]
    id: strawberry.ID = column("Its identifier.", plan=Expression("{t}.id::text"))
    source: str = column("Where the change came from.")
    table: str = column("The table, with its schema.", plan=Expression("{t}.tbl"))
    op: str = column("c: created, u: updated, d: deleted, r: read in a snapshot, t: truncated.")
    position: str = column("The place in the source's log.", plan=POSITION)
    kind: str = column("UNREADABLE, UNMAPPED, REFUSED by Postgres, or UNDERIVABLE: no state follows from it.")
    reason: str = column("Why it could not be used, and what to do.")
    document: str | None = column("The document that waits for it.", plan=Expression("{t}.doc"))
    order_id: strawberry.ID | None = column("The order that waits for it, as far as is known.")
    attempts: int = column("How often it was tried.")
    first_seen: datetime = column("When it came first.")
    last_seen: datetime = column("When it was tried last.")
    resolved_at: datetime | None = column("When it could be used after all, or was given up.")
    resolution: str | None = column("REPLAYED, SUPERSEDED: its row was told anew, or DISCARDED.")
    resolved_by: str | None = column("Who asked for that.", Secret.PERSONAL)

    @resolved("The change as it came; what is not UTF-8 is replaced.")
    def raw(self) -> str:
        return self.bytes_.decode(errors="replace")


@strawberry.federation.type(description="What a replay changes in the graph, or would change.")
class GraphDifference:
    table: str = column("The graph's table.")
    key: str = column("The row's key.")
    field: str | None = column("The column; null: the row itself came or went.")
    before: str | None = column("What stood there; a whole row as JSON.")
    after: str | None = column("What stands there then.")


@strawberry.federation.type(description="What became of one dead letter.")
class DeadLetterOutcome:
    letter_id: strawberry.ID = column("The dead letter.")
    became: LetterOutcome = column("What became of it.")
    reason: str | None = column("Why it still waits.")
    differences: list[GraphDifference] = column("What changes in the graph, at most 1,000.", size=sized(20))
    events: list[str] = column("The events that enter the feed: type, subject and identifier.")


@visible("command.dead_letter_request", rows=Rows())
@strawberry.federation.type(description="What was asked about dead letters. The projector carries it out.")
class DeadLetterRequest:
    id: strawberry.ID = column("Its identifier.")
    action: LetterAction = column("What is asked for.")
    dry_run: bool = column("It only tells what would change.")
    letter_ids: list[strawberry.ID] = column("The dead letters.")
    note: str | None = column("Why.")
    requested_by: str | None = column("Who asked.", Secret.PERSONAL)
    requested_at: datetime = column("When it was stored.")
    done_at: datetime | None = column("When it was carried out; null: it waits for the projector.")
    outcomes: list[DeadLetterOutcome] = column("What became of each; empty until it is carried out.", size=sized(2))


read_dead_letter = reader(
    DeadLetter,
    id=lambda row: strawberry.ID(str(row["id"])),
    table=lambda row: row["tbl"],
    document=lambda row: row["doc"],
    bytes_=lambda row: row["raw"],
    position=position_of,
)


def request_of(request: LetterRequest) -> DeadLetterRequest:
    return DeadLetterRequest(
        id=strawberry.ID(str(request.id)),
        action=request.action,
        dry_run=request.dry_run,
        letter_ids=[strawberry.ID(str(letter)) for letter in request.letters],
        note=request.note,
        requested_by=request.requested_by,
        requested_at=request.requested_at,
        done_at=request.done_at,
        outcomes=[_outcome(each) for each in request.outcome or ()],
    )


def _outcome(outcome: Outcome) -> DeadLetterOutcome:
    return DeadLetterOutcome(
        letter_id=strawberry.ID(str(outcome.letter)),
        became=outcome.became,
        reason=outcome.reason,
        differences=[
            GraphDifference(table=d.table, key=d.key, field=d.column, before=d.before, after=d.after)
            for d in outcome.differences
        ],
        events=list(outcome.events),
    )


def letter_id(given: str) -> int:
    """Raises RejectedError."""
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise RejectedError(f"a dead letter is called by a number, not {given[:80]!r}")
    return int(given)

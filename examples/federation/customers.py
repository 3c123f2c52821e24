"""The customers' subgraph: it owns what sales knows of a customer, and the tickets of its service desk."""

from pathlib import Path

import msgspec
import strawberry
from strawberry.federation import Schema
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from examples.federation.neighbor import VERSION, Asked, Neighbor
from gateway.auth import SCOPES, Principal, Role, TokenCheck


class Row(msgspec.Struct, frozen=True):
    """A customer; `tickets` are pairs of a subject and an order's number."""

    id: str
    tier: str
    contact: str
    tickets: list[tuple[str, str]] = []


Info = strawberry.Info[Asked[Row], None]


@strawberry.federation.type(keys=[Key(fields=FieldSet("number"), resolvable=False)])
class Order:
    """Milepost's; only its key is known here."""

    number: str


@strawberry.federation.type(description="A question to the service desk.")
class Ticket:
    subject: str
    order: Order | None


@strawberry.federation.type(keys=["id"], description="Who orders.")
class Customer:
    id: strawberry.ID
    tier: str = strawberry.field(description="GOLD, SILVER or BRONZE.")
    contact: str = strawberry.field(description="An address for mail.")
    tickets: list[Ticket]

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID) -> "Customer | None":  # noqa: A002
        row = info.context.rows.get(id)
        return _shown(row) if row and _sees(info.context.caller, row) else None


def _sees(caller: Principal, row: Row) -> bool:
    """A customer sees the accounts that its token names, other outsiders none."""
    return caller.role not in SCOPES or (caller.role is Role.CUSTOMER and row.id in caller.scope)


def _shown(row: Row) -> Customer:
    tickets = [Ticket(subject=subject, order=Order(number=number)) for subject, number in row.tickets]
    return Customer(id=strawberry.ID(row.id), tier=row.tier, contact=row.contact, tickets=tickets)


def _customers(info: Info) -> list[Customer]:
    return [_shown(row) for row in info.context.rows.values() if _sees(info.context.caller, row)]


@strawberry.type
class Query:
    customers: list[Customer] = strawberry.field(
        resolver=_customers, description="The customers that the caller may see."
    )


schema = Schema(query=Query, federation_version=VERSION)


def neighbor(tokens: TokenCheck, file: Path) -> Neighbor[Row]:
    rows = msgspec.json.decode(file.read_bytes(), type=list[Row])
    return Neighbor(schema, tokens, {row.id: row for row in rows})

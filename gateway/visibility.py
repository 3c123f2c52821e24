"""Who sees what. Rules are declared on the types, and put into every statement and every field.

Rows: one that the caller may not see is as if it were not there, in whatever statement it is looked for. A table that
no type has a rule for shows nothing to outsiders. Fields: what is secret from the caller is null, with an error.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeVar

import asyncpg
import strawberry
from strawberry.extensions.field_extension import FieldExtension

from gateway.auth import WRITERS, Principal, Role
from gateway.statements import SQL
from orders.errors import ForbiddenError

T = TypeVar("T", bound=type)


class Rows(NamedTuple):
    """Conditions on the row `t`; `$scope` is an array of the caller's accounts, channels or sources.

    Our own people see all rows.
    """

    customer: str = "false"
    channel: str = "false"
    partner: str = "false"


HANDLED = (
    "(exists (select from graph.fulfillment_order x where x.order_id = {0} and x.source = any($scope))"
    " or exists (select from graph.shipment x where x.order_id = {0} and x.source = any($scope)))"
)
"""A partner handles the order with this id."""
OF_PARTNER = "t.source = any($scope)"
ORDERS = Rows("t.customer_id = any($scope)", "t.channel = any($scope)", HANDLED.format("t.id"))
ANYONE = Rows("true", "true", "true")


def through_orders(key: str, partner: str = HANDLED.format("t.order_id")) -> Rows:
    """The caller may see one of the orders `o` for which `key` holds."""
    found = "exists (select from graph.orders o where {0} and o.{1} = any($scope))"
    return Rows(found.format(key, "customer_id"), found.format(key, "channel"), partner)


OF_ORDER = through_orders("o.id = t.order_id")

TABLES: dict[str, Rows] = {"record.feed_head": ANYONE, "graph.revision": ANYONE}
"""Table → who sees which of its rows."""


def visible(*tables: str, rows: Rows) -> Callable[[T], T]:
    """Declares whose rows of `tables` callers see, on the type that shows them."""
    TABLES.update(dict.fromkeys(tables, rows))
    return lambda cls: cls


class Sight(NamedTuple):
    """What a caller may see: all of it, or what `scope` names."""

    role: Role
    scope: frozenset[str] = frozenset()

    def statement(self, name: str, args: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
        """The named statement over what can be seen, with its arguments."""
        sql, scoped = seen(name, self.role)
        return sql, (*args, sorted(self.scope)) if scoped else args

    def takes(self, event: asyncpg.Record) -> bool:
        """Whether a row of feed_tail is one that its rule for record.feed lets through."""
        match self.role:
            case Role.CUSTOMER:
                return event["customer_id"] in self.scope
            case Role.CHANNEL:
                return event["channel"] in self.scope
            case Role.PARTNER:
                return self._partner(event)
        return True

    def _partner(self, event: asyncpg.Record) -> bool:
        kind, ident = event["subject"], event["subject_id"]
        if kind in ("order", "return"):
            return not self.scope.isdisjoint(event["partners"])
        return kind in ("shipment", "fulfillment_order") and ident.partition(":")[0] in self.scope


def named(kind: str, ident: str) -> Rows:
    """A partner is told of orders that it handles and of its own shipments, not of other partners' or of invoices."""
    of_order = f"t.{kind} in ('order', 'return') and {HANDLED.format('t.order_id')}"
    own = f"t.{kind} in ('shipment', 'fulfillment_order') and split_part(t.{ident}, ':', 1) = any($scope)"
    return through_orders("o.id = t.order_id", f"({of_order} or {own})")


EVENTS = named("subject", "subject_id")
REFERENCES = named("target", "target_id")

_OUTSIDERS: Mapping[Role, str] = {Role.CUSTOMER: "customer", Role.CHANNEL: "channel", Role.PARTNER: "partner"}
_TABLE = re.compile(r"\b((?:graph|record|command)\.\w+)\b(?!\()(?:/\* of (\w+) \*/)?")
_PARAMETER = re.compile(r"\$(\d+)")


@cache
def seen(name: str, role: Role) -> tuple[str, bool]:
    """The named statement with each table cut down to what the role sees, and whether it takes the scope at its end."""
    return limited(SQL[name], role, max((int(n) for n in _PARAMETER.findall(SQL[name])), default=0) + 1)


def limited(sql: str, role: Role, scope: int, *, single: bool = False) -> tuple[str, bool]:
    """As `seen`, of any statement; the scope is its parameter of that number: an array, or a `single` name.

    Of a single name Postgres knows that an index which begins with it gives the rows in the rest of its order.
    """
    if role not in _OUTSIDERS:
        return sql, False
    cut = _TABLE.sub(lambda found: _cut(found[1], found[2], _OUTSIDERS[role]), sql)
    parameter = f"${scope}::text" if single else f"any(${scope}::text[])"
    return cut.replace("any($scope)", parameter), "$scope" in cut


def belonging(sql: str, order: str) -> str:
    """The statement, whose tables are read for the order in the row `order`, which the caller may see.

    Whose rows are seen with their order are this order's, and nothing needs to be looked up again.
    """
    return _TABLE.sub(lambda found: f"{found[1]}/* of {order} */", sql)


def _cut(table: str, order: str | None, role: str) -> str:
    condition = getattr(TABLES.get(table, Rows()), role)
    if condition == "true":
        return table
    if order is not None and condition == getattr(OF_ORDER, role):
        condition = f"t.order_id = {order}.id"
    return f"(select t.* from {table} t where {condition})"  # noqa: S608  # ours


def is_outsider(role: Role) -> bool:
    """Whether only some rows are the role's to see."""
    return role in _OUTSIDERS


class Secret(StrEnum):
    """What a field tells or does; the name of a router's policy too."""

    PRICES = "prices"
    PERSONAL = "personal"
    INTERNAL = "internal"
    OPERATIONS = "operations"


HIDDEN_FROM: Mapping[Secret, frozenset[Role]] = {
    Secret.PRICES: frozenset({Role.PARTNER}),
    Secret.PERSONAL: frozenset({Role.ANALYTICS}),
    Secret.INTERNAL: frozenset(_OUTSIDERS),
    Secret.OPERATIONS: frozenset(Role) - WRITERS,
}


def check(secrets: Iterable[Secret], caller: Principal) -> None:
    """Raises ForbiddenError for what the caller's role must not read."""
    for secret in secrets:
        if caller.role in HIDDEN_FROM[secret]:
            raise ForbiddenError(f"this field ({secret.value}) is not for the role {caller.role.value}")


class Guard(FieldExtension):
    """Answers a secret field only to whom it is for."""

    def __init__(self, *secrets: Secret) -> None:
        self.secrets = secrets

    # By place: a field's own argument may be called `source` too.
    def resolve(self, next_: Callable[..., Any], source: Any, info: strawberry.Info, /, **arguments: Any) -> Any:  # type: ignore[override]
        check(self.secrets, info.context.caller)
        return next_(source, info, **arguments)

    async def resolve_async(  # type: ignore[override]
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: strawberry.Info, /, **arguments: Any
    ) -> Any:
        check(self.secrets, info.context.caller)
        return await next_(source, info, **arguments)

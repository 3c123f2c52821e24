"""What several types share."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast, overload

import strawberry
from strawberry.federation.schema_directives import ListSize

from gateway.context import Context
from gateway.loading import Batch, reading
from gateway.tables import KEY, Choice, Expression, Latest, Pages, Part, Relation, Shown
from gateway.visibility import Guard, Secret
from orders.errors import NotFoundError, RejectedError

Info = strawberry.Info[Context, None]
T = TypeVar("T")
Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def column(
    description: str,
    *secrets: Secret,
    plan: Part | Choice | Expression | Shown | None = None,
    shareable: bool = False,
    size: ListSize | None = None,
) -> Any:
    """A field that is the column of its name; one that is secret from somebody can be null; a list says its size.

    `plan` says how it lies in the row, where it is no column; `shareable` that a neighbor may have the field too.
    """
    mapping = {} if plan is None else {KEY: plan}
    return strawberry.federation.field(
        description=description,
        metadata=mapping,
        shareable=shareable,
        directives=() if size is None else (size,),
        **guarded(secrets),
    )


def resolved(
    description: str,
    size: ListSize | None = None,
    secrets: Sequence[Secret] = (),
    plan: Expression | Part | Latest | Pages | None = None,
) -> Callable[[Resolver], Resolver]:
    """A field that is worked out, by the method below; mutations too. A list declares its size, for the costs.

    `plan` is the same in SQL.
    """
    directives = () if size is None else (size,)
    mapping = {} if plan is None else {KEY: plan}
    # Strawberry's own decorator is not typed.
    return cast(
        "Callable[[Resolver], Resolver]",
        strawberry.federation.field(
            description=description, directives=directives, metadata=mapping, **guarded(secrets)
        ),
    )


def many(description: str, batch: Callable[[], Batch[Any]], key: str, size: ListSize, cast: str = "") -> Any:
    """A list: the rows of the batch whose parent is the attribute `key`, which is a column too.

    `cast` is what makes a text of the column in SQL, where it is none.
    """
    return _related(Relation(batch, key, many=True, cast=cast), description, (size,))


def one(description: str, batch: Callable[[], Batch[Any]], key: str) -> Any:
    """The first of them, or null."""
    return _related(Relation(batch, key, many=False), description, ())


def _related(relation: Relation, description: str, directives: Sequence[object]) -> Any:
    async def resolve(root: Any, info: Info) -> Any:
        reads = reading(root, info.context)
        read = reads.many if relation.many else reads.one
        key = getattr(root, relation.key)
        return await read(relation.batch(), str(key) if relation.cast else key)

    return strawberry.federation.field(
        resolver=resolve, description=description, directives=directives, metadata={KEY: relation}
    )


def orders_by_id() -> Batch[Any]:
    """For the types that belong to an order and are declared before it."""
    from gateway.types.order import ORDER_BY_ID

    return ORDER_BY_ID


def guarded(secrets: Sequence[Secret]) -> dict[str, Any]:
    """What makes a field secret, here and for a router."""
    if not secrets:
        return {}
    return {"extensions": [Guard(*secrets)], "policy": [[secret.value for secret in secrets]]}


def followed(description: str) -> Callable[[Resolver], Resolver]:
    """A field of the subscription."""
    return cast("Callable[[Resolver], Resolver]", strawberry.subscription(description=description))


@strawberry.federation.type(shareable=True, description="An amount of money.")
class Money:
    amount: Decimal = column("In the currency's main unit.")
    currency: str = column("ISO 4217 code.")


def priced(column: str) -> Part:
    """Money in a column beside the column `currency`."""
    return Part({"amount": f"{{t}}.{column}::text", "currency": "{t}.currency"}, null_if=f"{{t}}.{column}")


@overload
def money(amount: Decimal, currency: str) -> Money: ...
@overload
def money(amount: Decimal | None, currency: str) -> Money | None: ...
def money(amount: Decimal | None, currency: str) -> Money | None:
    """None of no amount."""
    return None if amount is None else Money(amount=amount, currency=currency)


def entity(keys: Callable[[], Mapping[str, Batch[T]]]) -> Any:
    """A type's `resolve_reference`: what a neighbour's representation names, by the first of its keys that is there.

    `keys` is called late, since batches are made of the types. Raises RejectedError, and NotFoundError for what is not
    there and for what is not the caller's alike.
    """

    async def resolve_reference(info: Info, given: Mapping[str, object]) -> T:
        for name, batch in keys().items():
            key = given.get(name)
            if isinstance(key, str):
                found = await info.context.one(batch, key)
                return found_by(name, key, found)
        raise RejectedError(f"a representation gives a key of its type as a text: {' or '.join(keys())}")

    return staticmethod(resolve_reference)


def found_by(name: str, key: str, found: T | None) -> T:
    """Raises NotFoundError."""
    if found is None:
        raise NotFoundError(f"nothing here has the {name} {key[:80]!r}")
    return found


def entity_of(types: Mapping[str, Any], info: Info, given: object) -> Awaitable[object] | RejectedError:
    """What a representation of one of `types`, or what is wrong with it."""
    name = given.get("__typename") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(name, str) or name not in types:
        return RejectedError(f"a representation gives a __typename, one of {', '.join(types)}")
    found: Awaitable[object] = types[name].resolve_reference(info, given)
    return found


def page_size(asked: int | None, default: int, most: int) -> int:
    """Raises RejectedError."""
    size = default if asked is None else asked
    if not 1 <= size <= most:
        raise RejectedError(f"ask for 1 to {most} at a time, not {size}")
    return size

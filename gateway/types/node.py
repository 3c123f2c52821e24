"""Relay's global ids: which thing of which type. An `id` is the business's own word and unique within a type only."""

from collections.abc import Callable
from typing import Any

import strawberry

from gateway.cursors import GLOBAL_ID, global_id, global_name
from gateway.loading import Batch
from gateway.tables import KEY, Expression
from gateway.types.common import Info
from orders.errors import RejectedError

_TEXT = "Names it among all things of all types; `node` takes it."


@strawberry.federation.interface(description="What `node` finds by its `globalId`.")
class Node:
    global_id: strawberry.ID = strawberry.federation.field(description=_TEXT)


NODES: dict[str, Callable[[], Batch[Any]]] = {}
"""Type → its batch by the key that is in its global ids."""


def identified(kind: str, batch: Callable[[], Batch[Any]], key: str = "id") -> Any:
    """The `globalId` of the type of this name, whose key in the batch is this column."""
    NODES[kind] = batch

    def resolve(root: Any) -> strawberry.ID:
        return strawberry.ID(global_id(kind, getattr(root, key)))

    plan = Expression(GLOBAL_ID.format(kind=kind, key=f"{{t}}.{key}"))
    return strawberry.federation.field(resolver=resolve, description=_TEXT, metadata={KEY: plan})


async def node_of(info: Info, name: str) -> Node | None:
    """What the global id names; None when it is not there or not for the caller. Raises RejectedError."""
    kind, key = global_name(name)
    if kind not in NODES:
        raise RejectedError(f"there is no node of the type {kind[:80]!r}, only {', '.join(sorted(NODES))}")
    return await info.context.one(NODES[kind](), key)

"""Answers of which a part is compiled and the rest executed."""

from dataclasses import replace
from typing import Any

import msgspec
from strawberry.types import ExecutionResult

from gateway.cost import DOOR, objects_in
from gateway.plan.plans import Plan

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def merged(plan: Plan, data: bytes, rest: ExecutionResult) -> ExecutionResult:
    """The fields in the order of the document; with none where the rest says that there is no answer."""
    fields = None
    if rest.data is not None:
        found: dict[str, Any] = {**_FIELDS.decode(data), **rest.data}
        fields = {key: found[key] for key in plan.statement.keys if key in found}
    extensions = rest.extensions or {}
    if "cost" in extensions:
        actual = {} if fields is None else {"actual": counted(fields) + dear(extensions["cost"], rest.data)}
        extensions = extensions | {"cost": {**extensions["cost"], "requested": plan.cost, **actual}}
    return replace(rest, data=fields, extensions=extensions)


def counted(fields: Any) -> int:
    return max(objects_in(msgspec.json.encode(fields)), DOOR)


def dear(cost: dict[str, int], data: Any) -> int:
    """What the rest cost beside its objects."""
    return cost["actual"] - counted(data)

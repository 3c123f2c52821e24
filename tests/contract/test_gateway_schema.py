"""schema.graphql is what the code serves, and everything in it is explained."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
)

from commands.log import CommandKind, CommandState
from commands.ports import HoldReason
from gateway.schema import schema, sdl
from orders import states

ROOT = Path(__file__).parents[2]
OF_FEDERATION = {"_Any", "_Entity", "_Service", "_FieldSet", "_entities", "_service", "link__Purpose", "link__Import"}
OF_GRAPHQL = {"String", "Int", "Float", "Boolean", "ID"}
TYPES = [
    kind
    for name, kind in schema._schema.type_map.items()
    if not name.startswith("__") and name not in OF_FEDERATION | OF_GRAPHQL
]


def test_the_file_is_what_is_served() -> None:
    assert (ROOT / "schema.graphql").read_text() == sdl(), "python -m gateway.schema > schema.graphql"


def test_the_command_prints_it() -> None:
    command = [sys.executable, "-m", "gateway.schema"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == sdl()


def parts(kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Everything in the type that can be described, with its description."""
    yield kind.name, kind.description
    if isinstance(kind, GraphQLEnumType):
        yield from ((f"{kind.name}.{name}", value.description) for name, value in kind.values.items())
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            if name not in OF_FEDERATION:
                yield f"{kind.name}.{name}", field.description
                yield from ((f"{kind.name}.{name}({arg})", value.description) for arg, value in field.args.items())
    if isinstance(kind, GraphQLInputObjectType):
        yield from ((f"{kind.name}.{name}", field.description) for name, field in kind.fields.items())


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_everything_is_described(kind: GraphQLNamedType) -> None:
    assert not [name for name, description in parts(kind) if not description]


def test_american_spelling() -> None:
    text = sdl().lower()
    assert not [word for word in ("fulfilment", "cancelation", "authoris", "organis", "colour") if word in text]


@pytest.mark.parametrize(
    ("name", "enum"),
    [
        ("CommercialState", states.Commercial),
        ("FulfillmentState", states.Fulfillment),
        ("DeliveryState", states.Delivery),
        ("FinancialState", states.Financial),
        ("ReturnState", states.Return),
        ("OrderHealth", states.Health),
        ("DisplayStatus", states.DisplayStatus),
        ("Milestone", states.Milestone),
        ("Overlay", states.Overlay),
        ("EventType", states.EventType),
        ("ReasonFamily", states.ReasonFamily),
        ("CommandKind", CommandKind),
        ("CommandState", CommandState),
        ("HoldReason", HoldReason),
    ],
)
def test_states_are_served_by_their_names(name: str, enum: type) -> None:
    kind = schema._schema.type_map[name]
    assert isinstance(kind, GraphQLEnumType)
    assert list(kind.values) == list(enum.__members__)  # type: ignore[attr-defined]

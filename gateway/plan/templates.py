"""Documents whose arguments are constants or keys: they are bound without looking at their types again."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    ArgumentNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

from gateway.plan.binding import Bound, Site, UncompilableError
from gateway.plan.roots import ByKey

_TEXTS = frozenset({"ID", "String"})


class Slot(NamedTuple):
    """A key that the variable gives."""

    binder: ByKey
    argument: str
    variable: str


class Template(NamedTuple):
    """The slots and the constants of a document."""

    parts: Sequence[Slot | Bound]

    def bind(self, given: Mapping[str, Any]) -> Sequence[Bound] | None:
        """None for what must be looked at closely."""
        found = []
        for part in self.parts:
            if isinstance(part, Slot):
                value = given.get(part.variable)
                if type(value) is not str:
                    return None
                try:
                    part = part.binder.bind({part.argument: value})
                except UncompilableError:
                    return None
            found.append(part)
        return found


def template_of(operation: OperationDefinitionNode, sites: Sequence[Site], bound: Sequence[Bound]) -> Template | None:
    texts = {v.variable.name.value for v in operation.variable_definitions or () if is_text(v)}
    parts = [part_of(site, each, texts) for site, each in zip(sites, bound, strict=True)]
    slots = {part.variable for part in parts if isinstance(part, Slot)}
    declared = {v.variable.name.value for v in operation.variable_definitions or ()}
    return Template([part for part in parts if part]) if all(parts) and slots == declared else None


def is_text(definition: VariableDefinitionNode) -> bool:
    kind = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
    return isinstance(kind, NamedTypeNode) and kind.name.value in _TEXTS and definition.default_value is None


def part_of(site: Site, bound: Bound, texts: set[str]) -> Slot | Bound | None:
    arguments = site.node.arguments or ()
    if not any(map(has_variable, arguments)):
        return bound
    value = arguments[0].value
    if len(arguments) > 1 or not isinstance(site.binder, ByKey) or not isinstance(value, VariableNode):
        return None
    variable = value.name.value
    return Slot(site.binder, arguments[0].name.value, variable) if variable in texts else None


def has_variable(argument: ArgumentNode) -> bool:
    found: list[VariableNode] = []

    class Variables(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            found.append(node)

    visit(argument, Variables())
    return bool(found)

"""Documents, read once: what is valid, what it asks of each root field, and what is left of it without some of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails

from gateway.plan.binding import Argued, Details, Site
from gateway.plan.inputs import Variable, variables_of
from gateway.plan.kept import Kept


class Root(NamedTuple):
    """A root field: `sites` are it and what below it has arguments; none where no binder knows it."""

    details: Details
    sites: Sequence[Site]
    argued: Sequence[Argued]


Roots = Mapping[str, Root]
"""By response key."""


@dataclass(frozen=True, eq=False)
class Operation:
    """A valid query. `conditions` are the variables that @skip and @include ask; `roots` are kept by their values."""

    node: OperationDefinitionNode
    variables: Sequence[Variable]
    fragments: Mapping[str, FragmentDetails]
    definitions: Mapping[str, FragmentDefinitionNode]
    conditions: Sequence[str]
    roots: Kept[tuple[object, ...], Roots]


def operation_of(schema: GraphQLSchema, document: DocumentNode, node: OperationDefinitionNode) -> Operation:
    """Raises UnfitError."""
    variables = variables_of(schema, node.variable_definitions or ())
    definitions = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    fragments = {key: FragmentDetails(each) for key, each in definitions.items()}
    return Operation(node, variables, fragments, definitions, conditions_of(document), Kept(16))


def conditions_of(document: DocumentNode) -> Sequence[str]:
    """The variables that decide about what is selected."""
    found: set[str] = set()

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            for argument in node.arguments or ():
                if isinstance(argument.value, VariableNode):
                    found.add(argument.value.name.value)

    visit(document, Conditions())
    return sorted(found)


def rest_of(operation: Operation, roots: Iterable[Details]) -> str:
    """A document that asks for these root fields alone, with the variables and fragments that they use."""
    fields = tuple(each.node for details in roots for each in details)
    used = _Used(operation.definitions)
    for field in fields:
        visit(field, used)
    node = operation.node
    variables = [v for v in node.variable_definitions or () if v.variable.name.value in used.variables]
    query = OperationDefinitionNode(
        operation=node.operation,
        name=node.name,
        variable_definitions=tuple(variables),
        directives=(),
        selection_set=SelectionSetNode(selections=fields),
    )
    fragments = [operation.definitions[name] for name in sorted(used.fragments)]
    return print_ast(DocumentNode(definitions=(query, *fragments)))


class _Used(Visitor):
    """Names of variables and fragments, in fragments that are spread too."""

    def __init__(self, definitions: Mapping[str, Node]) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: set[str] = set()
        self._definitions = definitions

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        if node.name.value not in self.fragments:
            self.fragments.add(node.name.value)
            visit(self._definitions[node.name.value], self)

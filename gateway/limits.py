"""What a document may ask for at once: checked before anything runs, and cached with the document."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValidationContext,
)

ROOTS = {OperationType.QUERY: 20, OperationType.MUTATION: 5, OperationType.SUBSCRIPTION: 1}
"""The most root fields of an operation: each is work of its own, and a mutation's is an effect."""


DIRECTIVES = 50
"""The most in a document."""


class DirectivesRule(ASTValidationRule):
    """Each is looked at many times over."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._found = 0

    def enter_directive(self, *_: Any) -> None:
        self._found += 1

    def leave_document(self, node: DocumentNode, *_: Any) -> None:
        if self._found > DIRECTIVES:
            self.report_error(GraphQLError(f"{self._found} directives found. Allowed: {DIRECTIVES}", node))


class RootFieldsRule(ASTValidationRule):
    """Counts what would be executed: a field that comes twice under one name is one, whatever fragments it is in."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        most, found = ROOTS[node.operation], len(set(self._names(node.selection_set, set())))
        if found > most:
            message = f"{found} root fields found. Allowed: {most} in a {node.operation.value}"
            self.report_error(GraphQLError(message, node))

    def _names(self, selections: SelectionSetNode, seen: set[str]) -> Iterator[str]:
        """`seen` are the fragments that were looked into, so that circles end and each is looked into once."""
        for selection in selections.selections:
            match selection:
                case FieldNode():
                    yield (selection.alias or selection.name).value
                case InlineFragmentNode():
                    yield from self._names(selection.selection_set, seen)
                case FragmentSpreadNode() if selection.name.value not in seen:
                    seen.add(selection.name.value)
                    fragment = self.context.get_fragment(selection.name.value)
                    if fragment is not None:
                        yield from self._names(fragment.selection_set, seen)

"""What is left of a document without some of its root fields."""

import pytest
from graphql import OperationDefinitionNode, parse, print_ast, validate
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import VariableValues

from gateway.plan.documents import operation_of, rest_of
from gateway.schema import schema

DOCUMENT = """
query Both($id: ID!, $sku: String, $size: Int, $yes: Boolean = true) {
  ...Roots
  order(id: $id) { ...Page }
}
fragment Roots on Query { inventory(sku: $sku) { ...Stock } deadLetters(first: $size) @include(if: $yes) { id } }
fragment Stock on Inventory { sku ...More }
fragment More on Inventory { warehouse product { ...Article } }
fragment Article on Product { description }
fragment Page on Order { id lines { product { ...Article } } }
"""


def rest(*keys: str) -> str:
    document = parse(DOCUMENT)
    node = document.definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    operation = operation_of(schema._schema, document, node)
    variables = VariableValues({}, {"yes": True})
    kind = schema._schema.query_type
    assert kind is not None
    found = collect_fields(schema._schema, dict(operation.fragments), variables, kind, node).grouped_field_set
    return rest_of(operation, [found[key] for key in keys])


@pytest.mark.parametrize("keys", [("inventory",), ("deadLetters",), ("order",), ("inventory", "deadLetters")])
def test_it_is_a_valid_document_of_these_fields(keys: tuple[str, ...]) -> None:
    assert validate(schema._schema, parse(rest(*keys))) == []


def test_it_has_the_fragments_and_variables_that_it_uses_and_no_others() -> None:
    assert rest("inventory") == print_ast(
        parse(
            "query Both($sku: String) { inventory(sku: $sku) { ...Stock } }"
            "fragment Article on Product { description }"
            "fragment More on Inventory { warehouse product { ...Article } }"
            "fragment Stock on Inventory { sku ...More }"
        )
    )


def test_a_condition_on_the_field_itself_stays() -> None:
    assert rest("deadLetters").startswith("query Both($size: Int, $yes: Boolean = true)")

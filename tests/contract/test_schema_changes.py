"""What breaks clients is found by its kind, and passes only when the CHANGELOG says so."""

import pytest
from graphql.utilities import BreakingChangeType

from gateway.changes import CHANGELOG, RELEASED, compare
from gateway.schema import sdl

OLD = """
interface Named { name: String }
type Order implements Named { name: String note: String total(unit: String, exact: Boolean): Int }
type Line { sku: String! }
union Found = Order | Line
enum State { OPEN CLOSED }
input Filter { text: String }
directive @shown(by: String) repeatable on FIELD | QUERY
scalar Word
scalar Gone
type Query { order: Order found: Found state(filter: Filter): State word: Word _service: _Service! }
type _Service { sdl: String! }
"""
BREAKING = [
    ("TYPE_REMOVED", "scalar Gone\n", "", "Gone"),
    ("TYPE_CHANGED_KIND", "scalar Word", "enum Word { A }", "Word"),
    ("TYPE_REMOVED_FROM_UNION", "= Order | Line", "= Order", "Line"),
    ("VALUE_REMOVED_FROM_ENUM", "OPEN CLOSED", "OPEN", "State.CLOSED"),
    ("REQUIRED_INPUT_FIELD_ADDED", "text: String", "text: String size: Int!", "Filter.size"),
    ("IMPLEMENTED_INTERFACE_REMOVED", "Order implements Named", "Order", "Order"),
    ("FIELD_REMOVED", "note: String ", "", "Order.note"),
    ("FIELD_CHANGED_KIND", "note: String", "note: Int", "Order.note"),
    ("FIELD_CHANGED_KIND", "sku: String!", "sku: String", "Line.sku"),
    ("REQUIRED_ARG_ADDED", "exact: Boolean", "exact: Boolean, at: Int!", "Order.total(at:)"),
    ("ARG_REMOVED", ", exact: Boolean", "", "Order.total(exact:)"),
    ("ARG_CHANGED_KIND", "exact: Boolean", "exact: Int", "Order.total(exact:)"),
    ("DIRECTIVE_REMOVED", "directive @shown(by: String) repeatable on FIELD | QUERY\n", "", "@shown"),
    ("DIRECTIVE_ARG_REMOVED", "(by: String)", "", "@shown(by:)"),
    ("REQUIRED_DIRECTIVE_ARG_ADDED", "(by: String)", "(by: String, to: Int!)", "@shown(to:)"),
    ("DIRECTIVE_REPEATABLE_REMOVED", " repeatable", "", "@shown"),
    ("DIRECTIVE_LOCATION_REMOVED", " | QUERY", "", "QUERY"),
]


@pytest.mark.parametrize(("kind", "before", "after", "coordinate"), BREAKING)
def test_what_breaks_clients_is_to_be_declared(kind: str, before: str, after: str, coordinate: str) -> None:
    assert OLD.count(before) == 1
    new = OLD.replace(before, after)
    (line,) = compare(OLD, new, "").undeclared
    assert line.startswith(f"- Breaking: `{coordinate}`: ")
    found = compare(OLD, new, f"## Unreleased\n\n{line}\n")
    assert (found.undeclared, len(found.declared)) == ([], 1)


def test_every_kind_is_shown() -> None:
    assert {kind for kind, *_ in BREAKING} == {kind.name for kind in BreakingChangeType}


def test_only_what_is_not_yet_released_declares() -> None:
    new = OLD.replace("note: String ", "")
    told = "- Breaking: `Order.note`: Field Order.note was removed.\n"
    assert compare(OLD, new, f"## Unreleased\n\n## 0.1.0\n\n{told}").undeclared == [told.strip()]
    assert compare(OLD, new, f"## Unreleased\n\n{told}\n## 0.1.0\n").undeclared == []
    assert compare(OLD, new, "## Unreleased\n\n- Breaking: `Order.name`: it was removed.\n").undeclared == [
        told.strip()
    ]


def test_what_may_surprise_clients_is_told_and_passes() -> None:
    found = compare(OLD, OLD.replace("OPEN CLOSED", "OPEN CLOSED HELD"), "")
    assert (found.undeclared, found.dangerous) == ([], ["Enum value State.HELD was added."])


@pytest.mark.parametrize("part", [" _service: _Service!", "type _Service { sdl: String! }\n"])
def test_what_federation_adds_is_left_out(part: str) -> None:
    assert compare(OLD, OLD.replace(part, ""), "") == ([], [], [])


def test_nothing_breaks_since_the_last_release() -> None:
    assert compare(RELEASED.read_text(), sdl(), CHANGELOG.read_text()).undeclared == []

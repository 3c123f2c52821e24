"""What has changed in the schema since the last release: `python -m gateway.changes` fails for what breaks clients.

Such a change is declared in CHANGELOG.md, under Unreleased, by a line that names it: "- Breaking: `Order.note`: …".
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from graphql import (
    REMOVE,
    FieldDefinitionNode,
    GraphQLSchema,
    Node,
    TypeDefinitionNode,
    Visitor,
    build_ast_schema,
    parse,
    visit,
)
from graphql.language.visitor import VisitorAction
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from gateway.schema import sdl

ROOT = Path(__file__).parents[1]
RELEASED = ROOT / "docs" / "released.graphql"
CHANGELOG = ROOT / "CHANGELOG.md"

_UNRELEASED = re.compile(r"^## Unreleased$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_DECLARED = re.compile(r"^- Breaking: `([^`]+)`", re.MULTILINE)
_COORDINATE = re.compile(
    r"(?:(?:Field|Argument|Enum value|A required \w+|Standard scalar|Directive|Repeatable flag was removed from) )?"
    r"(\S+?)\.?(?: |$)"
)


class Changes(NamedTuple):
    """Sentences that name what has changed; `undeclared` as lines for the CHANGELOG."""

    undeclared: Sequence[str]
    declared: Sequence[str]
    dangerous: Sequence[str]


def compare(released: str, present: str, changelog: str) -> Changes:
    """Two SDLs, without federation's own fields and types, and what the CHANGELOG says of it."""
    old, new, told = _schema(released), _schema(present), _declared(changelog)
    broken = [change.description for change in find_breaking_changes(old, new)]
    return Changes(
        [f"- Breaking: `{_coordinate(text)}`: {text}" for text in broken if _coordinate(text) not in told],
        [text for text in broken if _coordinate(text) in told],
        [change.description for change in find_dangerous_changes(old, new)],
    )


def _declared(changelog: str) -> frozenset[str]:
    unreleased = _UNRELEASED.search(changelog)
    return frozenset(_DECLARED.findall(unreleased[1] if unreleased else ""))


def _coordinate(text: str) -> str:
    found = _COORDINATE.match(text)
    assert found is not None, text
    return found[1]


def _schema(text: str) -> GraphQLSchema:
    return build_ast_schema(visit(parse(text), _Ours()), assume_valid_sdl=True)


class _Ours(Visitor):
    """Leaves out what federation adds to a schema."""

    def enter(self, node: Node, *_: Any) -> VisitorAction:
        if isinstance(node, TypeDefinitionNode | FieldDefinitionNode) and node.name.value.startswith("_"):
            return REMOVE
        return None


def main() -> int:
    """0 when nothing breaks but what was declared."""
    found = compare(RELEASED.read_text(), sdl(), CHANGELOG.read_text())
    lines = [f"dangerous: {text}" for text in found.dangerous] + [f"declared: {text}" for text in found.declared]
    if found.undeclared:
        lines += ["These break clients: undo them, or declare them in CHANGELOG.md, under Unreleased:"]
    sys.stdout.write("".join(f"{line}\n" for line in (*lines, *found.undeclared)))
    return 1 if found.undeclared else 0


if __name__ == "__main__":
    sys.exit(main())

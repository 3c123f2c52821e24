"""The named statements of sql/*.sql. `-- include: name` in one stands for another one's text."""

import re
from collections.abc import Mapping

from orders.statements import named_statements

_FILES = ("graph", "orders", "feed", "operations", "limits")
_INCLUDE = re.compile(r"^-- include: (\w+)$", re.MULTILINE)


def _load() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for file in _FILES:
        found |= named_statements("gateway", f"sql/{file}.sql")
    return {name: _INCLUDE.sub(lambda part: found[part[1]], text) for name, text in found.items()}


SQL = _load()
"""Name → statement."""

"""The named statements of sql/*.sql. Comments are left out: they may name parameters."""

import re
from collections.abc import Mapping

from orders.statements import complete, named_statements, parts

_FILES = ("graph", "orders", "feed", "operations", "limits")
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def _read() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for file in _FILES:
        found |= named_statements("gateway", f"sql/{file}.sql")
    return found


_FOUND = _read()
SQL = {name: _COMMENT.sub("", text) for name, text in complete(_FOUND).items()}
"""Name → statement."""
PARTS = parts(_FOUND)
"""Names of those that are only parts of others."""

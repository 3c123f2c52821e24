"""The named statements of sql/*.sql. `-- include: name`, in a line `/* include: name */`, is another one's text.

Comments are left out: they may name parameters.
"""

import re
from collections.abc import Mapping

from orders.statements import named_statements

_FILES = ("graph", "orders", "feed", "operations", "limits")
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_INCLUDE = re.compile(r"(?:^-- |/\* )include: (\w+)(?:$| \*/)", re.MULTILINE)


def _read() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for file in _FILES:
        found |= named_statements("gateway", f"sql/{file}.sql")
    return found


def _load(found: Mapping[str, str]) -> Mapping[str, str]:
    return {name: _COMMENT.sub("", _whole(text, found)) for name, text in found.items()}


def _whole(text: str, found: Mapping[str, str]) -> str:
    return _INCLUDE.sub(lambda part: _whole(found[part[1]], found), text)


_FOUND = _read()
SQL = _load(_FOUND)
"""Name → statement."""
PARTS = frozenset(name for text in _FOUND.values() for name in _INCLUDE.findall(text))
"""Names of those that are only parts of others."""

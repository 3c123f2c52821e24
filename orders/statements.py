"""SQL is a named thing in a file: `-- name: add_row` begins the statement `add_row`.

`-- include: name` as a line, or `/* include: name */` within one, is the text of another statement.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

_BLOCK = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_INCLUDE = re.compile(r"(?:^-- |/\* )include: (\w+)(?:$| \*/)", re.MULTILINE)


def named_statements(package: str, path: str) -> dict[str, str]:
    """Name → statement, of a .sql file inside a package; its includes as they stand there."""
    text = files(package).joinpath(path).read_text()
    return {name: body.strip().removesuffix(";") for name, body in _BLOCK.findall(text)}


def complete(statements: Mapping[str, str]) -> dict[str, str]:
    """The same, with the text of what they include. Raises KeyError for what is not there."""

    def whole(text: str) -> str:
        return _INCLUDE.sub(lambda part: whole(statements[part[1]]), text)

    return {name: whole(text) for name, text in statements.items()}


def parts(statements: Mapping[str, str]) -> frozenset[str]:
    """Names of those that others include."""
    return frozenset(name for text in statements.values() for name in _INCLUDE.findall(text))

"""SQL is a named thing in a file: `-- name: add_row` begins the statement `add_row`."""

import re
from importlib.resources import files

_BLOCK = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def named_statements(package: str, path: str) -> dict[str, str]:
    """Name → statement, of a .sql file inside a package."""
    text = files(package).joinpath(path).read_text()
    return {name: body.strip().removesuffix(";") for name, body in _BLOCK.findall(text)}

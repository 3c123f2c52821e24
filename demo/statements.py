"""The SQL that the source systems' users write, by name: `-- name: order_enter` opens a statement in its file."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

System = Literal["erp", "east"]
"""Which source database a statement runs in."""

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def sql_file(name: str) -> str:
    """The text of a file of `demo/sql`."""
    return (files("demo") / "sql" / name).read_text(encoding="utf-8")


def named(text: str) -> Mapping[str, str]:
    """Statement name → SQL, of a file of named blocks."""
    parts = _NAME.split(text)
    return {name: body.strip().removesuffix(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}


STATEMENTS: Mapping[System, Mapping[str, str]] = {
    "erp": named(sql_file("erp_story.sql")),
    "east": named(sql_file("east_story.sql")),
}

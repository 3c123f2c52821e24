"""The SQL that the source systems' users write, by name."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

from orders.statements import named_statements

System = Literal["erp", "east"]
"""Which source database a statement runs in."""


def sql_file(name: str) -> str:
    """The text of a file of `demo/sql`."""
    return (files("demo") / "sql" / name).read_text(encoding="utf-8")


def named(name: str) -> Mapping[str, str]:
    """Statement name → SQL, of a file of `demo/sql`."""
    return named_statements("demo", f"sql/{name}")


STATEMENTS: Mapping[System, Mapping[str, str]] = {"erp": named("erp_story.sql"), "east": named("east_story.sql")}

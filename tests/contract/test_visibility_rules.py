"""Every table has a rule, and what is secret can be null."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType
from strawberry.federation.schema_directives import Policy

from gateway.auth import Role
from gateway.schema import schema
from gateway.statements import SQL
from gateway.visibility import HIDDEN_FROM, TABLES, Guard, Secret, seen

ROOT = Path(__file__).parents[2]
SCHEMAS = ("projections/sql/graph.sql", "projections/sql/record.sql", "commands/sql/commands.sql")
WRITTEN_ONLY = {"graph.fact", "graph.claim", "graph.link", "record.sweep", "record.claim", "record.turn"} | {
    "record.base", "record.dropped", "record.history", "record.horizon",
    "record.past_place", "record.past_claim", "record.past_link",
}  # fmt: skip
OUTSIDERS = (Role.CUSTOMER, Role.CHANNEL, Role.PARTNER)


def test_every_table_that_is_read_has_a_rule() -> None:
    texts = [(ROOT / path).read_text() for path in SCHEMAS]
    tables = {name for text in texts for name in re.findall(r"create (?:table|view) ([\w.]+)", text)}
    assert len(tables) > 20
    assert tables - WRITTEN_ONLY == TABLES.keys()
    assert {
        table for sql in SQL.values() for table in re.findall(r"\b(?:graph|record|command)\.\w+\b(?!\()", sql)
    } <= set(TABLES)


def test_a_table_without_a_rule_shows_nothing_to_outsiders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SQL, "test", "select * from graph.secret s where id = $1")  # type: ignore[attr-defined]
    for role in OUTSIDERS:
        assert seen("test", role) == (
            "select * from (select t.* from graph.secret t where false) s where id = $1",
            False,
        )
    assert seen("test", Role.SERVICE) == (SQL["test"], False)


def test_the_ends_of_the_feed_are_the_same_for_all() -> None:
    for role in OUTSIDERS:
        assert seen("feed_place", role) == (SQL["feed_place"], False)


def test_the_scope_comes_behind_the_other_parameters() -> None:
    for name, role in ((name, role) for name in SQL for role in OUTSIDERS):
        sql, scoped = seen(name, role)
        behind = max((int(n) for n in re.findall(r"\$(\d+)", SQL[name])), default=0) + 1
        assert (f"${behind}::text[]" in sql) is scoped
        assert "$scope" not in sql


def test_what_is_secret_can_be_null_and_is_declared_to_a_router() -> None:
    found = 0
    for kind in schema._schema.type_map.values():
        for name, field in (kind.fields if isinstance(kind, GraphQLObjectType) else {}).items():
            definition = field.extensions.get("strawberry-definition")
            guards = [e for e in getattr(definition, "extensions", ()) if isinstance(e, Guard)]
            if guards:
                found += 1
                secrets = [secret for guard in guards for secret in guard.secrets]
                assert not isinstance(field.type, GraphQLNonNull) or secrets == [Secret.OPERATIONS], (
                    f"{kind.name}.{name}"
                )
                assert [d.policies for d in definition.directives if isinstance(d, Policy)] == [[secrets]]
    assert found >= 10


def test_each_secret_is_hidden_from_somebody_and_shown_to_others() -> None:
    assert set(HIDDEN_FROM) == set(Secret)
    for secret, hidden in HIDDEN_FROM.items():
        assert hidden
        assert not hidden & {Role.ADMIN, Role.OPERATIONS}
        assert secret is Secret.OPERATIONS or not hidden & {Role.SERVICE, Role.FINANCE}

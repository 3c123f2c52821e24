"""`milepost explain`: how the gateway would answer an operation."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from graphql import GraphQLError, parse, validate

from app.settings import Settings
from gateway.auth import SCOPES, Principal, Role
from gateway.plan.explaining import Explanation, explained
from gateway.plan.plans import Plan
from gateway.schema import build_plans, schema
from orders.errors import RejectedError

FOREVER = 2**40


def caller(role: str, scope: Collection[str]) -> Principal:
    """Raises RejectedError."""
    try:
        found = Role(role)
    except ValueError:
        raise RejectedError(f"there is no role {role}; there are {', '.join(Role)}") from None
    if bool(scope) != (found in SCOPES):
        need = f"needs --scope: {SCOPES[found]}" if found in SCOPES else "sees everything and takes no --scope"
        raise RejectedError(f"the role {role} {need}")
    return Principal("explain", found, FOREVER, frozenset(scope))


def read_query(query: str) -> str:
    """The document, or that in the file of this name. Raises RejectedError for what is neither."""
    if "{" in query:
        return query
    try:
        return Path(query).read_text()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise RejectedError(f"{query} is no query, and no file that can be read: {reason}") from None


def read_variables(text: str) -> dict[str, Any]:
    """Raises RejectedError."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise RejectedError(f"--variables is no JSON object: {error}") from None


def plan_of(query: str, variables: dict[str, Any], who: Principal) -> Plan:
    """Raises RejectedError for what is no valid query."""
    plan = build_plans(schema).look(query, variables, None, who)
    if plan is None:
        raise RejectedError(f"it is no query that can be answered: {trouble(query)}")
    return plan


def trouble(query: str) -> str:
    try:
        errors = validate(schema._schema, parse(query))
    except GraphQLError as error:
        return str(error)
    return str(errors[0]) if errors else "its variables do not fit, it is no query, or it goes beyond a limit"


def text_of(found: Explanation) -> str:
    lines = [f"path: {found.path}", f"cost: {found.cost} of {found.allowed}"]
    lines += [f"executed: {key}: {reason}" for key, reason in found.executed.items()]
    if found.sql is not None:
        kept = "no" if found.kept_by is None else "until one of these moves on: " + ", ".join(found.kept_by)
        lines += [f"kept: {kept}", f"parameters: {list(found.parameters)}", "", found.sql]
    return "\n".join(lines)


async def analyzed(data: Path, plan: Plan) -> str:
    """Postgres's own plan of the statement, run over the graph of a data folder."""
    db = await asyncpg.connect(Settings.load(data).gateway_dsn, server_settings={"jit": "off"})
    try:
        async with db.transaction(readonly=True):
            rows = await db.fetch(f"explain (analyze, buffers) {plan.statement.sql}", *plan.parameters)
    finally:
        await db.close()
    return "\n".join(row[0] for row in rows)


async def explain(query: str, variables: str, who: Principal, data: Path | None) -> str:
    """With `data` also Postgres's plan. Raises RejectedError."""
    plan = plan_of(read_query(query), read_variables(variables), who)
    found = text_of(explained(plan))
    return found if data is None or not plan.statement.sql else f"{found}\n\n{await analyzed(data, plan)}"

"""`milepost explain`: how the gateway would answer an operation."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from graphql import GraphQLError, parse, validate

from app.keys import role_of
from app.settings import Settings
from gateway.auth import Principal
from gateway.plan.explaining import Explanation, explained
from gateway.plan.plans import Plan
from gateway.schema import build_plans, schema
from orders.errors import RejectedError

FOREVER = 2**40


def caller(role: str, scope: Collection[str]) -> Principal:
    """Raises RejectedError."""
    return Principal("explain", role_of(role, scope), FOREVER, frozenset(scope))


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
        errors = [error]
    if errors:
        where = "".join(f" (line {at.line}, column {at.column})" for at in (errors[0].locations or ())[:1])
        return f"{errors[0].message}{where}"
    return "its variables do not fit, it is no query, or it goes beyond a limit"


def text_of(found: Explanation) -> str:
    lines = [f"path: {found.path}", f"cost: {found.cost} of {found.allowed}"]
    lines += [f"executed: {key}: {reason}" for key, reason in found.executed.items()]
    if found.sql is not None:
        kept = "no" if found.kept_by is None else "until one of these moves on: " + ", ".join(found.kept_by)
        lines += [f"kept: {kept}", f"parameters: {list(found.parameters)}", "", found.sql]
    return "\n".join(lines)


async def analyzed(data: Path, plan: Plan) -> str:
    """Postgres's own plan of the statement, run over the graph of a data folder."""
    db = await asyncpg.connect(Settings.load(data).gateway_dsn, timeout=30, server_settings={"jit": "off"})
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

"""The named statements of sql/statements.sql."""

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from orders.statements import named_statements

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

SQL = named_statements("commands", "sql/statements.sql")
"""Name → statement."""

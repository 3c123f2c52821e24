"""How a Postgres that is lost, stopped or unwilling looks to whoever asks it."""

import asyncpg

BROKEN = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The connection, or the way to it; OSError is a time-out, too. Whether a statement was carried out is not known."""

CUT = (*BROKEN, asyncpg.OperatorInterventionError)
"""Those, and a server that ends our session or our statement."""

FAILED = (*BROKEN, asyncpg.PostgresError)
"""Those, and all that it says of a statement."""

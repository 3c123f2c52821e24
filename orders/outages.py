"""How a Postgres that is lost, stopped or unwilling looks to whoever asks it."""

import asyncpg

BROKEN = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The connection, or the way to it; OSError is a time-out, too. Whether a statement was carried out is not known."""

CUT = (*BROKEN, asyncpg.OperatorInterventionError)
"""Those, and a server that ends our session or our statement."""

FAILED = (*BROKEN, asyncpg.PostgresError)
"""Those, and all that it says of a statement."""


def reason(error: BaseException) -> str:
    """Why, in one line of plain words."""
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error).partition("\n")[0] or type(error).__name__

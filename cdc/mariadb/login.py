"""A connection to a MariaDB, by TLS if its DSN says so."""

import ssl
from typing import Any, Final

import pymysql
from pymysql.constants import CR

from cdc.dsn import Login
from cdc.tls import NO_TLS, TlsError

MODES: Final = {
    "": "disable",
    "disable": "disable",
    "require": "trust",
    "verify-ca": "verify-ca",
    "verify-full": "verify-full",
}
"""`sslmode` of a DSN, as Postgres names it → Debezium's name for it."""


def connect(login: Login, **options: Any) -> "pymysql.Connection[Any]":
    """Raises pymysql.Error and OSError."""
    context = _context(login)
    try:
        return pymysql.connect(
            host=login.host,
            port=login.port,
            user=login.user,
            password=login.password,
            database=login.database,
            ssl=context,
            ssl_disabled=context is None,
            **options,
        )
    except pymysql.OperationalError as error:
        if error.args[0] == CR.CR_SSL_CONNECTION_ERROR:
            raise TlsError(NO_TLS) from None
        raise


def _context(login: Login) -> ssl.SSLContext | None:
    if MODES[login.tls] == "disable":
        return None
    context = ssl.create_default_context(cafile=login.tls_ca or None)
    context.check_hostname = login.tls == "verify-full"
    context.verify_mode = ssl.CERT_NONE if login.tls == "require" else ssl.CERT_REQUIRED
    return context

"""How TLS to a source is configured: two words in milepost.toml become those that Postgres has for a DSN."""

import ssl
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from orders.errors import StartError


class Tls(StrEnum):
    """How a source is spoken to: in the clear; encrypted, whoever it is; if its certificate is signed by who should
    have signed it; if that is also for its host.
    """

    DISABLE = "disable"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


def tls_query(where: str, tls: Tls | None, ca: Path | None) -> dict[str, str]:
    """For the DSNs of the source that is configured at `where`, empty when nothing is said.

    `ca` is the file of certificates that are trusted. With it alone everything is verified. Raises StartError.
    """
    tls = tls or (Tls.VERIFY_FULL if ca else None)
    if tls is None:
        return {}
    if tls in (Tls.DISABLE, Tls.REQUIRE):
        if ca:
            raise StartError(f'{where}.tls_ca: with tls = "{tls}" nobody looks at certificates; leave one of them out')
        return {"sslmode": tls.value}
    if ca is None:
        raise StartError(f'{where}.tls_ca: with tls = "{tls}", name the file of certificates that are trusted')
    _check_certificates(f"{where}.tls_ca", ca)
    return {"sslmode": tls.value, "sslrootcert": str(ca)}


def _check_certificates(where: str, ca: Path) -> None:
    try:
        ssl.create_default_context(cafile=ca)
    except OSError as error:
        problem = error.strerror or str(error)
        raise StartError(f"{where}: {ca} cannot be read as certificates in PEM form ({problem})") from None


def says_tls(dsn: str) -> bool:
    return "sslmode=" in urlsplit(dsn).query or "sslrootcert=" in urlsplit(dsn).query


def with_query(dsn: str, query: Mapping[str, str]) -> str:
    url = urlsplit(dsn)
    return url._replace(query="&".join(filter(None, (url.query, urlencode(query))))).geturl()

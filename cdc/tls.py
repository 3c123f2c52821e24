"""TLS to a source: what is wrong with its certificate, in words for whoever set it up."""

import ssl
from collections.abc import Iterator
from typing import Final

_OTHER_NAME: Final = frozenset([62, 64])
"""OpenSSL's numbers: the certificate is for another host, or another address."""
_EXPIRED: Final = 10
_REFUSED: Final = "rejected SSL upgrade"
"""asyncpg's words."""


NO_TLS: Final = 'it does not speak TLS: turn it on there, or set tls = "disable" for the source'


class TlsError(ConnectionError):
    """One of the two wants it and the other does not: which, and what to do."""


def complaint(error: BaseException) -> str | None:
    """What is wrong with TLS, if the connection failed for that; waiting does not mend it."""
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return _of_certificate(each)
        if isinstance(each, ssl.SSLError):
            return f"TLS fails with it ({each})"
        if isinstance(each, TlsError):
            return str(each)
        if isinstance(each, ConnectionError) and _REFUSED in str(each):
            return NO_TLS
    return None


def _of_certificate(error: ssl.SSLCertVerificationError) -> str:
    why = error.verify_message.rstrip(".")
    if error.verify_code in _OTHER_NAME:
        return f'its certificate is for another host ({why}): name the host as it does, or set tls = "verify-ca"'
    if error.verify_code == _EXPIRED:
        return f"its certificate is too old ({why}): have it renewed"
    return f"its certificate is not trusted ({why}): name the certificate of whoever signed it as tls_ca"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it comes of; PyMySQL keeps that in an attribute of its own."""
    while error is not None:
        yield error
        error = getattr(error, "original_exception", None) or error.__cause__ or error.__context__

"""What a source's DSN says, whatever kind of database it names."""

from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit


class Login:
    """Where a database is and who asks it, from the URL `dsn`; `usual_port` is meant where that names none."""

    __slots__ = ()
    name: str
    dsn: str
    usual_port: ClassVar[int]

    @property
    def url(self) -> SplitResult:
        return urlsplit(self.dsn)

    @property
    def host(self) -> str:
        return self.url.hostname or "localhost"

    @property
    def port(self) -> int:
        return self.url.port or self.usual_port

    @property
    def user(self) -> str:
        return unquote(self.url.username or "")

    @property
    def password(self) -> str:
        return unquote(self.url.password or "")

    @property
    def database(self) -> str:
        return unquote(self.url.path.strip("/"))

    @property
    def tls(self) -> str:
        """`sslmode`: how TLS is spoken, in Postgres's words; empty where it is not said."""
        return self._said("sslmode")

    @property
    def tls_ca(self) -> str:
        """`sslrootcert`: the PEM file of certificates that the server's has to be signed by; empty where not said."""
        return self._said("sslrootcert")

    def _said(self, name: str) -> str:
        return parse_qs(self.url.query).get(name, [""])[-1]

    @property
    def where(self) -> str:
        """For people: source, host, port and database; no password."""
        return f"source {self.name} ({self.host}:{self.port}/{self.database})"

    def settings(self) -> Iterator[tuple[str, str]]:
        """Debezium's."""
        yield "database.hostname", self.host
        yield "database.port", str(self.port)
        yield "database.user", self.user
        yield "database.password", self.password

"""What Milepost is told: `milepost.toml` by its user, `Settings` by the supervisor to its children."""

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from app.exporting import Format as ExportFormat
from app.folder import write_private
from app.tls import Tls, says_tls, tls_query, with_query
from gateway.auth import Role
from gateway.throttle import ALLOWED, FULL_AGAIN, Allowance
from orders.errors import StartError

_DSN, _URL, _ORIGIN = "^postgres(ql)?://", "^https?://", "^https?://[a-z0-9.:-]+$"
_SOURCE = "^(postgres(ql)?|mariadb)://"
_BOOTSTRAP, _TOPICS = "^[^ ,:]+:[0-9]+(,[^ ,:]+:[0-9]+)*$", "^[a-z][a-z0-9_-]{0,30}$"
Dsn = Annotated[str, Meta(pattern=_DSN)]
SourceDsn = Annotated[str, Meta(pattern=_SOURCE)]
Url = Annotated[str, Meta(pattern=_URL)]
Origin = Annotated[str, Meta(pattern=_ORIGIN)]
Bootstrap = Annotated[str, Meta(pattern=_BOOTSTRAP)]
TopicsName = Annotated[str, Meta(pattern=_TOPICS)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Megabytes = Annotated[int, Meta(ge=1)]
MOST_WORKERS = 64
Workers = Annotated[int, Meta(ge=1, le=MOST_WORKERS)]
Positive = Annotated[int, Meta(ge=1)]
Days = Annotated[float, Meta(gt=0)]
Gigabytes = Annotated[float, Meta(gt=0)]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
NOTHING_STARTED = "nothing was ever started in"
RIGHT_FOLDER = "name the right folder by --data DIR or --demo"
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`$")
_WHERE = re.compile(r" - at `\$\.?(.*)`$")
_PATTERN = re.compile(r"`str` matching regex '(.*)'")
_POSTGRES = "postgresql://user:password@host:port/database"
_EXAMPLES = {
    _DSN: _POSTGRES,
    _SOURCE: f"{_POSTGRES} or mariadb://…",
    _URL: "https://host/path",
    _ORIGIN: "https://host",
    _BOOTSTRAP: "host:port",
    _TOPICS: "a name of at most 31 lower-case letters, digits, _ and -",
}
_T = TypeVar("_T")


class SourceSettings(Struct, frozen=True):
    """A captured database. `adapter` names the folder that knows it; `write_dsn` is for commands, None forbids them."""

    name: str
    adapter: str
    dsn: str
    write_dsn: str | None = None


class AuthConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[auth]`: whose tokens are believed instead of our own. Keys by `jwks`, or in the file `public_key`."""

    issuer: str
    audience: str = "milepost"
    jwks: Url | None = None
    public_key: str | None = None
    role_claim: str = "role"


class KafkaConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[kafka]`: changes come from there instead of the engine. `bootstrap` is host:port, several with commas.

    `topics` begins the names of the topics, and names the consumer group and the slots. `connect` is the URL of a
    worker of Kafka Connect, `connectors` the folder of the connectors' files. `projectors` share the sources.
    """

    bootstrap: Bootstrap
    topics: TopicsName = "milepost"
    connect: Url | None = None
    connectors: str = "connect"
    projectors: Workers = 1


class TooMuch(StrEnum):
    """What to do when a source keeps more log for us than it should: say it, or give up our own slot."""

    WARN = "warn"
    DROP = "drop"


class CaptureConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[capture]`: the most log that a source may keep for us, in 10^6 bytes, and what to do when it is more."""

    most_kept_mb: Megabytes = 10_000
    when_too_much: TooMuch = TooMuch.WARN


class RetentionConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[retention]`: days and 10^9 bytes that ledger and feed are kept; None: for ever.

    `export` is the folder into which what leaves is written first, as `format`.
    """

    ledger_days: Days | None = None
    ledger_gb: Gigabytes | None = None
    feed_days: Days | None = None
    export: str | None = None
    format: ExportFormat = ExportFormat.JSONL


class Settings(Struct, frozen=True):
    """All that a child process needs. `graph_dsn` is the owner's, `gateway_dsn` the reader's; sizes are 10^6 bytes."""

    data: Path
    graph_dsn: str
    gateway_dsn: str
    host: str
    port: int
    sources: tuple[SourceSettings, ...]
    java_heap_mb: int = 128
    min_free_mb: int = 200
    lag_alert_mb: int = 1000
    capture: CaptureConfig = CaptureConfig()
    retention: RetentionConfig = RetentionConfig()
    auth: AuthConfig | None = None
    limits: dict[Role, Allowance] = {}
    workers: int = 1
    documents_only: bool = False
    origins: tuple[str, ...] = ()
    production: bool = False
    kafka: KafkaConfig | None = None

    def save(self) -> None:
        """To `data`/run/settings.json, readable by its owner only: it holds passwords."""
        write_private(_path(self.data), msgspec.json.encode(self, enc_hook=str))

    @staticmethod
    def load(data: Path) -> "Settings":
        """What the supervisor of `data` saved last. Raises StartError."""
        path = _path(data)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Settings, dec_hook=_to_path)
        except FileNotFoundError:
            raise StartError(f"{NOTHING_STARTED} {data}: {RIGHT_FOLDER}, or start it with `milepost up`") from None
        except PermissionError as error:
            raise StartError(f"{path}: {error.strerror}: run it as the user who owns that") from None
        except (OSError, msgspec.DecodeError) as error:
            raise StartError(f"cannot read {path} ({error}): `milepost up` writes it anew") from None


def _path(data: Path) -> Path:
    return data / "run" / "settings.json"


def _to_path(type_: type, value: str) -> Path:
    return Path(value)


class SourceConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[sources.NAME]`. `tls_ca` is the file of certificates that the server's has to be signed by, PEM.

    With it alone `tls` is "verify-full"; with neither, the DSN's `sslmode` and `sslrootcert` count.
    """

    adapter: str
    dsn: SourceDsn
    write_dsn: Dsn | None = None
    tls: Tls | None = None
    tls_ca: str | None = None


class GraphConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[graph]`: a Postgres of one's own. Without a `gateway_dsn` the gateway uses the owner's."""

    dsn: Dsn
    gateway_dsn: Dsn | None = None


class LimitConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits.ROLE]`: what is left out stays as it is. `capacity` in cost points, `refill` in points a second."""

    capacity: Positive | None = None
    refill: Positive | None = None
    sockets: Positive | None = None


class CorsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[cors]`. `origins` are those of pages that may ask, each exactly as a browser names it."""

    origins: tuple[Origin, ...] = ()


class DocumentsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[documents]`. `only`: nothing but trusted documents runs."""

    only: bool = False


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    sources: dict[str, dict[str, Any]] = {}
    graph: dict[str, Any] | None = None
    auth: dict[str, Any] | None = None
    limits: dict[str, dict[str, Any]] = {}
    documents: dict[str, Any] = {}
    cors: dict[str, Any] = {}
    kafka: dict[str, Any] | None = None
    production: bool = False
    host: str = "127.0.0.1"
    port: Port = 8000
    workers: Workers = 1
    java_heap_mb: Megabytes = 128
    min_free_mb: Megabytes = 200
    lag_alert_mb: Megabytes = 1000
    hung_after_s: Positive = 30
    capture: dict[str, Any] = {}
    retention: dict[str, Any] = {}


class Config(Struct, frozen=True):
    """milepost.toml, checked. `graph` is None for the embedded Postgres."""

    sources: tuple[SourceSettings, ...] = ()
    graph: GraphConfig | None = None
    kafka: KafkaConfig | None = None
    auth: AuthConfig | None = None
    limits: dict[Role, Allowance] = {}
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    documents_only: bool = False
    origins: tuple[str, ...] = ()
    production: bool = False
    java_heap_mb: int = 128
    min_free_mb: int = 200
    lag_alert_mb: int = 1000
    hung_after_s: int = 30
    capture: CaptureConfig = CaptureConfig()
    retention: RetentionConfig = RetentionConfig()


def read_config(path: Path, env: Mapping[str, str] = os.environ) -> Config:
    """Read milepost.toml; `${NAME}` in any string is taken from `env`, as it is. Raises StartError."""
    file = _convert(path, "", _expand(path, "", _parse(path), env), _File)
    return Config(
        sources=tuple(_source(path, name, entry) for name, entry in file.sources.items()),
        graph=None if file.graph is None else _convert(path, "graph", file.graph, GraphConfig),
        kafka=None if file.kafka is None else _kafka(path, file.kafka),
        auth=None if file.auth is None else _auth(path, file.auth),
        limits=dict(_limit(path, name, entry) for name, entry in file.limits.items()),
        host=file.host,
        port=file.port,
        workers=file.workers,
        origins=_convert(path, "cors", file.cors, CorsConfig).origins,
        production=file.production,
        documents_only=_convert(path, "documents", file.documents, DocumentsConfig).only,
        java_heap_mb=file.java_heap_mb,
        min_free_mb=file.min_free_mb,
        lag_alert_mb=file.lag_alert_mb,
        hung_after_s=file.hung_after_s,
        capture=_capture(path, file),
        retention=_retention(path, file.retention),
    )


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise StartError(
            f"cannot read the configuration {path}: {error.strerror}; name it with --config FILE"
        ) from None
    except ValueError as error:
        raise StartError(f"{path} is not TOML: {error}; correct it there") from None


def _auth(path: Path, entry: dict[str, Any]) -> AuthConfig:
    auth = _convert(path, "auth", entry, AuthConfig)
    if (auth.jwks is None) == (auth.public_key is None):
        raise StartError(f"{path}: auth: name the keys by `jwks`, a URL, or `public_key`, a PEM file; one of the two")
    return auth if auth.public_key is None else replace(auth, public_key=str(path.parent / auth.public_key))


def _capture(path: Path, file: _File) -> CaptureConfig:
    capture = _convert(path, "capture", file.capture, CaptureConfig)
    if file.kafka is not None and capture.when_too_much is TooMuch.DROP:
        raise StartError(
            f"{path}: capture.when_too_much: with Kafka the slots are the connectors', which read on while Milepost "
            'lags; leave it at "warn"'
        )
    return capture


def _retention(path: Path, entry: dict[str, Any]) -> RetentionConfig:
    retention = _convert(path, "retention", entry, RetentionConfig)
    return retention if retention.export is None else replace(retention, export=str(path.parent / retention.export))


def _kafka(path: Path, entry: dict[str, Any]) -> KafkaConfig:
    kafka = _convert(path, "kafka", entry, KafkaConfig)
    return replace(kafka, connectors=str(path.parent / kafka.connectors))


def _limit(path: Path, name: str, entry: dict[str, Any]) -> tuple[Role, Allowance]:
    if name not in list(Role):
        raise StartError(f"{path}: limits.{name}: there is no such role; name one of {', '.join(Role)}")
    given = asdict(_convert(path, f"limits.{name}", entry, LimitConfig))
    allowance = ALLOWED[Role(name)]._replace(**{key: value for key, value in given.items() if value is not None})
    if allowance.capacity > allowance.refill * FULL_AGAIN:
        raise StartError(
            f"{path}: limits.{name}: a bucket of {allowance.capacity} takes longer than {FULL_AGAIN} s to fill at "
            f"{allowance.refill} a second; lower capacity, or raise refill"
        )
    return Role(name), allowance


def _source(path: Path, name: str, entry: dict[str, Any]) -> SourceSettings:
    if not _NAME.fullmatch(name):
        raise StartError(f"{path}: sources.{name}: use a name of at most 31 lower-case letters, digits and _")
    source = _convert(path, f"sources.{name}", entry, SourceConfig)
    ca = (path.parent / source.tls_ca).resolve() if source.tls_ca else None
    query = tls_query(f"{path}: sources.{name}", source.tls, ca)
    dsns = [dsn for dsn in (source.dsn, source.write_dsn) if dsn]
    if query and any(map(says_tls, dsns)):
        raise StartError(f"{path}: sources.{name}: say how TLS is spoken by tls and tls_ca, or in the DSN; not by both")
    dsn, *write = (with_query(dsn, query) for dsn in dsns)
    return SourceSettings(name, source.adapter, dsn, *write)


def _expand(path: Path, key: str, value: Any, env: Mapping[str, str]) -> Any:
    match value:
        case str():
            return _VARIABLE.sub(lambda found: _variable(path, key, found[1], env), value)
        case dict():
            return {name: _expand(path, _join(key, name), inner, env) for name, inner in value.items()}
    return value


def _variable(path: Path, key: str, name: str, env: Mapping[str, str]) -> str:
    if name not in env:
        raise StartError(f"{path}: {key}: the environment variable {name} is not set; set it, or write the value there")
    return env[name]


def _convert(path: Path, key: str, value: Any, type_: type[_T]) -> _T:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        if unknown := _UNKNOWN.match(str(error)):
            raise StartError(f"{path}: {key or 'top level'}: {_unknown(unknown[1], type_)}") from None
        where = _WHERE.search(str(error))
        problem = _PATTERN.sub(lambda found: _EXAMPLES[found[1]], _WHERE.sub("", str(error)))
        at = _join(key, where[1] if where else "") or "top level"
        raise StartError(f"{path}: {at}: {problem}; correct it there") from None


def _unknown(name: str, type_: type) -> str:
    known = [field.encode_name for field in msgspec.structs.fields(type_)]
    meant = get_close_matches(name, known, 1)
    return f"there is no `{name}`; " + (f"did you mean `{meant[0]}`?" if meant else f"name one of {', '.join(known)}")


def _join(*keys: str) -> str:
    return ".".join(key for key in keys if key)

"""Who asks: bearer tokens (JWT), signed with EdDSA, ES256 or RS256."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.errors import UnauthenticatedError
from gateway.keys import FileKey, Key, Keys, PublishedKeys
from orders.errors import TransientError

NAME = "milepost"
"""Of the issuer and of the audience of our own tokens."""

MAX_TOKEN = 8192
MAX_NAME = 200
"""Characters."""


class Role(StrEnum):
    """Our own people and programs; then outsiders, who see what their token names."""

    ADMIN = "admin"
    OPERATIONS = "operations"
    SERVICE = "service"
    FINANCE = "finance"
    ANALYTICS = "analytics"
    CUSTOMER = "customer"
    CHANNEL = "channel"
    PARTNER = "partner"


SCOPES: Mapping[Role, str] = {Role.CUSTOMER: "accounts", Role.CHANNEL: "channels", Role.PARTNER: "partners"}
"""The claim that names what an outsider may see: customers' numbers, channels, or sources."""
BELIEVED = 5.0
"""Seconds that a token which was good is good without another look: checking a signature takes a third of a request."""
MAX_KNOWN = 1000
"""Tokens that are remembered."""
BAD_TOKENS = 200
"""Tokens that turn out bad in a second, before those that were never seen must wait: a look at a signature is work."""
MAX_SCOPE = 100
"""Names in it."""
WRITERS = frozenset({Role.ADMIN, Role.OPERATIONS})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `expires_at` is in seconds since 1970; `scope` is what SCOPES says of the role."""

    subject: str
    role: Role
    expires_at: int
    scope: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Trust:
    """Whose tokens are believed: `public_key` is the path of a PEM file, `jwks` the URL of published keys; one of them.

    `role_claim` is the claim that says the caller's role.
    """

    public_key: str | None = None
    jwks: str | None = None
    issuer: str = NAME
    audience: str = NAME
    role_claim: str = "role"


class _Known(NamedTuple):
    """A token's principal, not to be checked again before `until`."""

    principal: Principal
    until: float


class TokenCheck:
    """Decides whether a token is one that we believe. Raises StartError for a key file that cannot be used."""

    def __init__(self, trust: Trust, keys: Keys | None = None) -> None:
        self._trust = trust
        self._keys = keys or _keys(trust)
        self._known: dict[str, _Known] = {}
        self._bad, self._second = 0, 0

    async def bearer(self, header: str | None) -> Principal:
        """`header` is the value of Authorization. Raises as `check`."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("a bearer token is needed: Authorization: Bearer <token>")
        return await self.check(token.strip())

    def known(self, token: str) -> Principal | None:
        """Of a token that was good a moment ago."""
        known = self._known.get(token)
        return known.principal if known is not None and time.time() < known.until else None

    async def check(self, token: str) -> Principal:
        """Raises UnauthenticatedError, which does not say what is wrong with the token unless it is too old.

        Raises TransientError while the issuer's keys cannot be had, or while too many bad tokens come.
        """
        if len(token) > MAX_TOKEN:
            raise UnauthenticatedError("the token is not valid")
        if (known := self.known(token)) is not None:
            return known
        now = time.time()
        if token not in self._known:
            self._spare(int(now))
        try:
            principal = await self._checked(token)
        except UnauthenticatedError:
            self._bad += 1
            raise
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[token] = _Known(principal, min(now + BELIEVED, principal.expires_at))
        return principal

    def _spare(self, second: int) -> None:
        """Who was good before is looked at again whatever strangers send."""
        if second != self._second:
            self._bad, self._second = 0, second
        if self._bad >= BAD_TOKENS:
            raise TransientError("too many bad tokens come; try again")

    async def _checked(self, token: str) -> Principal:
        key = await self._keys.of(token)
        try:
            return _principal(self._claims(token, key), self._trust.role_claim)
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("the token has expired") from None
        except (jwt.PyJWTError, ValueError):
            raise UnauthenticatedError("the token is not valid") from None

    def _claims(self, token: str, key: Key) -> dict[str, object]:
        return jwt.decode(
            token,
            key.public,
            # Only this one: `none`, or HS256 with our public key as its secret, must not pass.
            algorithms=[key.algorithm],
            audience=self._trust.audience,
            issuer=self._trust.issuer,
            options={"require": ["sub", self._trust.role_claim, "exp", "iss", "aud"], "strict_aud": True},
        )


def _keys(trust: Trust) -> Keys:
    return FileKey.read(trust.public_key or "") if trust.jwks is None else PublishedKeys(trust.jwks)


def _principal(claims: dict[str, object], role_claim: str) -> Principal:
    subject, role, expires = claims["sub"], claims[role_claim], claims["exp"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_NAME or not isinstance(role, str):
        raise ValueError("sub and role are texts")
    if not isinstance(expires, int) or isinstance(expires, bool):
        raise ValueError("exp is a whole number")
    return Principal(subject, Role(role), expires, _scope(claims, Role(role)))


def _scope(claims: Mapping[str, object], role: Role) -> frozenset[str]:
    """A token that names what its role has no use for is not one of ours."""
    given = {name for name in SCOPES.values() if name in claims}
    if given != ({SCOPES[role]} if role in SCOPES else set()):
        raise ValueError("a role has the scope that belongs to it, and no other")
    names = claims[SCOPES[role]] if role in SCOPES else []
    if not isinstance(names, list) or not all(_is_name(name) for name in names) or len(names) > MAX_SCOPE:
        raise ValueError("a scope is a list of names")
    if role in SCOPES and not names:
        raise ValueError("a scope names something")
    return frozenset(names)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable()


def new_key_pair() -> tuple[str, str]:
    """A private key (PKCS 8) and its public key (SubjectPublicKeyInfo), in PEM."""
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    known = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return secret.decode(), known.decode()


def issue_token(private_key_pem: str, subject: str, role: str, lifetime: float, scope: Collection[str] = ()) -> str:
    """A token for `subject` that is good for `lifetime` seconds. ValueError for a role or scope that nobody accepts."""
    now = int(time.time())
    claims: dict[str, object] = {
        "sub": subject,
        "role": Role(role).value,
        "iss": NAME,
        "aud": NAME,
        "iat": now,
        "exp": now + int(lifetime),
    }
    if scope and Role(role) not in SCOPES:
        raise ValueError(f"the role {role} sees everything and takes no scope")
    if role in SCOPES:
        claims[SCOPES[Role(role)]] = sorted(scope)
        _scope(claims, Role(role))
    return jwt.encode(claims, private_key_pem, algorithm="EdDSA")

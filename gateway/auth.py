"""Who asks: bearer tokens, signed with Ed25519."""

import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from gateway.errors import UnauthenticatedError
from orders.errors import ForbiddenError, StartError

NAME = "milepost"
"""Of the issuer and of the audience."""

ALGORITHM = "EdDSA"
MAX_TOKEN = 8192
"""Characters."""


class Role(StrEnum):
    """Of our own people and programs."""

    ADMIN = "admin"
    OPERATIONS = "operations"
    SERVICE = "service"
    SALES = "sales"
    FINANCE = "finance"


WRITERS = frozenset({Role.ADMIN, Role.OPERATIONS})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `expires_at` is in seconds since 1970."""

    subject: str
    role: Role
    expires_at: int

    def require(self, roles: frozenset[Role]) -> None:
        """Raises ForbiddenError."""
        if self.role not in roles:
            raise ForbiddenError(f"this needs the role {' or '.join(sorted(roles))}")


class TokenCheck:
    """Decides whether a token is one of ours."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def of_file(cls, path: str | Path) -> "TokenCheck":
        """`path` is of a PEM file with an Ed25519 public key. Raises StartError."""
        try:
            key = load_pem_public_key(Path(path).read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise StartError(f"cannot read the public key {path}: {error}; make a pair anew") from None
        if not isinstance(key, Ed25519PublicKey):
            raise StartError(f"the public key {path} is not an Ed25519 key; make a pair anew")
        return cls(key)

    def bearer(self, header: str | None) -> Principal:
        """`header` is the value of Authorization. Raises UnauthenticatedError."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("a bearer token is needed: Authorization: Bearer <token>")
        return self.check(token.strip())

    def check(self, token: str) -> Principal:
        """Raises UnauthenticatedError, which does not say what is wrong with the token unless it is too old."""
        if len(token) > MAX_TOKEN:
            raise UnauthenticatedError("the token is not valid")
        try:
            return _principal(self._claims(token))
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("the token has expired") from None
        except (jwt.PyJWTError, ValueError):
            raise UnauthenticatedError("the token is not valid") from None

    def _claims(self, token: str) -> dict[str, object]:
        return jwt.decode(
            token,
            self._key,
            # Only this one: `none`, or HS256 with our public key as its secret, must not pass.
            algorithms=[ALGORITHM],
            audience=NAME,
            issuer=NAME,
            options={"require": ["sub", "role", "exp", "iss", "aud"], "strict_aud": True},
        )


def _principal(claims: dict[str, object]) -> Principal:
    subject, role, expires = claims["sub"], claims["role"], claims["exp"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 200 or not isinstance(role, str):
        raise ValueError("sub and role are texts")
    if not isinstance(expires, int) or isinstance(expires, bool):
        raise ValueError("exp is a whole number")
    return Principal(subject, Role(role), expires)


def new_key_pair() -> tuple[str, str]:
    """A private key (PKCS 8) and its public key (SubjectPublicKeyInfo), in PEM."""
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    known = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return secret.decode(), known.decode()


def issue_token(private_key_pem: str, subject: str, role: str, lifetime: float) -> str:
    """A token for `subject` that is good for `lifetime` seconds. ValueError for a role that is not one of Role."""
    now = int(time.time())
    claims = {
        "sub": subject,
        "role": Role(role).value,
        "iss": NAME,
        "aud": NAME,
        "iat": now,
        "exp": now + int(lifetime),
    }
    return jwt.encode(claims, private_key_pem, algorithm=ALGORITHM)

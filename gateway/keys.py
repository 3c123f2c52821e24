"""The keys that tokens are signed with: one from a file, or those that an issuer publishes (JWKS)."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.errors import UnauthenticatedError
from orders.errors import StartError, TransientError

log = logging.getLogger("milepost.gateway")

FRESH = 300.0
"""Seconds after which published keys are looked at again: so long a withdrawn one may still be accepted."""

AGAIN, SOON = 60.0, 1.0
"""Seconds between two looks, whatever strangers send; and while there is no key at all."""

TIMEOUT = 5.0
"""Seconds that the issuer may take to answer."""

RSA_BITS = 2048


class Key(NamedTuple):
    """`algorithm` is the only one that it is used with, whatever a token says."""

    public: Any
    algorithm: str


class Keys(Protocol):
    async def of(self, token: str) -> Key:
        """The key that should have signed it. Raises UnauthenticatedError, or TransientError when none can be had."""
        ...


def key_of(public: object) -> Key:
    """ValueError for a key of another kind, or a weak one."""
    match public:
        case Ed25519PublicKey():
            return Key(public, "EdDSA")
        case RSAPublicKey() if public.key_size >= RSA_BITS:
            return Key(public, "RS256")
        case EllipticCurvePublicKey() if isinstance(public.curve, SECP256R1):
            return Key(public, "ES256")
    raise ValueError(f"not an Ed25519, P-256 or RSA key of at least {RSA_BITS} bits")


class FileKey:
    """One key in PEM."""

    def __init__(self, key: Key) -> None:
        self._key = key

    @classmethod
    def read(cls, path: str | Path) -> "FileKey":
        """Raises StartError."""
        try:
            return cls(key_of(load_pem_public_key(Path(path).read_bytes())))
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise StartError(f"cannot read the public key {path}: {error}; name a PEM file with one") from None

    async def of(self, token: str) -> Key:
        return self._key


class PublishedKeys:
    """Those of a JWKS URL, by key id. While the issuer cannot be reached, the last ones stay good."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=TIMEOUT)
        self._clock = clock
        self._keys: Mapping[str | None, Key] = {}
        self._looked = self._tried = -FRESH
        self._lock = asyncio.Lock()

    async def of(self, token: str) -> Key:
        kid = _key_id(token)
        if self._clock() - self._looked >= FRESH or kid not in self._keys:
            await self._look()
        if kid in self._keys:
            return self._keys[kid]
        if not self._keys:
            raise TransientError("the keys of the tokens' issuer cannot be had; try again")
        raise UnauthenticatedError("the token is not valid")

    async def _look(self) -> None:
        """Not too often; all who wait share one look."""
        async with self._lock:
            now = self._clock()
            if now - self._tried < (AGAIN if self._keys else SOON):
                return
            self._tried = now
            try:
                self._keys = await asyncio.to_thread(self._fetch)
                self._looked = now
            except (jwt.PyJWTError, OSError, ValueError) as error:
                log.warning("cannot get the keys of the tokens' issuer: %s", error)

    def _fetch(self) -> Mapping[str | None, Key]:
        return published(self._client.get_jwk_set().keys)


def published(found: list[jwt.PyJWK]) -> Mapping[str | None, Key]:
    """By key id, those for signatures that we can use; one without an id only if it is alone."""
    keys: dict[str | None, Key] = {}
    for each in found:
        try:
            if each.public_key_use in (None, "sig"):
                keys[each.key_id] = key_of(each.key)
        except ValueError as error:
            log.warning("the tokens' issuer publishes a key %r that is not used: %s", each.key_id, error)
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    else:
        keys.pop(None, None)
    return keys


def _key_id(token: str) -> str | None:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        raise UnauthenticatedError("the token is not valid") from None
    return kid if isinstance(kid, str) else None

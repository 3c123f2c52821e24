"""Keys of other issuers: the three algorithms, and published keys that come, go, and cannot be reached."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.auth import Role, TokenCheck, Trust
from gateway.errors import UnauthenticatedError
from gateway.keys import AGAIN, FRESH, SOON, PublishedKeys
from orders.errors import TransientError

RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505  # that is what is refused
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()
GOOD = [
    pytest.param(RSA, "RS256", id="RSA"),
    pytest.param(P256, "ES256", id="P-256"),
    pytest.param(EDWARDS, "EdDSA", id="Ed25519"),
]


def signed(private: Any, algorithm: str, kid: str | None = None, **changed: Any) -> str:
    claims: dict[str, Any] = {"sub": "ann", "https://x/role": "finance", "iss": "https://login", "aud": "orders"}
    claims |= {"exp": int(time.time()) + 60} | changed
    return jwt.encode(claims, private, algorithm, headers={"kid": kid} if kid else None)


def published(private: Any, kid: str | None, **more: str) -> dict[str, Any]:
    kinds = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm = next((a for kind, a in kinds.items() if isinstance(private, kind)), OKPAlgorithm)
    found: dict[str, Any] = json.loads(algorithm.to_jwk(private.public_key()))
    return found | more | ({"kid": kid} if kid else {})


@dataclass
class Issuer:
    """Publishes `keys` over HTTP; `asked` counts how often. None is an outage."""

    keys: list[dict[str, Any]] | None = field(default_factory=list)
    asked: int = 0
    now: float = 1000.0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    def check(self) -> TokenCheck:
        trust = Trust(jwks=self.url, issuer="https://login", audience="orders", role_claim="https://x/role")
        return TokenCheck(trust, PublishedKeys(self.url, lambda: self.now))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            self.send_response(500 if issuer.keys is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": issuer.keys}).encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield issuer
        server.shutdown()


@pytest.mark.parametrize(("private", "algorithm"), GOOD)
async def test_a_key_file_may_be_of_three_kinds(tmp_path: Path, private: Any, algorithm: str) -> None:
    (tmp_path / "key.pem").write_bytes(
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    check = TokenCheck(Trust(str(tmp_path / "key.pem"), None, "https://login", "orders", "https://x/role"))
    principal = await check.check(signed(private, algorithm))
    assert (principal.subject, principal.role) == ("ann", Role.FINANCE)


@pytest.mark.parametrize(("private", "algorithm"), GOOD)
async def test_a_published_key_may_be_of_three_kinds(issuer: Issuer, private: Any, algorithm: str) -> None:
    issuer.keys = [published(private, "a"), published(EDWARDS, "b")]
    assert (await issuer.check().check(signed(private, algorithm, "a"))).role is Role.FINANCE


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda: signed(RSA, "RS256"), id="no key id, two keys"),
        pytest.param(lambda: signed(RSA, "RS256", "ed"), id="the other key's id"),
        pytest.param(lambda: signed(RSA, "RS512", "rsa"), id="another algorithm"),
        pytest.param(lambda: signed(RSA, "PS256", "rsa"), id="another padding"),
        pytest.param(lambda: signed(RSA, "RS256", "rsa", iss="milepost"), id="another issuer"),
        pytest.param(lambda: signed(RSA, "RS256", "rsa", aud="milepost"), id="another audience"),
        pytest.param(lambda: signed(WEAK, "RS256", "weak"), id="a weak key"),
        pytest.param(lambda: signed(P384, "ES384", "p384"), id="another curve"),
        pytest.param(lambda: signed(b"k" * 32, "HS256", "secret"), id="a shared secret"),
        pytest.param(lambda: signed(P256, "ES256", "enc"), id="a key for something else"),
        pytest.param(lambda: "x.y.z", id="no token"),
    ],
)
async def test_any_other_is_refused(issuer: Issuer, token: Callable[[], str]) -> None:
    secret = {"kty": "oct", "kid": "secret", "k": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"}
    issuer.keys = [
        published(RSA, "rsa"), published(EDWARDS, "ed"), published(WEAK, "weak"), published(P384, "p384"), secret,
        published(P256, "enc", use="enc"),
    ]  # fmt: skip
    check = issuer.check()
    assert (await check.check(signed(RSA, "RS256", "rsa"))).subject == "ann"
    with pytest.raises(UnauthenticatedError):
        await check.check(token())


async def test_a_key_that_is_alone_needs_no_id(issuer: Issuer) -> None:
    issuer.keys = [published(P256, None)]
    assert (await issuer.check().check(signed(P256, "ES256"))).subject == "ann"


async def test_keys_rotate(issuer: Issuer) -> None:
    issuer.keys = [published(P256, "old")]
    check = issuer.check()
    await check.check(signed(P256, "ES256", "old"))
    issuer.keys = [published(RSA, "new"), published(P256, "old")]
    issuer.now += AGAIN
    await check.check(signed(RSA, "RS256", "new"))  # seen at once: its id is unknown
    issuer.keys = [published(RSA, "new")]
    issuer.now += FRESH
    with pytest.raises(UnauthenticatedError):
        await check.check(signed(P256, "ES256", "old"))


async def test_strangers_cannot_make_us_ask_the_issuer_over_and_over(issuer: Issuer) -> None:
    issuer.keys = [published(P256, "a")]
    check = issuer.check()
    answers = await asyncio.gather(
        *(check.check(signed(RSA, "RS256", f"k{n}")) for n in range(50)), return_exceptions=True
    )
    assert all(isinstance(answer, UnauthenticatedError) for answer in answers)
    assert issuer.asked == 1


async def test_an_outage_of_the_issuer_hurts_nobody_who_was_known(issuer: Issuer) -> None:
    issuer.keys = [published(P256, "a")]
    check = issuer.check()
    await check.check(signed(P256, "ES256", "a"))
    issuer.keys = None
    issuer.now += 3 * FRESH
    await check.check(signed(P256, "ES256", "a"))
    assert issuer.asked == 2


async def test_before_any_key_is_had_the_caller_is_told_to_come_again(issuer: Issuer) -> None:
    issuer.keys = None
    check = issuer.check()
    with pytest.raises(TransientError):
        await check.check(signed(P256, "ES256", "a"))
    issuer.keys = [published(P256, "a")]
    issuer.now += SOON
    await check.check(signed(P256, "ES256", "a"))

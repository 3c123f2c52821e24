"""Tokens: ours and in time, or nothing."""

import base64
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.auth import BAD_TOKENS, BELIEVED, MAX_KNOWN, SCOPES, Role, TokenCheck, Trust, issue_token, new_key_pair
from gateway.errors import UnauthenticatedError
from orders.errors import StartError, TransientError
from tests.controls.strangers import AUTHORIZATIONS

PRIVATE, PUBLIC = new_key_pair()


@pytest.fixture
def check(tmp_path: Path) -> TokenCheck:
    (tmp_path / "public.pem").write_text(PUBLIC)
    return TokenCheck(Trust(public_key=str(tmp_path / "public.pem")))


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    ours = {"sub": "ann", "role": "service", "iss": "milepost", "aud": "milepost", "iat": now, "exp": now + 60}
    return {name: value for name, value in (ours | changed).items() if value is not ...}


def signed(**changed: Any) -> str:
    return jwt.encode(claims(**changed), PRIVATE, algorithm="EdDSA")


def by_hand(header: dict[str, str], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims()).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def hs256_with_the_public_key() -> str:
    import hashlib
    import hmac

    unsigned = by_hand({"alg": "HS256", "typ": "JWT"}).rstrip(".")
    mac = hmac.new(PUBLIC.encode(), unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def test_a_token_of_ours_says_who_asks(check: TokenCheck) -> None:
    principal = await check.bearer(f"Bearer {issue_token(PRIVATE, 'ann', 'operations', 60)}")
    assert (principal.subject, principal.role) == ("ann", Role.OPERATIONS)
    assert 55 <= principal.expires_at - time.time() <= 60


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda: issue_token(PRIVATE, "ann", "admin", -1), id="expired"),
        pytest.param(lambda: issue_token(new_key_pair()[0], "ann", "admin", 60), id="another key"),
        pytest.param(lambda: by_hand({"alg": "none", "typ": "JWT"}), id="none"),
        pytest.param(lambda: by_hand({"alg": "None", "typ": "JWT"}), id="None"),
        pytest.param(hs256_with_the_public_key, id="HS256 with the public key"),
        pytest.param(lambda: signed()[:-6] + "AAAAAA", id="changed signature"),
        pytest.param(lambda: signed() + "." + "AAAA", id="four parts"),
        pytest.param(lambda: signed(iss="other"), id="iss"),
        pytest.param(lambda: signed(aud="other"), id="aud"),
        pytest.param(lambda: signed(aud=["milepost", "other"]), id="aud of several"),
        pytest.param(lambda: signed(nbf=int(time.time()) + 600), id="not yet"),
        pytest.param(lambda: signed(exp=...), id="no exp"),
        pytest.param(lambda: signed(sub=...), id="no sub"),
        pytest.param(lambda: signed(role=...), id="no role"),
        pytest.param(lambda: signed(iss=...), id="no iss"),
        pytest.param(lambda: signed(aud=...), id="no aud"),
        pytest.param(lambda: signed(sub=""), id="empty sub"),
        pytest.param(lambda: signed(sub="x" * 300), id="long sub"),
        pytest.param(lambda: signed(role="root"), id="unknown role"),
        pytest.param(lambda: signed(role=["admin"]), id="several roles"),
        pytest.param(lambda: signed(role="ADMIN"), id="other case"),
        pytest.param(lambda: signed(role="аdmin"), id="look-alike"),
        pytest.param(lambda: signed(accounts=["C1"]), id="a scope of another role"),
        pytest.param(lambda: signed(role="customer"), id="customer without accounts"),
        pytest.param(lambda: signed(role="customer", accounts=[]), id="no accounts"),
        pytest.param(lambda: signed(role="customer", accounts="C1"), id="accounts that are a text"),
        pytest.param(lambda: signed(role="customer", accounts=[1]), id="an account that is a number"),
        pytest.param(lambda: signed(role="customer", accounts=[["C1"]]), id="an account that is a list"),
        pytest.param(lambda: signed(role="customer", accounts=[""]), id="an empty account"),
        pytest.param(lambda: signed(role="customer", accounts=["C1\0"]), id="an account that cannot be printed"),
        pytest.param(lambda: signed(role="customer", accounts=["C1"] * 101), id="too many accounts"),
        pytest.param(lambda: signed(role="customer", accounts=["C1"], partners=["east"]), id="two scopes"),
        pytest.param(lambda: signed(role="customer", channels=["EDI"]), id="the wrong scope"),
        pytest.param(lambda: "x" * 10_000, id="long"),
        pytest.param(lambda: "not.a.token", id="not a token"),
        pytest.param(lambda: "é", id="not ASCII"),
    ],
)
async def test_any_other_is_refused(check: TokenCheck, token: Callable[[], str]) -> None:
    with pytest.raises(UnauthenticatedError):
        await check.bearer(f"Bearer {token()}")


@pytest.mark.parametrize("header", [None, *AUTHORIZATIONS.values()])
async def test_no_token_is_refused(check: TokenCheck, header: str | None) -> None:
    with pytest.raises(UnauthenticatedError):
        await check.bearer(header)


@pytest.mark.parametrize("role", SCOPES)
async def test_an_outsider_sees_what_the_token_names(check: TokenCheck, role: Role) -> None:
    principal = await check.check(issue_token(PRIVATE, "ann", role, 60, ["B", "A"]))
    assert (principal.role, principal.scope) == (role, {"A", "B"})


@pytest.mark.parametrize(("role", "scope"), [("root", ()), ("admin", ["C1"]), ("customer", ())])
def test_a_token_that_nobody_accepts_is_not_issued(role: str, scope: Sequence[str]) -> None:
    with pytest.raises(ValueError, match=r"root|scope"):
        issue_token(PRIVATE, "ann", role, 60, scope)


def test_a_key_that_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    weak = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505  # that is what is refused
    for content in (None, b"", b"nonsense", weak.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(StartError, match="public key") as caught:
            TokenCheck(Trust(public_key=str(path)))
        assert "\n" not in str(caught.value)


async def test_a_good_token_is_believed_for_a_while_but_never_beyond_its_end(
    check: TokenCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, now = signed(exp=int(time.time()) + 60), time.time()
    known = await check.check(token)
    monkeypatch.setattr(check, "_checked", None)
    assert await check.check(token) is known
    for later in (BELIEVED + 1, 61):
        monkeypatch.setattr("gateway.auth.time.time", lambda at=now + later: at)
        with pytest.raises(TypeError, match="not callable"):
            await check.check(token)


async def test_what_is_remembered_of_tokens_is_bounded(check: TokenCheck) -> None:
    for number in range(MAX_KNOWN + 10):
        await check.check(signed(sub=f"ann{number}"))
    assert 0 < len(check._known) <= MAX_KNOWN


async def test_a_flood_of_bad_tokens_is_not_looked_at_without_end(
    check: TokenCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was good before still is; who is new must wait for the next second."""
    now = time.time()
    known, late = signed(sub="ann"), signed(sub="bob")
    await check.check(known)
    monkeypatch.setattr("gateway.auth.time.time", lambda: now + BELIEVED)
    for number in range(BAD_TOKENS):
        with pytest.raises(UnauthenticatedError):
            await check.check(f"{number}.x.y")
    for token in ("1.x.y", late):
        with pytest.raises(TransientError):
            await check.check(token)
    assert (await check.check(known)).subject == "ann"
    monkeypatch.setattr("gateway.auth.time.time", lambda: now + BELIEVED + 1)
    assert (await check.check(late)).subject == "bob"

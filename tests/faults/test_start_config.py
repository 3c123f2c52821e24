"""A milepost.toml that cannot be used is refused with its file, the key and what to do."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from starting import one_line, start

from app.gateway import trust
from app.keys import public_key_path
from app.settings import AuthConfig, Settings, SourceSettings, read_config
from gateway.auth import Role, Trust
from gateway.throttle import ALLOWED, Allowance
from orders.errors import StartError


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("port = ", "is not TOML: Invalid value (at end of document); correct it there"),
        ("prot = 8000", "top level: there is no `prot`; did you mean `port`?"),
        ("port = 99999", "port: Expected `int` <= 65535; correct it there"),
        ("java_heap_mb = 0", "java_heap_mb: Expected `int` >= 1; correct it there"),
        ("[sources.erp]\ndsn = 'postgresql://h/d'", "sources.erp: Object missing required field `adapter`; correct"),
        ("[sources.erp]\nadapter = 'x'\ndsn = 5", "sources.erp.dsn: Expected `str`, got `int`; correct it there"),
        ("[sources.erp]\nadapter = 'x'\ndsn = 'mysql://h/d'", "sources.erp.dsn: Expected postgresql://user:password@"),
        ("[sources.ERP-1]", "sources.ERP-1: use a name of at most 31 lower-case letters, digits and _"),
        ("sources = 3", "sources: Expected `object`, got `int`; correct it there"),
        ("[auth]\nissuer = 'x'\njwks = 'ftp://h/k'", "auth.jwks: Expected https://host/path; correct it there"),
        (
            "[auth]\nissuer = 'x'",
            "auth: name the keys by `jwks`, a URL, or `public_key`, a PEM file; one of",
        ),
        ("[limits.guest]\nrefill = 5", "limits.guest: there is no such role; name one of admin, operations, "),
        ("[limits.partner]\nrefill = 0", "limits.partner.refill: Expected `int` >= 1; correct it there"),
        (
            "[limits.partner]\nrefill = 1",
            "limits.partner: a bucket of 100000 takes longer than 3600 s to fill at 1 a second; lower capacity, or",
        ),
        ("workers = 0", "workers: Expected `int` >= 1; correct it there"),
        ("[cors]\norigins = ['*']", "cors.origins[0]: Expected https://host; correct it there"),
        ("[cors]\norigins = ['https://shop.example/']", "cors.origins[0]: Expected https://host; correct it there"),
        ("[documents]\nonly = 1", "documents.only: Expected `bool`, got `int`; correct it there"),
        ("hung_after_s = 0", "hung_after_s: Expected `int` >= 1; correct it there"),
        ("[capture]\nmost_kept_mb = 0", "capture.most_kept_mb: Expected `int` >= 1; correct it there"),
        ("[capture]\nwhen_too_much = 'die'", "capture.when_too_much: Invalid enum value 'die'; correct it there"),
        (
            "[kafka]\nbootstrap = 'k:9092'\n[capture]\nwhen_too_much = 'drop'",
            "capture.when_too_much: with Kafka the slots are the connectors', which read on while Milepost lags; leave",
        ),
        ("[graph]\nhost = 'x'", "graph: there is no `host`; name one of dsn, gateway_dsn"),
        ("[graph]\ndsn = '${NO_SUCH}'", "graph.dsn: the environment variable NO_SUCH is not set; set it, or write"),
    ],
)
def test_names_file_key_and_cure(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "milepost.toml"
    file.write_text(text)
    with pytest.raises(StartError) as refused:
        read_config(file, {})
    assert str(refused.value).startswith(f"{file}")
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot read .*none\.toml: No such file or directory; .*--config FILE"):
        read_config(tmp_path / "none.toml")


def test_a_good_one_is_read_with_its_secrets(tmp_path: Path) -> None:
    file = tmp_path / "milepost.toml"
    file.write_text('[sources.erp]\nadapter = "erp_legacy"\ndsn = "postgresql://reader:${ERP_PASSWORD}@db/erp"\n')
    config = read_config(file, {"ERP_PASSWORD": "s3cret"})
    assert config.sources == (SourceSettings("erp", "erp_legacy", "postgresql://reader:s3cret@db/erp"),)


async def test_the_process_ends_with_code_2_and_one_line(data: Path) -> None:
    assert "top level: there is no `prot`; did you mean `port`?" in one_line(await start(data, "prot = 8000"))


async def test_the_same_start_without_a_fault_succeeds(data: Path) -> None:
    refusal = await start(data, "port = 0")
    assert (refusal.code, refusal.said, refusal.left) == (0, "", [])


def test_limits_change_what_they_name(tmp_path: Path) -> None:
    file = tmp_path / "milepost.toml"
    file.write_text("[limits.customer]\ncapacity = 9000\nrefill = 30\n[limits.partner]\nsockets = 3\n")
    customer, partner = ALLOWED[Role.CUSTOMER], ALLOWED[Role.PARTNER]
    assert read_config(file).limits == {
        Role.CUSTOMER: Allowance(9000, 30, customer.sockets),
        Role.PARTNER: partner._replace(sockets=3),
    }


def test_a_key_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "milepost.toml"
    file.write_text('[auth]\nissuer = "https://login.example"\npublic_key = "keys/login.pem"\n')
    auth = read_config(file).auth
    assert auth == AuthConfig("https://login.example", public_key=str(tmp_path / "keys/login.pem"))


def test_the_gateway_believes_whom_the_configuration_names(tmp_path: Path) -> None:
    own = Settings(tmp_path, "postgresql://o@h/g", "postgresql://r@h/g", "127.0.0.1", 8000, ())
    assert trust(own) == Trust(public_key=str(public_key_path(tmp_path)))
    auth = AuthConfig("https://login.example", "orders", jwks="https://login.example/keys", role_claim="job")
    believed = Trust(None, "https://login.example/keys", "https://login.example", "orders", "job")
    assert trust(replace(own, auth=auth)) == believed

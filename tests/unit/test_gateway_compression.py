"""What is compressed, how, and that it comes out as it went in."""

import gzip

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.asgi import weights
from gateway.compression import WORTH, compressed

LONG = b"an order " * WORTH


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", b"zstd"),
        ("gzip", b"gzip"),
        ("GZIP;q=1.0, zstd;q=0.5", b"gzip"),
        ("*", b"zstd"),
        ("zstd;q=0, *", b"gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("br", None),
        ("gzip;q=x", None),
        ("", None),
        (None, None),
    ],
)
def test_the_caller_chooses(accepted: str | None, coding: bytes | None) -> None:
    body, headers = compressed(LONG, accepted)
    assert dict(headers).get(b"content-encoding") == coding
    assert (len(body) < len(LONG)) is (coding is not None)


def test_what_is_short_stays_as_it_is() -> None:
    assert compressed(b"x" * (WORTH - 1), "gzip, zstd") == (b"x" * (WORTH - 1), ())


@given(st.binary(min_size=WORTH, max_size=4 * WORTH))
def test_nothing_is_lost(body: bytes) -> None:
    assert gzip.decompress(compressed(body, "gzip")[0]) == body
    assert zstandard.ZstdDecompressor().decompress(compressed(body, "zstd")[0]) == body


@given(st.text())
def test_no_header_breaks_the_reader(value: str) -> None:
    assert all(isinstance(weight, float) for weight in weights(value).values())

"""Which heads of requests the short way takes, and what it reads in them."""

import httptools
from hypothesis import given
from hypothesis import strategies as st

from gateway.express import LARGEST_HEAD, Head, read_head

USUAL = {
    b"host": b"localhost:8000",
    b"authorization": b"Bearer abc.def",
    b"content-type": b"application/json",
    b"content-length": b"17",
}
NAMES = [
    *USUAL,
    b"Host",
    b"HOST",
    b"accept",
    b"transfer-encoding",
    b"connection",
    b"expect",
    b"origin",
    b"x-one",
    b"a b",
]
VALUES = [
    *USUAL.values(),
    *(b"", b"chunked", b"close", b"keep-alive", b"100-continue", b"text/plain", b"application/graphql-response+json"),
    *(b"18", b"+17", b"1_7", b"017", b"\xb2", b"17, 17", b"bearer x", b"Bearer  y", b"Basic z"),
    *(b"a\tb", b"a\nhost: b", b"\x01"),
]
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=3)


def written(fields: list[tuple[bytes, bytes]], start: bytes = b"POST /graphql HTTP/1.1") -> bytes:
    return b"\r\n".join([start, *(b"%b: %b" % field for field in fields)])


class Parsed:
    """What uvicorn's parser makes of a head and a body of so many bytes."""

    def __init__(self, head: bytes, length: int) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = 0
        self.whole = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(head + b"\r\n\r\n" + b" " * length)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += len(body)

    def on_message_complete(self) -> None:
        self.whole = True


def test_a_usual_head() -> None:
    expected = Head("abc.def", 17, b"application/json; charset=utf-8", None)
    assert read_head(written([*USUAL.items()])) == expected
    wishes = [(b"Accept", b"application/graphql-response+json"), (b"accept-encoding", b"gzip"), (b"x-y", b"z")]
    modern = b"application/graphql-response+json; charset=utf-8"
    assert read_head(written([*USUAL.items(), *wishes])) == Head("abc.def", 17, modern, "gzip")


@given(FIELDS, st.sets(st.sampled_from(sorted(USUAL)), max_size=2), st.randoms(use_true_random=False))
def test_what_it_takes_the_parser_reads_as_well(
    fields: list[tuple[bytes, bytes]], left_out: set[bytes], random: object
) -> None:
    found = [*(field for field in USUAL.items() if field[0] not in left_out), *fields]
    random.shuffle(found)  # type: ignore[attr-defined]
    head = read_head(written(found))
    if head is None:
        return
    parsed = Parsed(written(found), head.length)
    assert parsed.whole, "the body ends where it is said to end"
    assert parsed.body == head.length
    assert parsed.parser.should_keep_alive()
    assert not parsed.parser.should_upgrade()
    read = dict(parsed.fields)
    assert len(read) == len(parsed.fields), "no field comes twice"
    scheme, token = read[b"authorization"].decode("latin-1").split()
    assert (scheme.lower(), token) == ("bearer", head.token)
    assert read[b"content-type"] == b"application/json"


@given(FIELDS)
def test_usual_heads_are_taken_whatever_else_is_harmless(fields: list[tuple[bytes, bytes]]) -> None:
    harmless = {name: value for name, value in fields if name in (b"accept", b"x-one") and value.isalnum()}
    assert read_head(written([*USUAL.items(), *harmless.items()])) is not None


def test_other_starts_are_not_taken() -> None:
    for start in (b"GET /graphql HTTP/1.1", b"POST /graphql HTTP/1.0", b"POST /graphql?x HTTP/1.1", b"POST /graphql"):
        assert read_head(written([*USUAL.items()], start)) is None


def test_a_folded_line_is_not_taken() -> None:
    assert read_head(written([*USUAL.items()]) + b"\r\n folded: x") is None
    assert len(written([*USUAL.items()])) < LARGEST_HEAD

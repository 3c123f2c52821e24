"""How documents, identifiers and facts are written in Postgres."""

import re

import msgspec

from orders.facts import Doc, DocKind, Fact, Ident

_facts = msgspec.json.Decoder(Fact)
_encoder = msgspec.json.Encoder()
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""In JSON, and not a backslash's text."""
_KINDS = {kind.value: kind for kind in DocKind}


def doc_text(doc: Doc) -> str:
    return f"{doc.source}/{doc.kind}/{doc.id}"


def text_doc(text: str) -> Doc:
    source, kind, ident = text.split("/", 2)
    return Doc(source, _KINDS[kind], ident)


def ident_text(ident: Ident) -> str:
    return f"{ident.scheme}={ident.value}"


def encode_fact(fact: Fact) -> bytes | None:
    """None for a deletion."""
    return None if fact.body is None else _encoder.encode(fact)


def has_nul(fact: Fact) -> bool:
    """Whether a text in it has the one character that no text of Postgres can have."""
    return b"u0000" in (raw := encode_fact(fact) or b"") and _NUL.search(raw) is not None


def decode_fact(key: str, raw: bytes | None) -> Fact:
    return Fact(key=key) if raw is None else _facts.decode(raw)

"""`milepost documents sync`: which documents clients may ask for by their id."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec
from msgspec import Struct

from gateway.documents import MAX_ID, PREFIX, canonical, id_of
from gateway.schema import problems, schema
from orders.errors import RejectedError
from orders.statements import named_statements

SQL = named_statements("app", "sql/documents.sql")
APOLLO = "apollo-persisted-query-manifest"


class Document(NamedTuple):
    """`where` is the file, and the place in it, that names it."""

    id: str
    text: str
    where: str


class Synced(NamedTuple):
    """How many documents were named, which ids are new or have another text now, and which were withdrawn."""

    documents: int
    stored: Sequence[str]
    withdrawn: Sequence[str]


class _Operation(Struct):
    id: str
    body: str


class _Manifest(Struct):
    """Of Apollo's generate-persisted-query-manifest."""

    format: str
    version: int
    operations: list[_Operation]


def read_documents(path: Path) -> list[Document]:
    """Of a folder, its *.graphql; of a file, a document or a manifest of Relay or Apollo. Raises RejectedError."""
    found = list(_documents(path))
    if not found:
        raise RejectedError(f"{path} names no document: give a folder with *.graphql, or a manifest")
    for document in found:
        _check(document)
    return found


async def sync(dsn: str, documents: Sequence[Document], *, prune: bool = False) -> Synced:
    """Store them under the digest of their text, and under the id that a manifest gives them.

    `prune` withdraws all others. The gateways see it within seconds.
    """
    texts = {document.id: document.text for document in documents}
    texts |= {id_of(document.text): document.text for document in documents}
    db = await asyncpg.connect(dsn, timeout=30)
    try:
        async with db.transaction():
            stored = await db.fetch(SQL["put_documents"], list(texts), list(texts.values()))
            withdrawn = await db.fetch(SQL["withdraw_documents"], list(texts)) if prune else []
    finally:
        await db.close()
    return Synced(len(set(texts.values())), [row["id"] for row in stored], [row["id"] for row in withdrawn])


def synced_text(synced: Synced) -> str:
    return f"{synced.documents} documents: {len(synced.stored)} ids stored, {len(synced.withdrawn)} withdrawn"


def _documents(path: Path) -> Iterator[Document]:
    if path.is_dir():
        for file in sorted(path.rglob("*.graphql")):
            yield from _documents(file)
    elif path.suffix == ".json":
        for id_, text in _manifest(path).items():
            yield Document(canonical(id_), text, f"{path}: {id_}")
    else:
        try:
            text = _read(path).decode()
        except UnicodeDecodeError as error:
            raise RejectedError(f"{path} is not UTF-8: {error}; store it so") from None
        yield Document(id_of(text), text, str(path))


def _manifest(path: Path) -> dict[str, str]:
    try:
        found: Any = msgspec.json.decode(_read(path))
        if isinstance(found, dict) and found.get("format") == APOLLO:
            manifest = msgspec.convert(found, _Manifest)
            return {operation.id: operation.body for operation in manifest.operations}
        return msgspec.convert(found, dict[str, str])
    except msgspec.MsgspecError as error:
        raise RejectedError(
            f"{path}: {error}: a manifest is Relay's, an object of texts by id, or Apollo's, of the format {APOLLO}"
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RejectedError(f"cannot read {path}: {error.strerror}; name a folder or a file") from None


def _check(document: Document) -> None:
    if document.id.startswith(PREFIX) and document.id != id_of(document.text):
        raise RejectedError(f"{document.where}: the id is the digest of another text; make the manifest anew")
    if not (0 < len(document.id) <= MAX_ID and document.id.isprintable()):
        raise RejectedError(f"{document.where}: an id has 1 to {MAX_ID} characters; give it another")
    if found := problems(schema, document.text):
        raise RejectedError(f"{document.where}: {found[0]}; correct it there")

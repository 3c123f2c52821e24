"""Trusted documents as they lie in files: folders, manifests, and what is wrong with them."""

import hashlib
import json
from pathlib import Path

import pytest

from app.documents import APOLLO, read_documents
from gateway.documents import id_of
from orders.errors import RejectedError

ONE = "query One($id: ID!) { order(id: $id) { id } }"
HASH = hashlib.sha256(ONE.encode()).hexdigest()
OTHER = "{ __typename }"
UNKNOWN = hashlib.sha256(b"nobody stored this").hexdigest()


def test_a_folder_a_file_and_the_manifests_are_read(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "one.graphql").write_text(ONE)
    (tmp_path / "deep/other.graphql").write_text(OTHER)
    (tmp_path / "readme.txt").write_text("no document")
    relay, apollo = tmp_path / "relay.json", tmp_path / "apollo.json"
    relay.write_text(json.dumps({"0a1b": ONE, HASH: ONE}))
    operation = {"id": HASH, "name": "One", "type": "query", "body": ONE}
    apollo.write_text(json.dumps({"format": APOLLO, "version": 1, "operations": [operation]}))
    assert [each.text for each in read_documents(tmp_path)] == [OTHER, ONE]
    assert [each.id for each in read_documents(tmp_path / "one.graphql")] == [id_of(ONE)]
    assert [each.id for each in read_documents(relay)] == ["0a1b", id_of(ONE)]
    assert [each.id for each in read_documents(apollo)] == [id_of(ONE)]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("bad.graphql", "{ nothing }", "bad.graphql: Cannot query field 'nothing' on type 'Query'.; correct it there"),
        ("bad.graphql", "{", "bad.graphql: Syntax Error"),
        ("bad.graphql", "{ " + "a: __typename " * 60 + "}", "bad.graphql: "),
        ("none.json", "{}", "names no document"),
        ("list.json", "[]", "a manifest is Relay's"),
        ("apollo.json", f'{{"format": "{APOLLO}", "version": 1}}', "missing required field `operations`"),
        ("broken.json", "{", "a manifest is Relay's"),
        ("wrong.json", json.dumps({UNKNOWN: ONE}), "the id is the digest of another text; make the manifest anew"),
        ("long.json", json.dumps({"x" * 201: ONE}), "an id has 1 to 200 characters"),
    ],
)
def test_what_cannot_be_trusted_is_said_with_its_place(tmp_path: Path, name: str, text: str, problem: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(RejectedError) as refused:
        read_documents(file)
    assert problem in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"cannot read .*none\.json: No such file or directory; name a folder"):
        read_documents(tmp_path / "none.json")

"""Jars are those that were pinned, or nothing starts."""

import hashlib
from pathlib import Path

import pytest

from cdc.maven import jars
from orders.errors import StartError

JAR = b"a jar"


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that wants one jar; the cache is empty, and there is no Maven."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "jars.sha256").write_text(f"{hashlib.sha256(JAR).hexdigest()}  a-1.jar\n")
    return folder


def maven(folder: Path, body: str) -> None:
    """A program of that name, as far as it is asked."""
    program = folder.parent / "mvn"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o700)


FETCH = 'for each in "$@"; do case $each in -DoutputDirectory=*) out=${each#*=};; esac; done; /bin/mkdir -p $out\n'


def test_without_maven_it_says_so(wanted: Path) -> None:
    with pytest.raises(StartError, match=r"jars of engine are not here .* install Maven"):
        jars(wanted)


def test_they_are_fetched_once(wanted: Path) -> None:
    maven(wanted, f"{FETCH}printf 'a jar' > $out/a-1.jar")
    [jar] = jars(wanted)
    assert jar.read_bytes() == JAR
    (wanted.parent / "mvn").unlink()
    assert jars(wanted) == [jar]


@pytest.mark.parametrize("files", ["printf 'another' > $out/a-1.jar", "printf 'a jar' > $out/a-1.jar; >$out/b.jar", ""])
def test_others_are_refused_and_not_kept(wanted: Path, files: str) -> None:
    maven(wanted, FETCH + files)
    with pytest.raises(StartError, match="has not the jars that were pinned"):
        jars(wanted)
    maven(wanted, f"{FETCH}printf 'a jar' > $out/a-1.jar")
    assert len(jars(wanted)) == 1


def test_one_that_was_changed_later_is_refused(wanted: Path) -> None:
    maven(wanted, f"{FETCH}printf 'a jar' > $out/a-1.jar")
    [jar] = jars(wanted)
    jar.write_bytes(b"changed")
    with pytest.raises(StartError, match=r"a-1\.jar.*delete that folder"):
        jars(wanted)


def test_what_maven_complains_of_is_said(wanted: Path) -> None:
    maven(wanted, "echo '[ERROR] no route to host'; exit 1")
    with pytest.raises(StartError, match=r"cannot fetch the jars of engine: \[ERROR\] no route to host"):
        jars(wanted)

"""What README and docs tell people to type, write and read is there: commands, settings, queries, files, metrics."""

import importlib.util
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest
from cyclopts import App
from cyclopts.exceptions import MissingArgumentError
from graphql import build_schema, parse, validate
from msgspec import Struct

from app import settings
from app.cli import app
from app.settings import read_config
from bench.__main__ import app as bench
from tests.controls.certificates import Authority
from tests.controls.serving import ROOT

FILES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BESIDE = {"docs/federation.md"}
"""Whose queries are for a graph of several subgraphs: tests/integration/test_federation_router.py asks them."""


class Block(NamedTuple):
    file: str
    kind: str
    text: str


def blocks(*kinds: str) -> list[Block]:
    found = [(path.relative_to(ROOT), each) for path in FILES for each in FENCED.findall(path.read_text())]
    return [Block(str(name), kind, text) for name, (kind, text) in found if kind in kinds]


def spans() -> Iterator[tuple[str, str]]:
    """What stands between backticks in the running text, and in which file."""
    for path in FILES:
        for text in re.findall(r"`([^`\n]+)`", FENCED.sub("", path.read_text())):
            yield str(path.relative_to(ROOT)), text


def lines() -> Iterator[tuple[str, str]]:
    yield from spans()
    for block in blocks("", "sh"):
        for line in block.text.splitlines():
            yield block.file, line
    for row in re.findall(r"^\| (`--.*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE):
        for words in re.findall(r"`(--[^`]+)`", row):
            yield "README.md", f"milepost demo {words}"


PLACEHOLDERS = {"ID": "1", "N": "1", "P": "1", "[--dry-run]": "--dry-run", "[--prune]": "--prune"}


def readings(words: list[str]) -> list[list[str]]:
    """`a|b c` are the commands `a c` and `b c`; a placeholder stands for a value."""
    found: list[list[str]] = [[]]
    for word in words:
        found = [[*each, PLACEHOLDERS.get(choice, choice)] for each in found for choice in word.split("|")]
    return found


def commands(start: str) -> dict[str, list[list[str]]]:
    """What follows `start` in each command, after `uv run` and its groups or without."""
    command = re.compile(rf"(?:CI=1 )?(?:uv run )?(?:--group \w+ )*{start}(?: (.*))?$")
    found = {}
    for file, line in lines():
        if told := command.match(line.strip()):
            words = shlex.split((told[1] or "").partition(" > ")[0], comments=True)
            found[f"{file}: {line.strip()}"] = readings(words)
    return found


def parsed(parser: App, words: list[str]) -> None:
    """Names without their values are prose."""
    with suppress(MissingArgumentError):
        parser.parse_args(words, exit_on_error=False, print_error=False)


MILEPOST = commands("milepost")
MODULES = commands(r"python -m")


@pytest.mark.parametrize("told", MILEPOST)
def test_a_command_of_milepost_is_one(told: str) -> None:
    for words in MILEPOST[told]:
        parsed(app, words)


@pytest.mark.parametrize("told", MODULES)
def test_a_module_that_is_run_is_there(told: str) -> None:
    for module, *words in MODULES[told]:
        assert importlib.util.find_spec(module if module.count(".") else f"{module}.__main__")
        if module == "bench":
            parsed(bench, words)


def test_suites_groups_and_recipes_are_there() -> None:
    told = [line for _, line in lines()]
    marked = {name for line in told for name in re.findall(r"pytest -m (\w+)", line)}
    grouped = {name for line in told for name in re.findall(r"--group (\w+)", line)}
    recipes = {name for line in told for name in re.findall(r"^just (\w+)", line)}
    assert marked <= {each.partition(":")[0] for each in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    assert grouped <= PROJECT["dependency-groups"].keys()
    assert recipes <= set(re.findall(r"^(\w+).*:", (ROOT / "justfile").read_text(), re.MULTILINE))
    assert marked
    assert grouped
    assert recipes


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: f"{block.file} {block.text.splitlines()[0]}")
def test_settings_are_read(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "milepost.toml"
    path.write_text(block.text)
    for name in re.findall(r'^tls_ca = "([\w-]+)\.pem"', block.text, re.MULTILINE):
        Authority(tmp_path, name)
    read_config(path, dict.fromkeys(re.findall(r"\$\{(\w+)\}", block.text), "secret"))


def test_each_setting_is_told() -> None:
    structs = [each for each in vars(settings).values() if isinstance(each, type) and issubclass(each, Struct)]
    names = {
        name for each in structs if each.__struct_config__.forbid_unknown_fields for name in each.__struct_fields__
    }
    told = " ".join(path.read_text() for path in FILES if path.name != "CHANGELOG.md")
    assert {"host", "write_dsn", "ledger_days"} <= names
    assert {name for name in names if not re.search(rf"\b{name}\b", told)} == set()


@pytest.mark.parametrize("block", blocks("graphql"), ids=lambda block: f"{block.file} {block.text.splitlines()[0]}")
def test_queries_fit_the_schema(block: Block) -> None:
    if block.file not in BESIDE:
        schema = build_schema((ROOT / "schema.graphql").read_text(), assume_valid=True)
        assert validate(schema, parse(block.text)) == []


def tree() -> set[PurePosixPath]:
    """All files and folders of ours."""
    found = {PurePosixPath()}
    for folder, inner, files in os.walk(ROOT):
        inner[:] = [name for name in inner if not name.startswith(".") and name != "node_modules"]
        found |= {PurePosixPath(folder, name).relative_to(ROOT.as_posix()) for name in (*inner, *files)}
    return found


PATH = re.compile(r"[\w.*-]+(/[\w.*-]+)*\.(py|sql|md|json|jsonl|graphql|yml|toml|js)|[\w-]+(/[\w-]+)*/")


MADE = {
    "docs/adding-a-source.md": None,
    "docs/graph.md": {"follow.js"},
    "CHANGELOG.md": {"log/"},
    "docs/operations.md": {"log/"},
}
"""Files that the reader or an installation makes; None: all that the text names."""


def is_made(file: str, text: str) -> bool:
    made = MADE.get(file, ())
    return made is None or text in made


def test_files_that_are_named_are_there() -> None:
    """From the top, or from where the text is about."""
    there = tree()
    named = {(file, text) for file, text in spans() if PATH.fullmatch(text) and not is_made(file, text)}
    assert len(named) > 100
    assert [(file, text) for file, text in sorted(named) if not any(path.match(text) for path in there)] == []


def test_links_lead_somewhere() -> None:
    links = [(path, link) for path in FILES for link in re.findall(r"\]\(([^)#]+)", path.read_text())]
    assert [(path, link) for path, link in links if "://" not in link and not (path.parent / link).exists()] == []

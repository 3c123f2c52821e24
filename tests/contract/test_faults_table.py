"""docs/faults.md is true of the tests: those that it names are there, those that quote a fault are named."""

import ast
import re
from pathlib import Path

import pytest

from tests.controls.serving import ROOT

ROW = re.compile(r"^\| (F\d+) \| (.+?) \| (.+?) \| (.+?) \|", re.MULTILINE)
CHECKER = re.compile(r"^\| (C\d+) \|", re.MULTILINE)
TEXT = (ROOT / "docs" / "faults.md").read_text()
ROWS = {number: (tests, checkers) for number, _, tests, checkers in ROW.findall(TEXT)}


def functions(path: Path) -> set[str]:
    found = ast.walk(ast.parse(path.read_text()))
    return {each.name for each in found if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def docstrings(path: Path) -> str:
    kinds = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef
    found = (ast.get_docstring(each) for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, kinds))
    return "\n".join(filter(None, found))


@pytest.mark.parametrize("number", ROWS)
def test_what_it_names_is_there(number: str) -> None:
    tests, checkers = ROWS[number]
    named = re.findall(r"`(\S+?)::(test_\w+)`", tests)
    assert re.sub(r"`\S+?::test_\w+` ?", "", tests) == ""
    assert named
    assert [f"{path}::{name}" for path, name in named if name not in functions(ROOT / path)] == []
    assert checkers == "plain" or set(checkers.split()) <= set(CHECKER.findall(TEXT))


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "faults").glob("test_*.py")), ids=lambda path: path.stem)
def test_who_quotes_a_fault_is_named(path: Path) -> None:
    quoted = set(re.findall(r"\bF\d+\b", docstrings(path))) & ROWS.keys()
    assert {number for number in quoted if f"`{path.relative_to(ROOT)}::" not in ROWS[number][0]} == set()


def test_the_faults_are_in_order_and_each_is_there_once() -> None:
    numbers = [int(number[1:]) for number, *_ in ROW.findall(TEXT)]
    assert numbers == sorted(set(numbers))

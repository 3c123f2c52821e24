"""What the pages say: every query in them can be asked, every command is one, every error code has its line."""

import re
from collections.abc import Iterator

import pytest
from graphql import build_schema, parse, validate

from app.cli import app
from gateway.errors import TOLD, public
from tests.controls.serving import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCHEMA = build_schema((ROOT / "schema.graphql").read_text(), assume_valid_sdl=True)
OF_ROUTER = "tier contact"
"""Fields of a neighbor, in the query that a router answers."""


def queries() -> Iterator[object]:
    for page in PAGES:
        for number, query in enumerate(re.findall(r"^```graphql\n(.*?)^```$", page.read_text(), re.M | re.S), 1):
            if OF_ROUTER not in query:
                yield pytest.param(query, id=f"{page.name}-{number}")


@pytest.mark.parametrize("query", list(queries()))
def test_a_query_of_a_page_can_be_asked(query: str) -> None:
    assert validate(SCHEMA, parse(query)) == []


def commands() -> Iterator[object]:
    for page in PAGES:
        blocks = re.findall(r"^```(?:sh)?\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        for words in re.findall(r"^(?:uv run )?milepost ([^#>\n]+)", "".join(blocks), re.MULTILINE):
            yield pytest.param(words.strip(), id=f"{page.name}-{words.strip()}")


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_of_a_page_is_one(words: str) -> None:
    app.parse_args(re.sub(r"\bID\b", "1", words), exit_on_error=False, print_error=False)


def test_every_error_code_has_its_line() -> None:
    page = (ROOT / "docs" / "graph.md").read_text()
    codes = {kind.code for kind, told in TOLD.items() if told} | {public(KeyError()).code}
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == codes

"""docs/graph.md says of every error that a caller may get what it is and what to do, and of no other."""

import re

from gateway.errors import TOLD, public
from tests.controls.serving import ROOT


def test_every_error_code_has_its_line() -> None:
    page = (ROOT / "docs" / "graph.md").read_text()
    codes = {kind.code for kind, told in TOLD.items() if told} | {public(KeyError()).code}
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == codes

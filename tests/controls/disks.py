"""Disks that are small, and full."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(path: Path, megabytes: int = 24) -> Iterator[None]:
    """At this folder, which is made; where none can be mounted the test is skipped."""
    path.mkdir()
    if os.geteuid() or not _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)):
        pytest.skip("a small disk can be mounted by root alone, where it may mount at all")
    try:
        yield
    finally:
        assert _run("umount", "--lazy", str(path))  # what still lies open there goes with who opened it


def fill(path: Path) -> None:
    """Until nothing more fits beside this file."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False).returncode == 0

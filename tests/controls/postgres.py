"""A Postgres of this machine that has TLS: the one that Milepost brings has none."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.controls.kafka import MissingError


class Programs(NamedTuple):
    folder: Path
    major: int


def programs_with_tls() -> Programs:
    """The newest that is found. Raises MissingError."""
    on_path = shutil.which("initdb")
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(on_path).resolve().parent] if on_path else [])]
    found = [Programs(folder, _major(folder)) for folder in folders if _has_tls(folder)]
    if not found:
        raise MissingError("no Postgres with TLS is here: install Debian's postgresql, or Postgres's like")
    return max(found, key=lambda each: each.major)


def _has_tls(folder: Path) -> bool:
    if not all((folder / name).exists() for name in ("postgres", "initdb")):
        return False
    return "libssl" in subprocess.run(["ldd", str(folder / "postgres")], capture_output=True, text=True).stdout


def _major(folder: Path) -> int:
    said = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split()[2].partition(".")[0])

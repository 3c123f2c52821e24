"""The files of an embedded Postgres: made once and copied, which is faster than to make them each time."""

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from app.folder import open_folder
from app.postgres import Postgres


@cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="milepost-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Postgres(folder)._prepare()
    return folder


def prepare(folder: Path) -> None:
    """Into a folder that has none."""
    made = [str(_made() / name) for name in ("postgres", "postgres.json")]
    subprocess.run(["cp", "-a", *made, str(folder)], check=True)


def opened(data: Path) -> Path:
    """A data folder with these files, unless it has its own."""
    data = open_folder(data)
    if not (data / "postgres").exists():
        prepare(data)
    return data

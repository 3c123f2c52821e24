"""Jars that Maven fetches: a folder with a `pom.xml` says which, its `jars.sha256` what must have come.

They are fetched once, by whoever needs them first, and kept in the user's cache.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from orders.errors import StartError

_TIMEOUT: Final = 600.0
OPTIONS: Final = ("-q", "-B", "-C")


def jars(wanted: Path) -> list[Path]:
    """The jars of the folder `wanted`. Raises StartError when they cannot be had or are not those."""
    sums = (wanted / "jars.sha256").read_bytes()
    folder = user_cache_path("milepost") / f"{wanted.name}-{hashlib.sha256(sums).hexdigest()[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            _fetch(wanted, Path(made) / "jars")
            _check(Path(made) / "jars", sums)
            _keep(Path(made) / "jars", folder)
    return _check(folder, sums)


def _fetch(wanted: Path, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise StartError(f"the jars of {wanted.name} are not here and there is no `mvn` to fetch them: install Maven")
    command = [maven, *OPTIONS, "-f", str(wanted / "pom.xml"), *goal(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT)
    if done.returncode:
        said = next((line for line in done.stdout.splitlines() if "ERROR" in line), "it does not say why")
        raise StartError(f"Maven cannot fetch the jars of {wanted.name}: {said}; can it reach its repository?")


def goal(target: Path) -> list[str]:
    """What Maven is asked, so that all jars come into the folder `target`."""
    return ["dependency:copy-dependencies", f"-DoutputDirectory={target}", "-DincludeScope=runtime"]


def _keep(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        # Another process was faster; what it brought is checked as ours was.
        if not folder.is_dir():
            raise


def _check(folder: Path, sums: bytes) -> list[Path]:
    wanted = {name: digest for digest, name in (line.split() for line in sums.decode().splitlines())}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    if found != wanted:
        wrong = sorted({name for name, _ in set(found.items()) ^ set(wanted.items())})
        raise StartError(f"{folder} has not the jars that were pinned ({', '.join(wrong[:3])}): delete that folder")
    return [folder / name for name in sorted(wanted)]

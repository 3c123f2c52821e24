"""What a Java machine writes about its own crash: a file each, among the logs, and of them the latest."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

KEPT: Final = 5
"""So many stay, of all machines together."""


def account(logs: Path, machine: str) -> Path:
    """Where the machine of this kind that starts now is to write; of the others' that are there the oldest go."""
    logs.mkdir(parents=True, exist_ok=True)
    for each in sorted(logs.glob("java-*.log"), key=_age)[KEPT - 1 :]:
        each.unlink(missing_ok=True)
    return logs / f"java-{machine}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.log"


def option(file: Path) -> str:
    """Of Java's command line, where a percent sign means something."""
    return f"-XX:ErrorFile={str(file).replace('%', '%%')}"


def _age(file: Path) -> float:
    return -file.stat().st_mtime

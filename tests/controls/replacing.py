"""A server is replaced by its standby or by a backup of itself, under its own address, while it is stopped."""

import shutil
import subprocess
from pathlib import Path

from tests.controls.capturing import ask


def copied(one: Path, other: Path) -> None:
    shutil.rmtree(other, ignore_errors=True)
    subprocess.run(["cp", "-a", str(one), str(other)], check=True)


def by_backup(files: Path, backup: Path) -> None:
    copied(backup, files)


def by_standby(files: Path, backup: Path) -> None:
    """A base backup, which has no slots, as a standby that knows all but the last of it."""
    copied(backup, files)
    for slot in (files / "pg_replslot").iterdir():
        shutil.rmtree(slot)
    (files / "standby.signal").touch()


async def is_primary(dsn: str) -> bool:
    return bool(await ask(dsn, "select not pg_is_in_recovery() or pg_promote()"))

"""A data folder that is in use, of another version, or not ours is refused, and not touched."""

import os
from pathlib import Path

import pytest
from starting import one_line, start

from app.folder import locked, open_folder
from orders.errors import StartError
from tests.controls.files import opened


def files(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


async def test_in_use(data: Path) -> None:
    with locked(open_folder(data)):
        said = one_line(await start(data, "port = 0"))
    assert said == f"data folder {data} is in use by process {os.getpid()}: stop it, or use another --data DIR\n"


async def test_a_lock_file_without_a_holder_is_no_obstacle(data: Path) -> None:
    (open_folder(data) / "lock").write_text("1\n")
    assert (await start(data, "port = 0")).code == 0


async def test_of_another_format(data: Path) -> None:
    (open_folder(data) / "format").write_text("7\n")
    said = one_line(await start(data, "port = 0"))
    assert f"data folder {data} has format '7', this version of Milepost needs 1" in said


async def test_of_another_postgres(data: Path) -> None:
    opened(data)
    (data / "postgres" / "PG_VERSION").write_text("16\n")
    said = one_line(await start(data, "port = 0"))
    assert f"{data}/postgres was made by Postgres 16, this version of Milepost brings 18: use" in said


async def test_with_files_of_somebody_else(data: Path) -> None:
    (data / "thesis.txt").write_text("years of work")
    said = one_line(await start(data, "port = 0"))
    assert said == f"data folder {data} holds other files (thesis.txt): choose an empty one with --data DIR\n"
    assert files(data) == {"thesis.txt"}


def test_that_cannot_be_made(data: Path) -> None:
    (data / "file").write_text("")
    with pytest.raises(StartError, match=r"file/x: Not a directory; choose another with --data DIR"):
        open_folder(data / "file" / "x")

"""A Java machine whose classes many threads meet at the same moment, each class for the first time:
`python -m tests.controls.meeting ACCOUNT`. It says how many were met and ends with 0, or ends as a crash does."""

import os
import sys
from itertools import islice
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from zipfile import ZipFile

from jpype import JClass

from cdc import jvm

THREADS, CLASSES = 6, 300
PACKAGE = "org/apache/kafka/common/message/"
SECONDS = 60
"""Longest wait of a thread for the others."""


def main(account: Path) -> None:
    # As a machine does whose threads are taken from their processors at any point; what the engine's machine is told
    # about this comes behind it.
    sys.setswitchinterval(1e-6)
    jvm.start(128, "postgres", account)
    barrier, met = Barrier(THREADS), list[str]()
    threads = [Thread(target=meet, args=(barrier, met), daemon=True) for _ in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    print(len(met))  # noqa: T201 (the test reads it)
    sys.stdout.flush()
    os._exit(0)


def meet(barrier: Barrier, met: list[str]) -> None:
    for name in names():
        barrier.wait(SECONDS)
        offer("anything", JClass(name))
        met.append(name)


def offer(what: object, found: Any) -> None:
    """To a Java class, as an argument of a call is: it looks whether it can be made of it."""
    try:
        found @ what
    except TypeError:
        return


def names() -> list[str]:
    """Of classes of the engine's jars that need nothing else."""
    [jar] = [each for each in jvm.class_path() if each.name.startswith("kafka-clients")]
    with ZipFile(jar) as archive:
        inside = (each.filename for each in archive.infolist())
        found = (each for each in inside if each.startswith(PACKAGE) and each.endswith(".class"))
        plain = (each.removesuffix(".class").replace("/", ".") for each in found if "$" not in each)
        return list(islice(plain, CLASSES))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

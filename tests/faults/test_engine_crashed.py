"""The engine's Java machine does not crash when threads meet a class at once; where it does, its account is found."""

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

from demo.story import Story
from tests.controls.accounting import check, tell
from tests.controls.meeting import CLASSES, THREADS
from tests.controls.milepost import SECONDS, Milepost, milepost
from tests.controls.waiting import until

MEETING = [sys.executable, "-m", "tests.controls.meeting"]
STORY = Story(seed=7, orders=4)


async def test_threads_that_meet_a_class_at_once(data: Path) -> None:
    """JPype shows a class to all threads before it is whole: engines that started together ended in a SIGSEGV."""
    account = data / "java.log"
    process = await asyncio.create_subprocess_exec(*MEETING, str(account), stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert (process.returncode, said, account.exists()) == (0, f"{CLASSES * THREADS}\n".encode(), False)


async def test_the_log_names_the_file_in_which_java_tells_of_its_crash(data: Path) -> None:
    async with milepost(data) as whole:
        await whole.audit()
        os.kill(whole.engine(), signal.SIGSEGV)
        await until(partial(told, whole), SECONDS)
        await tell(whole, STORY)
        await check(whole)


async def told(whole: Milepost) -> bool:
    accounts = list((whole.data / "log").glob("java-postgres-*.log"))
    log = (whole.data / "log" / "projector.log").read_text()
    line = "the capture engine ended with code -6"
    return any(f"{line}: " in log and f"Java tells of its crash in {each}" in log for each in accounts)

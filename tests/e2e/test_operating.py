"""What who looks after Milepost is told: for people, and as JSON for programs."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest

from app.verifying import report, verify_living
from tests.controls.milepost import MILEPOST, SECONDS, Milepost, owner
from tests.controls.selling import accepted, entered, new_number
from tests.controls.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def said(whole: Milepost, *words: object) -> tuple[int, str]:
    """The exit code and what was said; never a traceback."""
    command = [*MILEPOST, *map(str, words), "--data", str(whole.data)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=SECONDS)
    assert done.stderr == ""
    return done.returncode, done.stdout


async def told(whole: Milepost, *words: object) -> tuple[int, list[Any]]:
    """As JSON, an object a line."""
    code, out = await said(whole, *words, "--json")
    return code, [json.loads(line) for line in out.splitlines()]


async def in_erp(whole: Milepost, statement: str) -> None:
    db = await asyncpg.connect(owner(whole.settings, "erp"))
    try:
        await db.execute(statement)
    finally:
        await db.close()


def letters(whole: Milepost, count: int) -> Callable[[], Awaitable[bool]]:
    async def wait() -> bool:
        return len((await told(whole, "deadletters", "list"))[1]) == count

    return wait


async def streams(whole: Milepost) -> bool:
    """What a projector tells of its sources comes a moment behind what it projects."""
    return [row["state"] for row in await whole.fetch("select state from record.source_state")] == ["streaming"] * 2


async def test_all_is_well(whole: Milepost) -> None:
    await until(partial(streams, whole), SECONDS)
    code, [status] = await told(whole, "status")
    assert (code, status["data"]) == (0, str(whole.data))
    assert {each["name"] for each in status["processes"]} == {
        "supervisor",
        "postgres",
        "projector",
        "worker",
        "gateway",
    }
    assert [(each["source"], each["state"]) for each in status["sources"]] == [
        ("east", "streaming"),
        ("erp", "streaming"),
    ]
    code, sources = await told(whole, "sources")
    assert (code, {each["source"]: each["advice"] for each in sources}) == (0, {"erp": None, "east": None})
    code, partitions = await told(whole, "ledger", "list")
    assert (code, [each["table"] for each in partitions]) == (0, ["ledger", "feed"])


async def test_a_change_that_nobody_could_use(whole: Milepost) -> None:
    number = new_number()
    await whole.write("erp", *entered(number))
    await in_erp(whole, f"update ordhdr set ordsts = '??' where ordno = {number}")  # noqa: S608
    await until(letters(whole, 1), SECONDS)
    code, rows = await told(whole, "sources")
    assert (code, [each["dead_letters"] for each in rows if each["source"] == "erp"]) == (1, [1])
    code, [letter] = await told(whole, "deadletters", "list", "--order", number)
    assert (code, letter["order_id"], letter["table"]) == (0, str(number), "public.ordhdr")
    code, [shown] = await told(whole, "deadletters", "show", letter["id"])
    assert (code, json.loads(shown["raw"])["after"]["ordsts"]) == (0, "??")
    code, [request] = await told(whole, "deadletters", "replay", letter["id"], "--dry-run")
    assert (code, request["outcome"][0]["became"]) == (1, "WAITS")
    await in_erp(whole, f"update ordhdr set ordsts = '10' where ordno = {number}")  # noqa: S608
    await until(letters(whole, 0), SECONDS)
    code, [request] = await told(whole, "deadletters", "discard", letter["id"], "--note", "too late")
    assert (code, request["outcome"][0]["became"]) == (0, "GONE")
    code, [verdict] = await told(whole, "verify")
    assert (code, verdict["verified"], verdict["direct"]) == (0, True, [])


async def test_a_graph_made_anew(whole: Milepost) -> None:
    """As JSON it is one object; how far it is, is said aside."""
    number = new_number()
    await whole.write("erp", *entered(number))
    await until(partial(shown, whole, number), SECONDS)
    nothing = {"orders": 0, "events": 0, "corrections": 0, "others": {}, "underivable": [], "shown": []}
    for words, swapped in (("--dry-run", False), ("", True)):
        told, aside = await answered(whole, "rebuild", *words.split())
        assert told.pop("changes") > 0
        assert told == {"swapped": swapped, **nothing}
        assert aside.startswith("read the ledger up to ")
    assert await answered(whole, "rebuild", "--drop-old") == ({"dropped": True}, "")
    assert await answered(whole, "rebuild", "--order", number) == (
        {"written": True, "orders": 0, "events": 0, "shown": []},
        "",
    )
    told, aside = await answered(whole, "snapshot", "east")
    assert (told, aside) == ({"source": "east", "epoch": 2}, "a new snapshot of east is asked for\n")


async def answered(whole: Milepost, *words: object) -> tuple[dict[str, Any], str]:
    """The one object, and what was said aside."""
    command = [*MILEPOST, *map(str, words), "--json", "--data", str(whole.data)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


async def test_what_is_on_its_way_is_no_difference(whole: Milepost) -> None:
    number, said = new_number(), list[str]()
    await whole.write("erp", *entered(number))
    await until(partial(shown, whole, number), SECONDS)
    projector = whole.pid("projector")
    look = partial(verify_living, whole.settings.graph_dsn, whole.origins)

    def go_on(line: str) -> None:
        said.append(line)
        os.kill(projector, signal.SIGCONT)

    os.kill(projector, signal.SIGSTOP)
    try:
        await whole.write("erp", accepted(number))
        late = await look(0, said.append)
        assert not late.verified
        assert {each.order for each in late.direct} == {str(number)}
        found = await look(SECONDS, go_on)
    finally:
        os.kill(projector, signal.SIGCONT)
    assert found.verified, report(found)
    assert found.moved == len(late.direct)
    assert f"graph and the sources: equal, but for {found.moved} values that were on their way" in report(found)
    assert [line.split(" ", 1)[0] for line in said] == [str(found.moved)]


async def shown(whole: Milepost, number: int) -> bool:
    return bool((await whole.client.ask("query ($n: String!) { order(number: $n) { id } }", n=str(number)))["order"])

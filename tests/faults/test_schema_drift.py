"""F21, F22, F23: columns are added, renamed and retyped while Milepost runs. What can be read flows, the rest waits,
says what to do, and is replayed; nothing dies. Checkers C1, C10."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.controls.milepost import MILEPOST, SECONDS, Milepost, milepost, owner
from tests.controls.selling import MASTER_DATA, accepted, entered, new_number
from tests.controls.sql import run
from tests.controls.waiting import until

LETTERS = "select id, tbl, kind, order_id, reason from record.dead_letter where resolved_at is null order by id"
NUMBERS = "select number from graph.orders where commercial = 'ACCEPTED' order by number"
RAISED = "update ordlin set price = price + 1 where linno = 1"
TWELVE = "update ordlin set qtyord = '12.000' where linno = 1"
TOLD = "select from graph.line where line = '1' and ordered = 12"
DISCARD = """mutation ($ids: [ID!]!) { discardDeadLetters(input: {
    letterIds: $ids, note: "told anew", idempotencyKey: "give up"
}) { id } }"""
REQUEST = "query ($id: ID) { deadLetterRequests(id: $id) { doneAt requestedBy outcomes { letterId became } } }"


@pytest.fixture
async def whole(data: Path) -> AsyncIterator[Milepost]:
    async with milepost(data) as whole:
        await whole.write("erp", *MASTER_DATA)
        yield whole


async def sold(whole: Milepost) -> str:
    """The number of one more accepted order."""
    number = new_number()
    await whole.write("erp", *entered(number), accepted(number))
    return str(number)


async def altered(whole: Milepost, *statements: str) -> None:
    await run(owner(whole.settings, "erp"), *statements)


async def shown(whole: Milepost, *numbers: str) -> None:
    """Waits until each is there."""

    async def there() -> bool:
        return {row["number"] for row in await whole.fetch(NUMBERS)} >= set(numbers)

    await until(there, SECONDS)


async def waiting(whole: Milepost, count: int) -> list[Any]:
    """The dead letters, when there are so many."""

    found: list[Any] = []

    async def come() -> bool:
        found[:] = await whole.fetch(LETTERS)
        return len(found) == count

    await until(come, SECONDS)
    return found


async def command(whole: Milepost, *arguments: object) -> tuple[int | None, str]:
    """What `milepost deadletters …` ends with and says."""
    process = await asyncio.create_subprocess_exec(
        *MILEPOST, "deadletters", *map(str, arguments), "--data", str(whole.data), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def people_look(whole: Milepost, missing: int, order: str) -> None:
    """At the command line and by GraphQL: list, show, try, give one up."""
    _, listed = await command(whole, "list", "--json", "--order", order)
    letters = [json.loads(line) for line in listed.splitlines()]
    assert {each["table"] for each in letters} == {"public.ordlin"}
    assert len(letters) == 2
    _, found = await command(whole, "show", letters[0]["id"])
    assert '"qtyord":10.0' in found
    code, told = await command(whole, "replay", missing, "--dry-run")
    assert (code, told.partition(":")[0]) == (1, str(missing))
    assert "waits: public.ordlin has no column untprc" in told
    asked = (await whole.client.ask(DISCARD, ids=[letters[0]["id"]]))["discardDeadLetters"]

    async def done() -> Any:
        [request] = (await whole.client.ask(REQUEST, id=asked["id"]))["deadLetterRequests"]
        return request if request["doneAt"] else None

    request = await until(done, SECONDS)
    assert request["requestedBy"] == "tester"
    assert request["outcomes"] == [{"letterId": str(letters[0]["id"]), "became": "DISCARDED"}]
    given_up = await command(whole, "discard", letters[1]["id"], "--note", "told anew")
    assert given_up == (0, f"{letters[1]['id']}: discarded\n")


async def test_columns_change_while_orders_come(whole: Milepost) -> None:
    pid, engine = whole.pid("projector"), whole.engine()
    await altered(whole, "alter table ordhdr add column salesman text default 'nobody'")
    first = await sold(whole)
    await shown(whole, first)
    await altered(whole, "alter table ordlin rename column untprc to price")
    await altered(whole, RAISED)
    [missing] = await waiting(whole, 1)
    assert (missing["tbl"], missing["kind"], missing["order_id"]) == ("public.ordlin", "UNMAPPED", first)
    assert missing["reason"] == (
        "public.ordlin has no column untprc, which the mapping reads: was it dropped or renamed? "
        "Put that right in erp, or mend its mapping and replay the dead letter"
    )
    await altered(whole, "alter table ordlin rename column price to untprc")
    await altered(whole, "alter table ordlin alter column qtyord type double precision")
    second = await sold(whole)
    await shown(whole, first, second)
    letters = await waiting(whole, 3)
    assert {letter["order_id"] for letter in letters[1:]} == {second}
    assert "public.ordlin.qtyord cannot be read: '10.0'; the mapping expects a decimal number" in letters[1]["reason"]
    await people_look(whole, missing["id"], second)
    await altered(whole, "alter table ordlin alter column qtyord type text", TWELVE)
    await until(lambda: whole.fetch(TOLD), SECONDS)
    await altered(whole, "alter table ordlin alter column qtyord type numeric(11, 3) using qtyord::numeric")
    await altered(whole, "update ordlin set qtyord = qtyord")
    assert await waiting(whole, 0) == []
    verdict = await whole.verdict()
    assert verdict.verified, verdict
    assert (whole.pid("projector"), whole.engine()) == (pid, engine)

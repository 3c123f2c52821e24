"""The write path, whole: a mutation, the ERP's own rows, the change that comes back, the command settled."""

from typing import Any

import asyncpg
import pytest

from gateway.cursors import feed_cursor
from tests.controls.milepost import SECONDS, Milepost
from tests.controls.selling import accepted, entered, new_number
from tests.controls.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMAND = "id state outcome after order { displayStatus }"
HOLD = f"mutation ($input: HoldOrderInput!) {{ holdOrder(input: $input) {{ {COMMAND} }} }}"
RELEASE = f"mutation ($input: ReleaseHoldInput!) {{ releaseHold(input: $input) {{ {COMMAND} }} }}"
SEEN = f"query ($id: ID!) {{ command(id: $id) {{ {COMMAND} }} }}"
AFTER = """
query ($number: String!, $after: String) { order(number: $number, after: $after, waitSeconds: 30) {
    commercial displayStatus holdReason
} }
"""
FOLLOW = """
subscription ($order: ID, $after: String) { orderEvents(filter: {orderId: $order}, after: $after) {
    ... on OrderEvent { cursor type commandId }
} }
"""
LOG = "select actcd, hldcd, extref, hldnte from ordhld where ordno = $1 order by hldid"
HEADER = "select hldcd from ordhdr where ordno = $1"


async def order(whole: Milepost) -> str:
    """The number of a new order, visible."""
    number = new_number()
    await whole.write("erp", *entered(number), accepted(number))

    async def ask() -> Any:
        return (await whole.client.ask(AFTER, number=str(number)))["order"]

    await until(ask, SECONDS)
    return str(number)


def request(number: str, key: str, **more: str) -> dict[str, str]:
    return {"orderId": number, "idempotencyKey": key} | more


async def settled(whole: Milepost, command: dict[str, Any]) -> dict[str, Any]:
    async def ask() -> Any:
        found = (await whole.client.ask(SEEN, id=command["id"]))["command"]
        return found if found["state"] in ("SETTLED", "REJECTED", "NEEDS_HUMAN") else None

    found: dict[str, Any] = await until(ask, SECONDS)
    return found


async def in_the_erp(whole: Milepost, number: str) -> tuple[str | None, list[tuple[Any, ...]]]:
    [dsn] = [source.dsn for source in whole.settings.sources if source.name == "erp"]
    db = await asyncpg.connect(dsn)
    try:
        return await db.fetchval(HEADER, int(number)), [tuple(row) for row in await db.fetch(LOG, int(number))]
    finally:
        await db.close()


async def test_a_hold_goes_to_the_erp_and_comes_back(whole: Milepost) -> None:
    number = await order(whole)
    async with whole.client.subscribed(FOLLOW, order=number, after=feed_cursor(0)) as stream:
        assert (await stream.next())["type"] == "ORDER_ACCEPTED"
        sent = request(number, "hold-it", reason="CREDIT", note="over its limit")
        command = (await whole.client.ask(HOLD, input=sent))["holdOrder"]
        held = await stream.next()
        shown = (await whole.client.ask(AFTER, number=number, after=command["after"]))["order"]
        assert (held["type"], held["commandId"]) == ("ORDER_HELD", command["id"])
        assert shown == {"commercial": "ON_HOLD", "displayStatus": "ACTION_NEEDED", "holdReason": "CREDIT"}
        assert (await settled(whole, command))["state"] == "SETTLED"
        log = [("H", "CR", command["id"], "over its limit")]
        assert await in_the_erp(whole, number) == ("CR", log)

        command = (await whole.client.ask(RELEASE, input=request(number, "let-it-go")))["releaseHold"]
        released = await stream.next()
        shown = (await whole.client.ask(AFTER, number=number, after=command["after"]))["order"]
        assert (released["type"], released["commandId"]) == ("ORDER_RELEASED", command["id"])
        assert (shown["commercial"], shown["holdReason"]) == ("ACCEPTED", None)
        assert (await settled(whole, command))["state"] == "SETTLED"
        assert await in_the_erp(whole, number) == (None, [*log, ("R", None, command["id"], None)])


async def test_the_same_key_has_one_effect(whole: Milepost) -> None:
    number = await order(whole)
    sent = request(number, "once", reason="CREDIT")
    first = (await whole.client.ask(HOLD, input=sent))["holdOrder"]
    await settled(whole, first)
    again = (await whole.client.ask(HOLD, input=sent))["holdOrder"]
    assert (again["id"], again["state"]) == (first["id"], "SETTLED")
    assert await whole.client.refused(HOLD, input=sent | {"reason": "CUSTOMER_SERVICE"}) == "CONFLICT"
    assert len((await in_the_erp(whole, number))[1]) == 1


async def test_what_the_erp_refuses_is_said(whole: Milepost) -> None:
    number = await order(whole)
    command = (await whole.client.ask(RELEASE, input=request(number, "nothing-to-release")))["releaseHold"]
    ended = await settled(whole, command)
    assert (ended["state"], ended["outcome"]) == ("REJECTED", f"order {number} is not on hold")

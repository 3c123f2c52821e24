"""From a commit in a source system to what a front end and a subscriber see, by the whole path."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.cursors import feed_cursor
from tests.controls.milepost import SECONDS, Milepost
from tests.controls.selling import accepted, entered, mended, new_number, worked
from tests.controls.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDER = """
query ($number: String!) { order(number: $number) {
    displayStatus commercial fulfillment delivery version customer { name }
    lines { line quantities { ordered shipped } product { description } } shipments { number }
} }
"""
FIND = "query ($reference: String!) { find(reference: $reference) { scheme order { number } } }"
EVENTS = "query ($id: ID!) { order(id: $id) { events { type visibleAt changes { table } } } }"
THEN = """
query ($id: ID!, $at: DateTime) { order(id: $id, asOf: $at) {
    version customer { name } shipments { number } events { type visibleAt changes { table } }
} }
"""
FOLLOW = """
subscription ($order: ID, $after: String) { orderEvents(filter: {orderId: $order}, after: $after) {
    ... on OrderEvent { cursor orderId version type subjectId order { number displayStatus } cause { table } }
    ... on Gap { reason }
} }
"""
FROM_THE_START = feed_cursor(0)


async def seen(whole: Milepost, number: int, when: Callable[[Any], bool] = bool) -> Any:
    """The order, once it is as one waits for; whenever it is visible it is whole."""

    async def ask() -> Any:
        order = (await whole.client.ask(ORDER, number=str(number)))["order"]
        assert order is None or len(order["lines"]) == 2
        return order if order and when(order) else None

    return await until(ask, SECONDS)


async def found(whole: Milepost, reference: str) -> list[str | None]:
    """The orders that a reference leads to; None for one that is not known yet."""
    hits = (await whole.client.ask(FIND, reference=reference))["find"]
    return [hit["order"] and hit["order"]["number"] for hit in hits]


def leads_to(whole: Milepost, reference: str, *orders: object) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return await found(whole, reference) == [order if order is None else str(order) for order in orders]

    return ask


async def test_an_order_is_seen_whole_as_soon_as_it_is_seen(whole: Milepost) -> None:
    number = new_number()
    await whole.write("erp", *entered(number), accepted(number))
    order = await seen(whole, number)
    assert order == {
        "displayStatus": "PREPARING",
        "commercial": "ACCEPTED",
        "fulfillment": "NOT_RELEASED",
        "delivery": "NONE",
        "version": 1,
        "customer": {"name": "Acme"},
        "lines": [
            {"line": "1", "quantities": {"ordered": "10.000", "shipped": "0"}, "product": {"description": "Test bolt"}},
            {"line": "2", "quantities": {"ordered": "4.000", "shipped": "0"}, "product": {"description": "Test nut"}},
        ],
        "shipments": [],
    }


async def test_a_subscriber_hears_of_each_step_once(whole: Milepost) -> None:
    number = new_number()
    await whole.write("erp", *entered(number))
    await seen(whole, number)
    async with whole.client.subscribed(FOLLOW, order=str(number), after=FROM_THE_START) as stream:
        await whole.write("erp", accepted(number))
        received, accepted_ = await stream.take(2)
        await whole.write("east", *worked(number, number))
        shown = await seen(whole, number, lambda order: order["shipments"])
        on = await stream.take(shown["version"] - accepted_["version"])
    assert (received["type"], received["version"]) == ("ORDER_CHANGED", 1)
    assert (accepted_["type"], accepted_["version"]) == ("ORDER_ACCEPTED", 2)
    assert accepted_["order"]["displayStatus"] == "PREPARING"
    assert accepted_["cause"] == {"table": "public.ordhdr"}
    assert [event["version"] for event in on] == list(range(3, shown["version"] + 1))
    assert [event["type"] for event in on].count("SHIPPED") == 1


async def test_who_comes_back_with_a_cursor_misses_nothing(whole: Milepost) -> None:
    number = new_number()
    await whole.write("erp", *entered(number), accepted(number))
    await seen(whole, number)
    async with whole.client.subscribed(FOLLOW, order=str(number), after=FROM_THE_START) as stream:
        first = await stream.next()
    await whole.write("east", *worked(number, number))
    shown = await seen(whole, number, lambda order: order["shipments"])
    async with whole.client.subscribed(FOLLOW, order=str(number), after=first["cursor"]) as stream:
        missed = await stream.take(shown["version"] - first["version"])
    assert [event["version"] for event in missed] == list(range(first["version"] + 1, shown["version"] + 1))


async def test_a_shipment_waits_in_sight_until_its_order_is_known(whole: Milepost) -> None:
    number = new_number()
    await whole.write("east", *worked(number, number))
    await until(leads_to(whole, f"T{number}", None), SECONDS)
    await whole.write("erp", *entered(number), accepted(number))
    order = await seen(whole, number, lambda order: order["shipments"])
    assert [shipment["number"] for shipment in order["shipments"]] == [f"ES{number}"]
    assert await found(whole, f"T{number}") == [str(number)]


async def test_a_reference_that_is_corrected_takes_its_shipment_along(whole: Milepost) -> None:
    wrong, right = new_number(), new_number()
    await whole.write("erp", *entered(wrong), accepted(wrong), *entered(right), accepted(right))
    await whole.write("east", *worked(right, wrong))
    assert (await seen(whole, wrong, lambda order: order["shipments"]))["fulfillment"] == "PARTIALLY_SHIPPED"
    await whole.write("east", mended(right, right))
    assert (await seen(whole, right, lambda order: order["shipments"]))["fulfillment"] == "PARTIALLY_SHIPPED"
    left = await seen(whole, wrong)
    assert (left["shipments"], left["fulfillment"]) == ([], "NOT_RELEASED")


async def test_the_past_is_told_by_the_projector(whole: Milepost) -> None:
    number = new_number()
    await whole.write("erp", *entered(number), accepted(number))
    await seen(whole, number)
    ((event,),) = [(await whole.client.ask(EVENTS, id=str(number)))["order"]["events"]]
    await whole.write("east", *worked(number, number))
    await seen(whole, number, lambda order: order["shipments"])
    then = (await whole.client.ask(THEN, id=str(number), at=event["visibleAt"]))["order"]
    assert (then["version"], then["shipments"], then["customer"]) == (1, [], {"name": "Acme"})
    assert then["events"] == [event]


async def test_the_graph_is_what_the_sources_say(whole: Milepost) -> None:
    verdict = await whole.verdict()
    assert (verdict.replay, verdict.direct) == ([], [])
    assert all(account.balanced for account in verdict.accounts)

"""3PL West, whose system is a MariaDB, beside the ERP: its shipment is seen on the ERP's order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.settings import SourceSettings
from app.verifying import report
from tests.controls.mariadb import run
from tests.controls.milepost import SECONDS, Milepost, milepost
from tests.controls.selling import MASTER_DATA, accepted, entered, new_number
from tests.controls.waiting import until
from tests.controls.west import in_compose, statements, tables

pytestmark = pytest.mark.mariadb

ORDER = """
query ($number: String!) { order(number: $number) {
    lines { line quantities { ordered shipped delivered } }
    shipments {
        id number tracking shippedAt packages { sscc weightKg } milestones { milestone occurredAt }
    }
} }
"""

FIND = """
query ($reference: String!) { find(reference: $reference) { target {
    ... on FulfillmentOrder { state quotedReference }
    ... on Shipment { number shippedAt }
} } }
"""
WAITING = {
    "W1001": {"state": "SHIPPED", "quotedReference": "200001"},
    "W1002": {"state": "PICKING", "quotedReference": "200002"},
    "W1003": {"state": "SHORT", "quotedReference": "200003"},
    "1ZWEST0000001003": {"number": "WS1003", "shippedAt": "2026-06-03T14:00:00+00:00"},
}
"""Of the rows that docker-compose.yml has."""


async def test_a_shipment_of_west_is_seen_on_the_order_of_the_erp(west: str, data: Path) -> None:
    run(west, *tables(), *in_compose())
    first, second = new_number(), new_number()
    run(west, *statements("worked", work=1, quoted=first))
    async with milepost(data, SourceSettings("west", "wms_west", west)) as whole:
        await whole.write("erp", *MASTER_DATA)
        for number in (first, second):
            await whole.write("erp", *entered(number), accepted(number))
        run(west, *statements("worked", work=2, quoted=second))
        for work, number in ((1, first), (2, second)):
            order = await seen(whole, number, lambda order: order["shipments"])
            [shipment] = order["shipments"]
            assert (shipment["id"], shipment["tracking"]) == (f"west:WS{work}", f"TW{work}")
            assert shipment["shippedAt"].startswith("2026-06-03T14:00:00")
            assert shipment["packages"] == [{"sscc": f"10000000000000000{work}", "weightKg": "1.25"}]
            assert order["lines"][0]["quantities"]["shipped"] == "10.000"
            run(west, *statements("delivered", work=work))
            [shipment] = (await seen(whole, number, is_delivered))["shipments"]
            assert shipment["milestones"][-1]["occurredAt"].startswith("2026-06-04T16:00:00")
        for number, waits in WAITING.items():
            assert (await whole.client.ask(FIND, reference=number))["find"] == [{"target": waits}]
        run(west, *statements("odd"))
        verdict = await whole.verdict()
        assert verdict.verified, report(verdict)
        assert [account.source for account in verdict.accounts] == ["east", "erp", "west"]


def is_delivered(order: Any) -> bool:
    return bool(order["lines"][0]["quantities"]["delivered"] == "10.000")


async def seen(whole: Milepost, number: int, when: Callable[[Any], Any]) -> Any:
    """The order, once it is as one waits for."""

    async def ask() -> Any:
        order = (await whole.client.ask(ORDER, number=str(number)))["order"]
        return order if order and when(order) else None

    return await until(ask, SECONDS)

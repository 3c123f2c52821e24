"""The terminal board: what it keeps of the API's answers, and what a reader sees."""

from typing import Any

import msgspec
import pytest
from graphql import parse, validate
from rich.console import Console

from demo.board import EVENTS, LAST_EVENTS, OVERVIEW, BoardState, Rate, render
from gateway.schema import schema

OVERVIEW_DATA: dict[str, Any] = {
    "sources": [
        {"name": "erp", "state": "streaming", "lagChanges": 12, "lagBytes": 20480, "lagSeconds": 0.25, "seen": 1000},
        {"name": "east", "state": None, "lagChanges": None, "lagBytes": None, "lagSeconds": None, "seen": 500},
    ],
    "display": [{"value": "ON_THE_WAY", "count": 1200}, {"value": None, "count": 3}],
    "fulfillment": [{"value": "SHORT_CLOSED", "count": 7}],
    "delivery": [],
    "financial": [],
    "health": [{"value": "LATE", "count": 4}],
}


def event_data(number: int) -> dict[str, Any]:
    order = {"number": str(number), "displayStatus": "OUT_FOR_DELIVERY", "customer": {"name": "[red]Cedar Co"}}
    event = {"type": "MILESTONE_REACHED", "detail": "AT_HUB", "occurredAt": "2026-01-07T15:04:00+00:00"}
    return {"orderEvents": {"__typename": "OrderEvent", "cursor": f"c{number}", **event, "order": order}}


def shown(state: BoardState) -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render(state))
    return console.export_text()


def filled() -> BoardState:
    state = BoardState("Demo")
    state.take_overview(OVERVIEW_DATA, at=10.0)
    state.take_event(event_data(100_001))
    return state


@pytest.mark.parametrize("document", [OVERVIEW, EVENTS])
def test_the_gateway_understands_the_documents(document: str) -> None:
    assert validate(schema._schema, parse(document)) == []


def test_an_empty_board_can_be_shown() -> None:
    assert "0 orders" in shown(BoardState())


def test_the_board_shows_statuses_facets_lag_and_feed() -> None:
    text = shown(filled())
    for part in ("Demo", "1,203 orders", "on the way", "1,200", "unknown", "short closed 7", "late 4", "streaming"):
        assert part in text
    for part in ("not captured", "20,480", "Jan 07 15:04", "100001", "milestone reached at hub", "[red]Cedar Co"):
        assert part in text


def test_trouble_is_shown() -> None:
    state = filled()
    state.trouble = "Connection refused"
    assert "Connection refused" in shown(state)


def test_the_latest_events_are_kept_the_newest_first() -> None:
    state = BoardState()
    for number in range(LAST_EVENTS + 5):
        state.take_event(event_data(number))
    assert [event.cursor for event in state.events] == [f"c{number}" for number in range(LAST_EVENTS + 4, 4, -1)]
    assert state.seen_events == LAST_EVENTS + 5
    assert state.cursor == f"c{LAST_EVENTS + 4}"


def test_a_gap_moves_the_cursor_and_shows_no_event() -> None:
    state = filled()
    state.take_event({"orderEvents": {"__typename": "Gap", "reason": "TOO_SLOW", "resumeAfter": "c9"}})
    assert (state.cursor, len(state.events)) == ("c9", 1)


def test_an_event_of_an_order_that_is_not_visible_can_be_shown() -> None:
    state = BoardState()
    data = event_data(1)
    data["orderEvents"]["order"] = None
    state.take_event(data)
    assert "milestone reached" in shown(state)


def test_rates_are_of_the_last_seconds() -> None:
    rate = Rate()
    for at, total in ((0.0, 0), (1.0, 1000), (100.0, 1000), (101.0, 1010), (102.0, 1030)):
        rate.read(at, total)
    assert rate.per_second == 15.0


def test_one_reading_is_no_rate() -> None:
    rate = Rate()
    rate.read(1.0, 500)
    assert rate.per_second == 0.0


def test_changes_a_second_come_from_the_sources() -> None:
    state = filled()
    later = {**OVERVIEW_DATA, "sources": [{"name": "erp", "seen": 1700}]}
    state.take_overview(later, at=12.0)
    assert state.changes_per_second == 100.0


def test_an_answer_of_another_shape_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        BoardState().take_overview({"sources": [{"name": 1}]}, at=0.0)

"""A copy is another story: its numbers are its own, and what hangs together still does."""

from datetime import UTC, datetime

from bench.copies import STEP, Story, moved, renumbered
from bench.enlarged import TIMES, cases, in_turn
from cdc.change import Change, Op, Position, Row, Snapshot, Transaction

AT = datetime(2026, 6, 1, tzinfo=UTC)


def transaction(log: int, table: str, key: Row, row: Row | None) -> Transaction:
    op = Op.UPDATE if row else Op.DELETE
    change = Change("erp", table, op, key, None, row, Position(1, log, 1), f"{log}", AT, AT)
    return Transaction("erp", [change], Position(1, log, 1), None, 1)


SNAPSHOT = Transaction("erp", (), Position(1, 5, 0), None, 0, Snapshot.LAST)
ORDER = transaction(10, "public.ordhdr", {"ordno": 100001}, {"ordno": 100001, "cusno": 7, "cuspo": "PO-12"})
GONE = transaction(14, "public.alcdtl", {"alcid": 3}, None)
STORY = Story([SNAPSHOT, ORDER, GONE])


def test_the_first_one_is_what_was_recorded() -> None:
    assert [*STORY.copy(0)] == [SNAPSHOT, ORDER, GONE]


def test_others_follow_it_without_the_snapshot() -> None:
    found = [each for number in (1, 2) for each in STORY.copy(number)]
    assert [each.position.log for each in found] == [15, 19, 20, 24]
    assert [each.changes[0].position for each in found] == [each.position for each in found]
    [order, gone] = [change for each in found[:2] for change in each.changes if isinstance(change, Change)]
    assert order.key == {"ordno": 100001 + STEP}
    assert order.after == {"ordno": 100001 + STEP, "cusno": 7, "cuspo": f"PO-{12 + STEP}"}
    assert (gone.key, gone.after) == ({"alcid": 3 + STEP}, None)


def test_halves_are_the_whole() -> None:
    first, second = STORY.halves(3)
    assert (len(first), len(second)) == (1, 1)
    assert [*first, *second] == [*STORY.copy(3)]


def test_a_text_names_what_its_number_names() -> None:
    assert renumbered("public.wh_order", {"client_ref": "100001"}, 2) == {"client_ref": str(100001 + 2 * STEP)}
    assert moved("ES000001", STEP) == "ES1000001"
    assert moved("1Z00000042", 1) == "1Z00000043"
    assert moved("unknown", 5) == "unknown-5"


def test_codes_that_are_no_numbers_stay() -> None:
    row = {"id": 4, "shipment_id": 2, "code": "X1", "city": "Reno 89501", "reason": None}
    assert renumbered("public.wh_scan", row, 1) == {**row, "id": 4 + STEP, "shipment_id": 2 + STEP}
    assert renumbered("public.wh_shipment", {"code": "ES000001"}, 1) == {"code": "ES1000001"}


def test_the_larger_graphs_are_beside_the_smallest() -> None:
    made = cases(50, {1: [100, 200], 10: [90, 180], 100: [50, 100]})
    assert [(each.case, each.ratios["50 orders"].median) for each in made] == [
        ("projecting into 500 orders", 0.9),
        ("projecting into 5000 orders", 0.5),
    ]


def test_another_size_is_first_in_each_round() -> None:
    assert [in_turn(number)[0] for number in range(4)] == [1, 10, 100, 1]
    assert all(sorted(in_turn(number)) == [*TIMES] for number in range(3))

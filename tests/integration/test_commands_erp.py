"""Holding and releasing in the legacy ERP's own terms."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from adapters.erp_legacy.client import ErpHolds
from commands.ports import Applied, EffectKey, HoldReason, Outcome, Rejected, UnknownOutcomeError
from orders.errors import TransientError
from tests.controls import commands as controls
from tests.controls.sql import run
from tests.controls.waiting import until

ONE, TWO = EffectKey("cmd_1"), EffectKey("cmd_2")
MANY = 8


@pytest.fixture
async def erp(database: str) -> str:
    await controls.create_erp(database)
    return database


async def hold(erp: str, command: EffectKey = ONE, order: str = "1042", note: str | None = "limit") -> Outcome:
    return await ErpHolds(erp).hold(order, command, HoldReason.CREDIT, note, "ann.of.the.credit.department")


async def release(erp: str, command: EffectKey = TWO, order: str = "1042") -> Outcome:
    return await ErpHolds(erp).release(order, command, None, "bob")


async def rows(erp: str, sql: str) -> list[dict[str, Any]]:
    db = await asyncpg.connect(erp)
    try:
        return [dict(row) for row in await db.fetch(sql)]
    finally:
        await db.close()


async def log(erp: str) -> list[dict[str, Any]]:
    return await rows(erp, "select * from ordhld order by hldid")


async def header(erp: str) -> dict[str, Any]:
    return (await rows(erp, "select hldcd, hlddt, chgdt from ordhdr where ordno = 1042"))[0]


async def test_a_hold_is_a_log_entry_and_a_mark_on_the_header(erp: str) -> None:
    outcome = await hold(erp)
    (entry,) = await log(erp)
    assert entry | {"hldid": 0, "hlddt": 0} == {
        "hldid": 0,
        "ordno": 1042,
        "actcd": "H",
        "hldcd": "CR",
        "hldnte": "limit",
        "usrid": "ann.of.the.credit.de",
        "extref": ONE,
        "hlddt": 0,
    }
    assert await header(erp) == {"hldcd": "CR", "hlddt": entry["hlddt"], "chgdt": entry["hlddt"]}
    assert isinstance(outcome, Applied)


async def test_the_erps_dates_are_the_offices_wall_clock(erp: str) -> None:
    outcome = await hold(erp)
    assert isinstance(outcome, Applied)
    assert abs((datetime.now(UTC) - outcome.at).total_seconds()) < 60
    (entry,) = await rows(erp, "select hlddt - (now() at time zone 'America/Chicago') as off from ordhld")
    assert abs(entry["off"].total_seconds()) < 60
    assert await ErpHolds(erp).find(ONE) == outcome


async def test_a_release_takes_the_mark_away(erp: str) -> None:
    await hold(erp)
    assert isinstance(await release(erp), Applied)
    assert [(entry["actcd"], entry["hldcd"]) for entry in await log(erp)] == [("H", "CR"), ("R", None)]
    assert (await header(erp))["hldcd"] is None
    assert (await header(erp))["hlddt"] is None


async def test_the_same_command_has_one_effect(erp: str) -> None:
    first = await hold(erp)
    before = await header(erp)
    assert await hold(erp) == first
    assert len(await log(erp)) == 1
    assert await header(erp) == before


async def test_a_command_sent_again_after_its_effect_was_undone_stays_undone(erp: str) -> None:
    first = await hold(erp)
    await release(erp)
    assert await hold(erp) == first
    assert (await header(erp))["hldcd"] is None


async def test_the_same_command_at_once_has_one_effect(erp: str) -> None:
    outcomes = await asyncio.gather(*(hold(erp) for _ in range(MANY)))
    assert len(set(outcomes)) == 1
    assert len(await log(erp)) == 1


async def test_of_two_holds_at_once_one_is_rejected(erp: str) -> None:
    outcomes = await asyncio.gather(hold(erp, ONE), hold(erp, TWO))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Applied", "Rejected"]
    assert len(await log(erp)) == 1


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ("1060", "complete"),
        ("1090", "cancelled"),
        ("9999", "no order 9999"),
        ("A-17", "no order A-17"),
        ("99999999999", "no order"),
        ("١٠٤٢", "no order"),
    ],
)
async def test_what_the_erp_does_not_allow_is_rejected(erp: str, order: str, why: str) -> None:
    for outcome in (await hold(erp, order=order), await release(erp, order=order)):
        assert isinstance(outcome, Rejected)
        assert why in outcome.reason
    assert await log(erp) == []


async def test_held_twice_or_released_twice_is_rejected(erp: str) -> None:
    assert await release(erp) == Rejected("order 1042 is not on hold")
    await hold(erp)
    assert await hold(erp, TWO) == Rejected("order 1042 is already on hold (CR)")


async def test_a_note_that_does_not_fit_is_rejected_not_cut(erp: str) -> None:
    assert isinstance(await hold(erp, note="n" * 201), Rejected)
    assert isinstance(await hold(erp, note="n" * 200), Applied)


async def test_what_the_erps_own_triggers_refuse_is_rejected(erp: str) -> None:
    await run(
        erp,
        "create function stop_it() returns trigger language plpgsql as $$begin raise 'period is closed'; end$$",
        "create trigger stop_it before update on ordhdr for each row execute function stop_it()",
    )
    outcome = await hold(erp)
    assert isinstance(outcome, Rejected)
    assert "period is closed" in outcome.reason
    assert await log(erp) == []


async def test_a_command_without_effect_is_not_found(erp: str) -> None:
    assert await ErpHolds(erp).find(ONE) is None


async def test_an_order_in_use_is_tried_later(erp: str) -> None:
    clerk = await asyncpg.connect(erp)
    async with clerk.transaction():
        await clerk.execute("select from ordhdr where ordno = 1042 for update")
        with pytest.raises(TransientError) as caught:
            await hold(erp)
        assert not isinstance(caught.value, UnknownOutcomeError)
    await clerk.close()
    assert isinstance(await hold(erp), Applied)


async def test_a_connection_cut_while_writing_is_an_unknown_outcome(erp: str) -> None:
    clerk, operator = await asyncpg.connect(erp), await asyncpg.connect(erp)
    async with clerk.transaction():
        await clerk.execute("select from ordhdr where ordno = 1042 for update")
        writing = asyncio.create_task(hold(erp))
        # A transaction sees the sessions of its first look only: another session must look.
        await until(lambda: operator.fetchval(CUT_WHO_WAITS))
        with pytest.raises(UnknownOutcomeError):
            await writing
    await clerk.close()
    await operator.close()
    assert await ErpHolds(erp).find(ONE) is None


CUT_WHO_WAITS = """
select bool_or(pg_terminate_backend(pid)) from pg_stat_activity
where application_name = 'milepost' and wait_event_type = 'Lock' and datname = current_database()
"""


async def test_an_erp_that_is_away_is_transient(erp: str) -> None:
    with pytest.raises(TransientError) as caught:
        await hold("postgresql://u:secret@127.0.0.1:1/erp")
    assert not isinstance(caught.value, UnknownOutcomeError)
    assert "secret" not in str(caught.value)

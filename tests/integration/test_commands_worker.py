"""The worker against a twin of the source: every command ends once, in order, whatever is lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from commands.attempt import attempt, claim
from commands.log import Command, CommandRequest, CommandState, accept, get
from commands.policy import Policy
from commands.ports import Outcome, Rejected, UnknownOutcomeError
from commands.statements import SQL
from commands.worker import Worker
from orders.errors import TransientError
from tests.controls import commands as controls
from tests.controls.holds import AT, MemoryHolds
from tests.controls.sql import run
from tests.controls.waiting import until

QUICK = Policy(lease=600, first=0.01, longest=0.05, poll=600)
ORDERS = tuple(str(number) for number in range(1042, 1062))
WAKING = 60
"""Seconds: far below the poll of QUICK."""


class Bench:
    """A command log, and what one may ask of it."""

    def __init__(self, dsn: str, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.dsn, self.pool, self.source = dsn, pool, MemoryHolds()

    async def accept(self, request: CommandRequest) -> Command:
        async with self.pool.acquire() as connection:
            return await accept(connection, request)

    async def get(self, command: Command) -> Command:
        async with self.pool.acquire() as connection:
            return await get(connection, command.id)

    async def ended(self, command: Command, *states: CommandState, seconds: float = WAKING) -> Command:
        async def ask() -> Command | None:
            found = await self.get(command)
            return found if found.state in states else None

        return await until(ask, seconds)

    @asynccontextmanager
    async def worker(self, policy: Policy = QUICK) -> AsyncIterator[None]:
        stop, ready = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(Worker(self.dsn, {controls.SOURCE: self.source}, policy).run(stop, ready.set))
        await asyncio.wait_for(ready.wait(), WAKING)
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(running, WAKING)


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Bench]:
    await controls.create_schemas(database)
    await controls.create_orders(database, ORDERS)
    settings = {"application_name": "bench"}
    async with asyncpg.create_pool(database, min_size=1, max_size=5, server_settings=settings) as pool:
        yield Bench(database, pool)


def failing(error: Exception, times: int) -> Callable[[], Awaitable[None]]:
    left = [error] * times

    async def step() -> None:
        if left:
            raise left.pop()

    return step


async def test_an_accepted_command_is_applied(bench: Bench) -> None:
    async with bench.worker():
        command = await bench.ended(await bench.accept(controls.hold()), CommandState.APPLIED)
    assert (command.applied_at, command.attempts, command.outcome) == (AT, 1, None)
    assert command.sent_at is not None
    assert bench.source.sends == [(controls.ORDER, command.id)]
    assert bench.source.finds == []


async def test_an_idle_worker_is_woken_and_does_not_wait_for_its_poll(bench: Bench) -> None:
    async with bench.worker():
        for number in range(6):
            request = (controls.release if number % 2 else controls.hold)(f"k{number}")
            await bench.ended(await bench.accept(request), CommandState.APPLIED)


async def test_what_was_accepted_before_the_start_is_applied(bench: Bench) -> None:
    command = await bench.accept(controls.hold())
    async with bench.worker():
        await bench.ended(command, CommandState.APPLIED)


async def test_a_rejection_ends_it_with_its_reason(bench: Bench) -> None:
    async def refuse() -> Outcome:
        return Rejected("order 1042 is complete")

    bench.source.before = refuse
    async with bench.worker():
        command = await bench.ended(await bench.accept(controls.hold()), CommandState.REJECTED)
    assert (command.outcome, command.attempts) == ("order 1042 is complete", 1)


async def test_a_source_that_is_away_is_tried_again(bench: Bench) -> None:
    bench.source.before = failing(TransientError("away"), 3)
    async with bench.worker():
        command = await bench.ended(await bench.accept(controls.hold()), CommandState.APPLIED)
    assert command.attempts == 4
    assert len(bench.source.effects) == 1


@pytest.mark.parametrize("error", [UnknownOutcomeError("cut"), TimeoutError(), ConnectionResetError(), KeyError("bug")])
async def test_an_unknown_outcome_is_read_back_and_not_sent_again(bench: Bench, error: Exception) -> None:
    bench.source.after = failing(error, 1)
    async with bench.worker():
        command = await bench.ended(await bench.accept(controls.hold()), CommandState.APPLIED)
    assert command.attempts == 2
    assert bench.source.finds == [command.id]
    assert len(bench.source.sends) == 1


async def test_an_answer_that_never_comes_is_an_unknown_outcome(bench: Bench) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    bench.source.after = never
    async with bench.worker(Policy(attempt=1, lease=600, first=0.01, poll=600)):
        command = await bench.ended(await bench.accept(controls.hold()), CommandState.APPLIED)
    assert len(bench.source.sends) == 1
    assert command.attempts == 2


async def test_after_the_last_attempt_a_person_is_asked(bench: Bench) -> None:
    bench.source.before = failing(TransientError("away"), 100)
    async with bench.worker(Policy(lease=600, first=0.01, longest=0.02, attempts=3, poll=600)):
        command = await bench.ended(await bench.accept(controls.hold()), CommandState.NEEDS_HUMAN)
    assert command.attempts == 3
    assert command.outcome == "TransientError: away"


async def test_a_source_without_access_to_write_rejects(bench: Bench) -> None:
    await controls.create_orders(bench.dsn, ["77"], source="tryton")
    command = await bench.accept(controls.hold(order="77"))
    async with bench.worker():
        command = await bench.ended(command, CommandState.REJECTED)
    assert command.outcome is not None
    assert "tryton" in command.outcome


async def test_one_orders_commands_keep_their_order(bench: Bench) -> None:
    bench.source.before = failing(TransientError("away"), 4)
    requests = [(controls.hold if n % 2 else controls.release)(f"k{n}") for n in range(10)]
    commands = [await bench.accept(request) for request in requests]
    async with bench.worker(), bench.worker(), bench.worker():
        for command in commands:
            await bench.ended(command, CommandState.APPLIED)
    assert list(bench.source.effects) == [command.id for command in commands]


async def test_a_stuck_order_holds_up_no_other(bench: Bench) -> None:
    stuck = await bench.accept(controls.hold())
    await bench.pool.execute("update command.command set next_attempt_at = now() + interval '1 hour'")
    behind = await bench.accept(controls.release())
    other = await bench.accept(controls.hold("k3", order="1043"))
    async with bench.worker():
        await bench.ended(other, CommandState.APPLIED)
        assert (await bench.get(behind)).state is CommandState.ACCEPTED
    assert stuck.id not in bench.source.effects


async def test_several_workers_send_each_command_once(bench: Bench) -> None:
    async with bench.worker(), bench.worker(), bench.worker():
        requests = [controls.hold(f"k{n}", order=ORDERS[n % len(ORDERS)]) for n in range(60)]
        commands = await asyncio.gather(*map(bench.accept, requests))
        for command in commands:
            await bench.ended(command, CommandState.APPLIED)
    sent = [command for _, command in bench.source.sends]
    assert sorted(sent) == sorted(command.id for command in commands)


async def test_a_command_that_settled_first_stays_settled(bench: Bench) -> None:
    async def settle() -> None:
        await bench.pool.execute("select command.settle(array(select id from command.command), 17)")

    bench.source.after = settle
    command = await bench.accept(controls.hold())
    async with bench.worker():
        settled = await bench.ended(command, CommandState.SETTLED)
    assert await bench.get(command) == settled
    assert settled.settled_position == 17
    assert settled.attempts == 1


async def test_a_worker_that_was_overtaken_cannot_take_an_effect_back(bench: Bench) -> None:
    """It sent, was rejected and slept; another took over and applied: the late rejection is void."""
    command = await bench.accept(controls.hold())
    await claim(bench.pool, controls.SOURCE, QUICK)
    await bench.pool.execute("update command.command set next_attempt_at = now()")
    second = await claim(bench.pool, controls.SOURCE, QUICK)
    assert second is not None
    assert await bench.pool.fetchval(SQL["rejected"], command.id, 1, "late") is None
    assert await bench.pool.fetchval(SQL["retry"], command.id, 1, "late", timedelta(hours=1)) is None
    await attempt(bench.pool, bench.source, second, QUICK)
    assert (await bench.get(command)).state is CommandState.APPLIED


async def test_a_claimed_command_is_its_workers_until_the_lease_ends(bench: Bench) -> None:
    command = await bench.accept(controls.hold())
    assert await claim(bench.pool, controls.SOURCE, Policy(lease=60)) is not None
    assert await claim(bench.pool, controls.SOURCE, QUICK) is None
    await bench.pool.execute("update command.command set next_attempt_at = now()")
    again = await claim(bench.pool, controls.SOURCE, QUICK)
    assert again is not None
    assert (again.id, again.attempts) == (command.id, 2)


async def test_a_command_that_cannot_be_read_is_a_persons_and_stops_nobody(bench: Bench) -> None:
    odd = await bench.accept(controls.hold())
    await bench.pool.execute("update command.command set kind = 'SPLIT_ORDER'")
    after = await bench.accept(controls.hold("k2"))
    async with bench.worker():
        await bench.ended(after, CommandState.APPLIED)
    assert await bench.pool.fetchval("select state from command.command where id = $1", odd.id) == "NEEDS_HUMAN"


async def test_a_worker_outlives_the_loss_of_postgres(bench: Bench) -> None:
    async with bench.worker():
        await bench.ended(await bench.accept(controls.hold()), CommandState.APPLIED)
        await run(bench.dsn, CUT_ALL_OTHERS)
        await until(lambda: listening(bench.dsn))
        await bench.ended(await bench.accept(controls.release()), CommandState.APPLIED)


CUT_ALL_OTHERS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and application_name <> 'bench'
"""
LISTENING = "select count(*) from pg_stat_activity where datname = current_database() and query like 'LISTEN %'"


async def listening(dsn: str) -> bool:
    db = await asyncpg.connect(dsn)
    try:
        return bool(await db.fetchval(LISTENING))
    finally:
        await db.close()


async def test_what_is_under_way_at_the_end_is_finished(bench: Bench) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await go_on.wait()

    bench.source.after = slow
    command = await bench.accept(controls.hold())
    async with bench.worker():
        await asyncio.wait_for(begun.wait(), WAKING)
        asyncio.get_running_loop().call_soon(go_on.set)
    assert (await bench.get(command)).state is CommandState.APPLIED

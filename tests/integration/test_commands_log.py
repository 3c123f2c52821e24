"""Accepting a command: once per client and key, in order, durable, and somebody wakes up."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from commands.log import CHANNEL, Command, CommandState, accept, get
from commands.statements import Connection
from orders.errors import ConflictError, NotFoundError
from tests.controls import commands as controls
from tests.controls.waiting import until

SOMEBODY_WAITS = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"


@pytest.fixture
async def dsn(database: str) -> str:
    await controls.create_schemas(database)
    await controls.create_orders(database)
    return database


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def test_an_accepted_command_can_be_read(db: Connection) -> None:
    command = await accept(db, controls.hold())
    assert command.state is CommandState.ACCEPTED
    assert (command.order_id, command.source, command.order_number) == (controls.ORDER, "erp", controls.ORDER)
    assert command.payload == controls.hold().payload
    assert await get(db, command.id) == command


async def test_an_unknown_command_is_not_found(db: Connection) -> None:
    with pytest.raises(NotFoundError):
        await get(db, "cmd_0")


async def test_the_same_key_gives_the_same_command(db: Connection) -> None:
    first = await accept(db, controls.hold())
    assert await accept(db, controls.hold()) == first
    assert await accept(db, controls.hold(client="shop")) != first


async def test_the_same_key_finds_its_command_when_the_order_is_gone(db: Connection) -> None:
    first = await accept(db, controls.hold())
    await db.execute("truncate graph.orders")
    assert await accept(db, controls.hold()) == first


async def test_the_same_key_with_another_request_is_a_conflict(db: Connection) -> None:
    await accept(db, controls.hold())
    with pytest.raises(ConflictError):
        await accept(db, controls.hold(note="another"))


async def test_an_unknown_order_is_not_found(db: Connection) -> None:
    with pytest.raises(NotFoundError):
        await accept(db, controls.hold(order="9999"))
    assert await db.fetchval("select count(*) from command.command") == 0


async def test_fifty_accepts_of_one_key_at_once_are_one_command(dsn: str) -> None:
    async with asyncpg.create_pool(dsn, min_size=10, max_size=10) as pool:

        async def one() -> Command:
            async with pool.acquire() as connection:
                return await accept(connection, controls.hold())

        commands = await asyncio.gather(*(one() for _ in range(50)))
        assert len({command.id for command in commands}) == 1
        assert await pool.fetchval("select count(*) from command.command") == 1


async def test_acceptance_wakes_whoever_listens_and_only_then(db: Connection, dsn: str) -> None:
    listener = await asyncpg.connect(dsn)
    heard: asyncio.Queue[str] = asyncio.Queue()
    await listener.add_listener(CHANNEL, lambda _c, _pid, channel, _payload: heard.put_nowait(channel))
    with pytest.raises(NotFoundError):
        await accept(db, controls.hold(order="9999"))
    await accept(db, controls.hold())
    assert await asyncio.wait_for(heard.get(), 60) == CHANNEL
    await db.execute("select pg_notify($1, 'end')", CHANNEL)
    await asyncio.wait_for(heard.get(), 60)
    assert heard.empty()
    await listener.close()


async def test_one_orders_commands_are_numbered_in_the_order_of_commit(db: Connection, dsn: str) -> None:
    other, watch = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    transaction = db.transaction()
    await transaction.start()
    first = await accept(db, controls.hold("a"))
    waiting = asyncio.create_task(accept(other, controls.release("b")))
    await until(lambda: watch.fetchval(SOMEBODY_WAITS))
    assert not waiting.done()
    await transaction.commit()
    assert (await waiting).seq > first.seq
    await other.close()
    await watch.close()


@pytest.mark.parametrize("state", ["ACCEPTED", "SENDING", "APPLIED", "NEEDS_HUMAN"])
async def test_an_effect_that_was_seen_settles(db: Connection, state: str) -> None:
    command = await accept(db, controls.hold())
    await db.execute("update command.command set state = $1", state)
    assert await db.fetchval("select command.settle($1, 17)", [command.id, "cmd_of_nobody"]) == 1
    settled = await get(db, command.id)
    assert (settled.state, settled.settled_position) == (CommandState.SETTLED, 17)
    assert settled.settled_at == settled.applied_at


@pytest.mark.parametrize("state", ["SETTLED", "REJECTED"])
async def test_an_end_is_an_end(db: Connection, state: str) -> None:
    command = await accept(db, controls.hold())
    await db.execute("update command.command set state = $1, settled_position = 3", state)
    assert await db.fetchval("select command.settle($1, 17)", [command.id]) == 0
    ended = await get(db, command.id)
    assert (ended.state, ended.settled_position) == (state, 3)

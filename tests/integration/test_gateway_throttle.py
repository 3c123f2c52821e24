"""What a client may ask for: leases of one bucket in Postgres, and what is said when it is empty."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from gateway.auth import Principal, Role
from gateway.database import Pool, open_pool
from gateway.errors import ThrottledError
from gateway.plan.answers import Answers
from gateway.plan.plans import Plans
from gateway.throttle import BELIEVED, KEPT, SHARE, Allowance, Lease, Throttle
from orders.errors import TransientError
from tests.controls import serving
from tests.controls.serving import Client
from tests.controls.waiting import until

ANN = Principal("ann", Role.CUSTOMER, 2**40, frozenset({"C1"}))
SMALL = Allowance(1000, 1, 2)
ONE = '{ order(id: "1042") { id } }'
LINES = '{ order(id: "1042") { lines { sku } } }'
ROOM = "update gateway.bucket set points = $1, at = clock_timestamp() + interval '1 minute'"
"""No drop flows in before that."""


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    pool = await open_pool(dsn, 4)
    yield pool
    await pool.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def process(pool: Pool, clock: Clock, allowance: Allowance = SMALL) -> Throttle:
    return Throttle(pool, dict.fromkeys(Role, allowance), clock)


async def hold(pool: Pool, points: float) -> None:
    """The bucket holds so many, and nothing flows in."""
    await pool.execute(ROOM, points)


async def spend(lease: Lease, points: int, times: int) -> int:
    """How often it went."""
    done = 0
    for _ in range(times):
        try:
            await lease.take(points)
        except ThrottledError:
            return done
        done += 1
    return done


async def test_several_processes_never_spend_more_than_the_bucket_gave(pool: Pool, clock: Clock) -> None:
    """S17. What they leave is what lies in leases."""
    processes = [process(pool, clock, Allowance(1000, 1)) for _ in range(3)]
    await processes[0].lease(ANN).take(0.5)
    await hold(pool, 900)
    begun = time.monotonic()
    spent = await asyncio.gather(*(spend(each.lease(ANN), 7, 1000) for each in processes))
    left = sum(each.lease(ANN).points for each in processes)
    [row] = await pool.fetch("select points from gateway.bucket")
    all_of_it = 7 * sum(spent) + left + row["points"] + 0.5
    assert 950 - 1e-6 <= all_of_it <= 950 + (time.monotonic() - begun) * 1
    assert row["points"] < 7
    assert left <= 3 * 7


async def test_a_process_takes_a_share_and_spends_it_without_asking(pool: Pool, clock: Clock) -> None:
    lease = process(pool, clock).lease(ANN)
    await lease.take(3)
    assert lease.points == 1000 * SHARE - 3
    await pool.execute("truncate gateway.bucket")
    await lease.take(40)
    assert await pool.fetchval("select count(*) from gateway.bucket") == 0


async def test_tokens_of_one_client_share_a_bucket_and_other_clients_do_not(pool: Pool, clock: Clock) -> None:
    throttle = process(pool, clock)
    others = [
        Principal("bob", ANN.role, 2**40, ANN.scope),
        Principal("ann", Role.CHANNEL, 2**40, ANN.scope),
        Principal("ann", ANN.role, 2**40, frozenset({"C2"})),
    ]
    assert throttle.lease(ANN) is throttle.lease(Principal("ann", ANN.role, 2**41, frozenset({"C1"})))
    assert len({throttle.lease(each).client for each in (ANN, *others)}) == 4


async def test_an_empty_bucket_is_said_without_asking_again(pool: Pool, clock: Clock) -> None:
    lease = process(pool, clock).lease(ANN)
    await lease.take(50)
    await hold(pool, 3)
    with pytest.raises(ThrottledError, match="try again in 17 s") as refused:
        await lease.take(20)
    assert refused.value.seconds == 17
    await pool.execute("update gateway.bucket set points = 500")
    with pytest.raises(ThrottledError):
        await lease.take(20)
    await lease.take(2)
    clock.now += BELIEVED
    await lease.take(20)


async def test_a_bucket_fills_as_time_goes(pool: Pool, clock: Clock) -> None:
    lease = process(pool, clock, Allowance(1000, 10)).lease(ANN)
    await lease.take(50)
    await pool.execute("update gateway.bucket set points = 0, at = clock_timestamp() - interval '10 seconds'")
    assert await spend(lease, 25, 10) == 4
    await pool.execute("update gateway.bucket set points = 0, at = clock_timestamp() - interval '1 day'")
    clock.now += BELIEVED
    await lease.take(600)
    assert lease.state().available <= 400


async def test_what_was_taken_too_much_comes_back_and_what_was_too_little_is_owed(pool: Pool, clock: Clock) -> None:
    lease = process(pool, clock).lease(ANN)
    await lease.take(50)
    lease.settle(50, 10)
    assert lease.points == 40
    lease.settle(0, 240)
    assert lease.state().available == 1000 - 250
    await hold(pool, 150)
    with pytest.raises(ThrottledError):
        await lease.take(1)
    await hold(pool, 400)
    clock.now += BELIEVED
    await lease.take(1)


async def test_an_idle_client_is_given_back_and_forgotten(pool: Pool, clock: Clock) -> None:
    throttle = process(pool, clock)
    lease = throttle.lease(ANN)
    await lease.take(10)
    await hold(pool, 900)
    await throttle.tidy()
    assert lease.points == 40
    clock.now += 2
    await throttle.tidy()
    assert lease.points == 0
    assert await pool.fetchval("select points from gateway.bucket") == 940
    clock.now += KEPT
    await throttle.tidy()
    assert len(throttle) == 0


async def test_a_process_that_stops_gives_everything_back(pool: Pool, clock: Clock) -> None:
    throttle = process(pool, clock)
    async with throttle.running():
        await throttle.lease(ANN).take(10)
        await hold(pool, 100)
    assert await pool.fetchval("select points from gateway.bucket") == 140


async def test_full_buckets_are_forgotten(pool: Pool, clock: Clock) -> None:
    await process(pool, clock).lease(ANN).take(1)
    await pool.execute("insert into gateway.bucket values ('old', 1, now() - interval '2 hours')")
    await pool.fetch("select gateway.forget_buckets()")
    assert await pool.fetchval("select count(*) from gateway.bucket") == 1


async def test_without_postgres_nothing_is_granted(clock: Clock) -> None:
    pool = await open_pool("postgresql://nobody@127.0.0.1:9/none", 1)
    with pytest.raises(TransientError):
        await process(pool, clock).lease(ANN).take(1)
    await pool.close()


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path, allowed=dict.fromkeys(Role, SMALL)) as client:
        yield client


async def empty(client: Client, dsn: str) -> None:
    """Spend what there is."""
    await client.ask(ONE)
    db = await asyncpg.connect(dsn)
    await db.execute(ROOM, 0)
    await db.close()
    while (await client.post(LINES)).status_code == 200:
        pass


async def test_an_answer_says_what_it_cost_and_what_is_left(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        answer = (await client.post(LINES)).json()["extensions"]["cost"]
        throttle = answer.pop("throttle")
        assert answer == {"requested": 6, "allowed": 1000, "actual": 3}
        assert (throttle["maximum"], throttle["restoreRate"]) == (1000, 1)
        assert 980 < throttle["available"] <= 997
        monkeypatch.setattr(Answers, "find", lambda *_: None)
        monkeypatch.setattr(Plans, "plan", lambda *_: None)


@pytest.mark.parametrize("ordinary", [False, True])
async def test_who_has_asked_for_too_much_is_told_when_to_come_again(
    client: Client, dsn: str, monkeypatch: pytest.MonkeyPatch, ordinary: bool
) -> None:
    if ordinary:
        monkeypatch.setattr(Answers, "find", lambda *_: None)
        monkeypatch.setattr(Plans, "plan", lambda *_: None)
    await empty(client, dsn)
    answer = await client.post(LINES)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 6
    assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in answer.json()
    other = {"authorization": f"Bearer {serving.token(subject='bob')}"}
    assert (await client.post(LINES, other)).status_code == 200


async def test_an_empty_bucket_is_found_before_anything_is_read(
    client: Client, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await empty(client, dsn)
    lease = client.server.gateway.parts.http.context.throttle.lease(Principal("ann@example.com", Role.OPERATIONS, 0))
    lease.settle(0, 50)

    def read(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr("gateway.http.raw_request", read)
    assert (await client.post("{")).status_code == 429


async def test_documents_that_are_refused_cost_too(client: Client) -> None:
    before = (await client.post(ONE)).json()["extensions"]["cost"]["throttle"]["available"]
    for _ in range(5):
        await client.post("{ nothing }")
    after = (await client.post(ONE)).json()["extensions"]["cost"]["throttle"]["available"]
    assert before - after > 5 * 20


async def test_a_bucket_that_can_never_hold_enough_is_a_bad_request(client: Client) -> None:
    assert await client.refused("{ orders(first: 200) { nodes { lines { sku } } } }") == "BAD_REQUEST"


async def test_operations_of_a_socket_go_through_the_same_bucket(client: Client, dsn: str) -> None:
    await empty(client, dsn)
    follow = "subscription { orderEvents { __typename } }"
    for query in (LINES, follow):
        async with client.subscribed(query) as stream:
            message = await serving.receive(stream.socket)
            assert message["type"] == "error"
            [error] = message["payload"]
            assert error["extensions"]["code"] == "THROTTLED"
            assert error["extensions"]["retryAfter"] >= 1


async def test_a_client_has_so_many_sockets_and_no_more(client: Client, dsn: str) -> None:
    """S24. One that is closed makes room."""
    async with ready_socket(client), ready_socket(client) as second:
        with pytest.raises(ConnectionClosed) as closed:
            async with ready_socket(client):
                pass
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        await second.close()

        async def room() -> bool:
            with suppress(ConnectionClosed):
                async with ready_socket(client):
                    return True
            return False

        await until(room)


@asynccontextmanager
async def ready_socket(client: Client) -> AsyncIterator[ClientConnection]:
    async with client.socket() as socket:
        await serving.send(socket, type="connection_init", payload=client.auth)
        assert (await serving.receive(socket))["type"] == "connection_ack"
        yield socket

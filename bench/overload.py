"""What becomes of three times the load that the gateway can carry.

In each round: its peak, in a closed loop; then, in an open loop, half of the peak, which is the normal load, and from
one instant to the next three times the peak, over more connections than can be served at once. Goodput are answers with
data; refused is what gets 429 or 503. Latencies begin when a request was due. All is asked first. Who asks has the same
cores as who answers: what `asking` takes of them is not there for answers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.load import Result
from bench.machinery import bench
from bench.questions import LIST, ORDERS, PAGE, Question, Reading
from bench.report import Case, case, conclude, postgres_version
from bench.servers import OURS, Server, filled, serving

ASKED = (PAGE, LIST)
NORMAL, TIMES = 0.5, 3.0
"""Of the peak."""
WARM_UP = 2.0
"""Seconds."""
CLIENTS = 500
"""Connections of the open loop."""


class Round(NamedTuple):
    """Results at the peak, at normal load, and over it; `offered` is in requests a second."""

    peak: Result
    normal: Result
    over: Result
    offered: float


async def measure(rounds: int, seconds: float) -> None:
    found: dict[str, list[Round]] = defaultdict(list)
    minutes = 3 * len(ASKED) * rounds * (seconds + 2) / 60
    print(f"{len(ASKED)} cases of the gateway, {rounds} rounds: {minutes:.0f} minutes")  # noqa: T201
    async with bench() as place:
        dsn = await filled(place, "bench_overload", ORDERS)
        async with serving(place, dsn, ORDERS, (OURS,)) as (server,):
            for question in ASKED:
                await server.measure(question, Reading.FIRST, min(seconds, WARM_UP))
            for question in ASKED * rounds:
                found[question.name].append(await one_round(server, question, seconds))
        version = await postgres_version(place.postgres.dsn("postgres"))
    conclude("overload", [each for name, made in found.items() for each in cases(name, made)], version)


async def one_round(server: Server, question: Question, seconds: float) -> Round:
    peak = await server.run(server.job(question, Reading.FIRST, seconds), question)
    rate = peak.answers / peak.seconds
    normal = await offered(server, question, seconds, NORMAL * rate, NORMAL * rate)
    return Round(peak, normal, await offered(server, question, seconds, NORMAL * rate, TIMES * rate), TIMES * rate)


async def offered(server: Server, question: Question, seconds: float, before: float, rate: float) -> Result:
    job = server.job(question, Reading.FIRST, seconds, rate)
    job.connections, job.before = CLIENTS, before
    return await server.run(job, question)


def cases(name: str, rounds: Sequence[Round]) -> list[Case]:
    peak = [each.peak.answers / each.peak.seconds for each in rounds]
    admitted = {
        "at half the peak": [each.normal.took.p99 for each in rounds],
        "at the peak": [each.peak.took.p99 for each in rounds],
    }
    over = [each.over for each in rounds]
    found = [
        case(f"{name}, offered", "requests/s", [each.offered for each in rounds], {"peak": peak}),
        case(f"{name}, goodput", "answers/s", [each.answers / each.seconds for each in over], {"peak": peak}),
        case(f"{name}, admitted, p99", "ms", [each.took.p99 for each in over], admitted),
    ]
    return found + [case(f"{name}, {what}", unit, values) for (what, unit), values in others(over).items()]


def others(over: Sequence[Result]) -> Mapping[tuple[str, str], Sequence[float]]:
    return {
        ("refused", "requests/s"): [each.refused / each.seconds for each in over],
        ("refused, p50", "ms"): [each.refusals.p50 for each in over],
        ("refused, p99", "ms"): [each.refusals.p99 for each in over],
        ("failed", "requests"): [each.failed for each in over],
        ("not sent in time", "requests"): [each.unsent for each in over],
        ("waited to be sent, p99", "ms"): [each.late.p99 for each in over],
        ("asking", "cores"): [each.cpu / each.seconds for each in over],
    }

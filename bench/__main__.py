"""`python -m bench start|latency|project|capture|fold|query|growth|overload|rebuild`."""

import asyncio
from pathlib import Path
from typing import Literal

from cyclopts import App

app = App(name="bench", help="Measure Milepost; prints, and writes bench/results/<name>.json.")


@app.command
def start(*, rounds: int = 5) -> None:
    """From nothing, and from a stopped demo, to the first visible order; memory of each process."""
    from bench.start import measure

    asyncio.run(measure(rounds))


@app.command
def latency(*, samples: int = 400, kafka: bool = True) -> None:
    """From a commit in the ERP to a query and to a subscriber, hop by hop, by the engine and by Kafka."""
    from bench.latency import measure

    asyncio.run(measure(samples, kafka))


@app.command
def project(*, rounds: int = 5, orders: int = 1000) -> None:
    """Changes a second out of Kafka, beside Debezium's JDBC sink and logical replication."""
    from bench.project import measure

    asyncio.run(measure(rounds, orders))


@app.command
def capture(*, rounds: int = 5, orders: int = 500, profile: bool = False) -> None:
    """Changes a second through engine and projector, beside the engine alone."""
    from bench.capture import measure, measure_profile

    asyncio.run(measure_profile(orders) if profile else measure(rounds, orders))


@app.command
def fold(*, rounds: int = 5, orders: int = 2000, batch: int = 2000, recording: Path | None = None) -> None:
    """CPU of a change by stage, without the engine; a recording is read, or made where there is none."""
    from bench.fold import measure

    asyncio.run(measure(rounds, orders, batch, recording))


@app.command
def query(*, rounds: int = 5, seconds: float = 8, profile: bool = False) -> None:
    """Answers a second of the gateway, beside PostGraphile, resolvers, SQL by hand and pgbench."""
    from bench.profiling import measure_profile
    from bench.query import measure

    asyncio.run(measure_profile(seconds) if profile else measure(rounds, seconds))


@app.command
def growth(
    *,
    rounds: int = 5,
    seconds: float = 8,
    orders: int = 100,
    of: Literal["projector", "gateway", "both"] = "both",
) -> None:
    """How costs grow: the projector's with ten and a hundred times the orders, the gateway's with ten times."""
    from bench import enlarged, growth

    if of != "gateway":
        asyncio.run(enlarged.measure(rounds, orders))
    if of != "projector":
        asyncio.run(growth.measure(rounds, seconds))


@app.command
def rebuild(*, orders: int = 500, sizes: tuple[int, ...] = (10, 40), recording: Path | None = None) -> None:
    """The graph made anew from its ledger, which holds so many copies of a story; beside the projector."""
    from bench.rebuild import measure

    asyncio.run(measure(orders, sizes, recording))


@app.command
def overload(*, rounds: int = 5, seconds: float = 8) -> None:
    """What becomes of three times the peak load."""
    from bench.overload import measure

    asyncio.run(measure(rounds, seconds))


if __name__ == "__main__":
    app()

"""What a change costs, stage by stage: recorded bytes in, rows of a real Postgres out, with no engine beside it.

CPU time in µs for each change, of this process by stage and of Postgres as a whole. The changes come in batches, as
after an outage, in the order in which the sources committed them.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.garbage import search_rarely
from bench.machinery import MAPPINGS, Bench, bench, connect
from bench.recording import Frame, assembled, batches, in_order, recorded
from bench.report import case, conclude, postgres_version
from bench.servers import cpu, postmaster
from cdc.change import Transaction
from projections.batch import Batch
from projections.events import Stated
from projections.intake import NONE, Intake, Refusals
from projections.projector import Projector

DECODE, MAP, FOLD, WRITE, POSTGRES = "decode", "map", "fold and derive", "write", "Postgres"
STAGES = (DECODE, MAP, FOLD, WRITE, POSTGRES)


@dataclass
class Spent:
    """CPU seconds by stage."""

    stages: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.stages[stage] += time.process_time() - begun


class Timed(Intake):
    """Notes what it spends."""

    spent: Spent

    def read(
        self, batch: Batch, transaction: Transaction, refusals: Refusals = NONE, *, gathering: bool = False
    ) -> list[Stated]:
        with self.spent.on(MAP):
            return super().read(batch, transaction, refusals, gathering=gathering)

    def take(self, batch: Batch, transaction: Transaction, stated: Sequence[Stated], *, live: bool) -> None:
        with self.spent.on(FOLD):
            super().take(batch, transaction, stated, live=live)


async def measure(rounds: int, orders: int, size: int, recording: Path | None) -> None:
    search_rarely()  # as the projector's process does
    rates: list[float] = []
    costs: dict[str, list[float]] = defaultdict(list)
    async with bench() as place:
        frames = await recorded(place, orders, recording or place.data / "recording")
        for number in range(1, rounds + 1):
            changes, seconds, spent = await one_round(place, f"round{number}", frames, size)
            rates.append(changes / seconds)
            for stage in STAGES:
                costs[stage].append(1e6 * spent.stages[stage] / changes)
        version = await postgres_version(place.postgres.dsn("postgres"))
    name = f"{changes} changes in batches of {size}"
    stages = [case(f"{name}: {stage}", "µs of CPU a change", costs[stage]) for stage in STAGES]
    conclude("fold", [case(name, "changes/s", rates), *stages], version)


async def one_round(place: Bench, name: str, frames: Sequence[Frame], size: int) -> tuple[int, float, Spent]:
    """Changes, seconds, and CPU."""
    spent, begun = Spent(), time.perf_counter()
    with spent.on(DECODE):
        transactions = list(in_order(assembled(frames)))
    decoded = time.perf_counter() - begun
    db = await connect(await place.graph(name))
    try:
        projector = Projector(db, MAPPINGS)
        projector.intake = timed = Timed(MAPPINGS, projector.fold)
        timed.spent = spent
        await projector.start()
        before, begun = cpu(postmaster(place)), time.perf_counter()
        with spent.on(WRITE):
            for batch in batches(transactions, size):
                await projector.project(batch)
        seconds = time.perf_counter() - begun
        spent.stages[WRITE] -= spent.stages[MAP] + spent.stages[FOLD]
        spent.stages[POSTGRES] = cpu(postmaster(place)) - before
    finally:
        await db.close()
    return sum(each.seen for each in transactions), decoded + seconds, spent

"""How costs grow: ten times the orders, in turn with the tenth of them, in one Postgres.

There are 250 customers in both, so an account's lists and counts are of ten times the orders too. All is asked first.
A ratio is that of the larger graph to the smaller one.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from bench.floor import Floor
from bench.machinery import bench
from bench.query import ALL_CLIENTS, FIGURES, Peer, announce
from bench.questions import BOARD, COUNTS, FIND, LIST, ORDERS, PAGE, Reading
from bench.report import Case, case, conclude, postgres_version
from bench.servers import HAND, OURS, Figures, filled, postmaster, serving

TIMES = 10
ASKED = (PAGE, LIST, FIND, COUNTS, BOARD)
SIZES = {f"{size} orders": size for size in (ORDERS, TIMES * ORDERS)}

Found = Mapping[tuple[str, str], Mapping[str, Sequence[Figures]]]
"""Question and who was asked → graph → figures of each round."""


async def measure(rounds: int, seconds: float) -> None:
    found: dict[tuple[str, str], dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    async with bench(max_connections=ALL_CLIENTS) as place, AsyncExitStack() as stack:
        peers: dict[str, list[Peer]] = {}
        names = [f"{peer} over {graph}" for graph in SIZES for peer in (OURS, HAND, Floor.name)]
        announce(names, len(ASKED), rounds + 1, seconds)
        for graph, size in SIZES.items():
            dsn = await filled(place, f"bench_{size}", size, unlogged=True)
            servers = await stack.enter_async_context(serving(place, dsn, size, (OURS, HAND)))
            peers[graph] = [*servers, Floor(dsn, postmaster(place), size)]
        for question, graph in itertools.product(ASKED, SIZES):
            for peer in peers[graph]:
                await peer.measure(question, Reading.FIRST, seconds)
        for number, question, place_of in itertools.product(range(rounds), ASKED, range(3)):
            for graph in in_turn(number):
                peer = peers[graph][place_of]
                found[question.name, peer.name][graph].append(await peer.measure(question, Reading.FIRST, seconds))
        version = await postgres_version(place.postgres.dsn("postgres"))
    conclude("growth", cases(found), version)


def in_turn(number: int) -> list[str]:
    """The larger one first in every other round."""
    return list(SIZES) if number % 2 else list(SIZES)[::-1]


def cases(found: Found) -> list[Case]:
    """`ours` is over the larger graph."""
    small, large = SIZES
    made = []
    for (question, peer), graphs in found.items():
        name = question if peer == OURS else f"{question} by hand" if peer == HAND else f"{question} in {peer}"
        for figure, unit in FIGURES.items():
            of = {graph: [each[figure] for each in rounds if figure in each] for graph, rounds in graphs.items()}
            if of[large]:
                made.append(case(f"{name}, {figure}", unit, of[large], {small: of[small]}))
    return made

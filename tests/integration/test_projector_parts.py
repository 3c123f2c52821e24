"""A transaction that is too large for memory is read, folded and written part by part."""

import weakref
from collections.abc import Iterator, Sequence
from typing import Any, overload

from msgspec.structs import replace

from cdc.change import Change, Position, Transaction
from projections.database import Connection
from projections.projector import Projector
from projections.runs import LARGE
from tests.controls.projecting import check, header, line, transaction
from tests.controls.story import MAPPINGS

ORDERS = LARGE
CAP = 2_000
"""Facts that the projector remembers from one part to the next."""


class Image(dict[str, Any]):
    """A row that can be watched."""


class Told(Sequence[Change]):
    """The changes of `ORDERS` orders, made as they are asked for; `most` of their rows were ever there at once."""

    def __init__(self) -> None:
        self.alive = self.most = 0

    def __len__(self) -> int:
        return 2 * ORDERS

    def __iter__(self) -> Iterator[Change]:
        for place in range(len(self)):
            yield self._made(place)

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Change]: ...
    def __getitem__(self, index: int | slice) -> Change | Sequence[Change]:
        places = range(len(self))[index]
        return self._made(places) if isinstance(places, int) else [self._made(place) for place in places]

    def _made(self, place: int) -> Change:
        number = 1_000_000 + place // 2
        [change] = transaction(1, line(number) if place % 2 else header(number)).changes
        assert isinstance(change, Change)
        image = Image(change.after or {})
        weakref.finalize(image, self._gone)
        self.alive += 1
        self.most = max(self.most, self.alive)
        return replace(change, after=image, position=Position(1, 1, place + 1))

    def _gone(self) -> None:
        self.alive -= 1


async def test_only_a_part_of_its_changes_is_in_memory(graph: Connection) -> None:
    told = Told()
    projector = Projector(graph, MAPPINGS, cap=CAP)
    await projector.start()
    await projector.project([Transaction("erp", told, Position(1, 1, len(told)), b"1", len(told))])
    assert await graph.fetchval("select count(*) from graph.orders") == ORDERS
    assert told.most <= LARGE
    await check(graph)

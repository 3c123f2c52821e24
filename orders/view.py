"""What is shown of one document tree: what has happened, and its rows in pieces."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, TypeAlias

from orders.facets import Facets
from orders.facts import OrderHeader
from orders.graph import Identity, Row, by_identity
from orders.happenings import Happening

Rows = dict[Identity, Row]
Recipe: TypeAlias = tuple[str, Callable[..., Iterable[Row]], tuple[Any, ...]]
"""A piece's name, what makes its rows, and of what."""


class Piece:
    """Rows that follow from the same inputs; made when they are asked for, and once."""

    __slots__ = ("_made", "_rows", "inputs")

    def __init__(self, rows: Callable[..., Iterable[Row]], inputs: tuple[Any, ...]) -> None:
        self._rows, self.inputs = rows, inputs
        self._made: Rows | None = None

    @property
    def rows(self) -> Rows:
        if self._made is None:
            self._made = by_identity(self._rows(*self.inputs))
        return self._made


NOTHING = Piece(tuple, ())
Pieces: TypeAlias = dict[str, Piece]
"""By name."""


class View:
    """What is shown of one document tree. Without an order, `header` is None and nothing has happened yet.

    `told` are happenings by key, by who tells them. Its pieces are cut when they are asked for; `shelf` has those of
    the tree's latest view that was asked, so what did not change is the same object in both.
    """

    __slots__ = ("_pieces", "_recipes", "_shelf", "facets", "header", "told")

    def __init__(
        self,
        recipes: Callable[[], Iterable[Recipe]],
        shelf: Pieces,
        told: Mapping[str, Mapping[str, Happening]],
        header: OrderHeader | None = None,
        facets: Facets | None = None,
    ) -> None:
        self._recipes, self._shelf = recipes, shelf
        self._pieces: Pieces | None = None
        self.told, self.header, self.facets = told, header, facets

    @property
    def order_id(self) -> str | None:
        return self.header.number if self.header else None

    @property
    def pieces(self) -> Pieces:
        if self._pieces is None:
            self._pieces = {name: self._piece(name, rows, inputs) for name, rows, inputs in self._recipes()}
            self._shelf.clear()
            self._shelf.update(self._pieces)
        return self._pieces

    def _piece(self, name: str, rows: Callable[..., Iterable[Row]], inputs: tuple[Any, ...]) -> Piece:
        known = self._shelf.get(name)
        return known if known is not None and known.inputs == inputs else Piece(rows, inputs)

    @property
    def rows(self) -> Rows:
        return rows_of(self.pieces.values())

    @property
    def happenings(self) -> dict[str, Happening]:
        """By key."""
        return {key: happening for told in self.told.values() for key, happening in told.items()}


EMPTY = View(recipes=tuple, shelf={}, told={})


def replaced(old: View, new: View) -> tuple[Rows, Rows]:
    """Rows of the pieces that are not the same in both, as they were and as they are."""
    return rows_of(other_pieces(old, new)), rows_of(other_pieces(new, old))


def other_pieces(these: View, those: View) -> Iterator[Piece]:
    known = those.pieces
    return (piece for name, piece in these.pieces.items() if known.get(name) is not piece)


def shows_otherwise(old: View, new: View) -> bool:
    """Whether any row is new, gone or other. Two pieces have no row in common, so one that differs is enough."""
    if old.facets != new.facets or old.order_id != new.order_id:
        return True
    before, after = old.pieces, new.pieces
    names = [name for name, piece in after.items() if before.get(name) is not piece]
    names += before.keys() - after.keys()
    return any(before.get(name, NOTHING).rows != after.get(name, NOTHING).rows for name in names)


def rows_of(pieces: Iterable[Piece]) -> Rows:
    found: Rows = {}
    for piece in pieces:
        found.update(piece.rows)
    return found


def newly_told(old: View, new: View, known: Set[str]) -> list[Happening]:
    """Happenings with keys that neither are known nor the old view has."""
    found: dict[str, Happening] = {}
    if new.told is not old.told:
        for name, told in new.told.items():
            if old.told.get(name) is not told:
                found.update((key, each) for key, each in told.items() if key not in known)
    return [each for key, each in found.items() if not any(key in told for told in old.told.values())]

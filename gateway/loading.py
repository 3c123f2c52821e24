"""Rows → Strawberry objects, and batches of them: one statement per (type, field) and level of a query."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar, cast, get_args

import asyncpg
from strawberry.dataloader import DataLoader

T = TypeVar("T")
PAST = "_past"
"""The attribute of an object that is not as it is now: what reads the rest of it."""


class Fetching(Protocol):
    async def fetch(self, name: str, *args: object) -> Sequence[asyncpg.Record]:
        """All rows of the named statement that the caller may see."""
        ...


Read = Callable[[asyncpg.Record], T]


def reader(cls: type[T], prefix: str = "", **parts: Read[Any]) -> Read[T]:
    """Makes a `cls` of a row: each field that its constructor takes is the column of that name, an enum by name.

    `prefix` is what the columns' names have before the fields'. `parts` are made of the row by readers of their own.
    """
    columns = {f.name: _column(prefix, f) for f in fields(cast(Any, cls)) if f.init} | parts

    def read(row: asyncpg.Record) -> T:
        return cls(**{name: part(row) for name, part in columns.items()})

    return read


def _column(prefix: str, field: Field[Any]) -> Read[Any]:
    name, members = f"{prefix}{field.name}", _enum(field)
    if members is None:
        return lambda row: row[name]
    return lambda row: None if row[name] is None else members[row[name]]


def _enum(field: Field[Any]) -> Mapping[str, Enum] | None:
    """The members when the field's type is an enum, whether optional or private."""
    annotation = getattr(field, "type_annotation", None)
    hint = field.type if annotation is None else annotation.annotation
    for option in (hint, *get_args(hint)):
        if isinstance(option, type) and issubclass(option, Enum):
            return option.__members__
    return None


@dataclass(frozen=True)
class Batch(Generic[T]):
    """A named statement whose $1 are the keys of the parents and whose column `parent` says whose a row is."""

    statement: str
    make: Callable[[asyncpg.Record], T]


class Loaders:
    """The batches of one operation. Nothing is kept beyond `forget`."""

    def __init__(self, rows: Fetching) -> None:
        self._rows = rows
        self._loaders: dict[tuple[object, ...], DataLoader[str, Sequence[Any]]] = {}

    async def many(self, batch: Batch[T], key: str | None, *args: object) -> list[T]:
        """The children of `key`, in the statement's order; none of no key."""
        if key is None or "\0" in key:
            return []
        return list(await self._loader(batch, args).load(key))

    async def one(self, batch: Batch[T], key: str | None, *args: object) -> T | None:
        """The first of them."""
        return next(iter(await self.many(batch, key, *args)), None)

    def made(self, batch: Batch[Any], row: asyncpg.Record) -> Any:
        return batch.make(row)

    def forget(self) -> None:
        self._loaders.clear()

    def _loader(self, batch: Batch[T], args: tuple[object, ...]) -> DataLoader[str, Sequence[T]]:
        name = (batch.statement, *args)
        if name not in self._loaders:
            self._loaders[name] = DataLoader(lambda keys: self._load(batch, keys, args))
        return self._loaders[name]

    async def _load(self, batch: Batch[T], keys: list[str], args: tuple[object, ...]) -> list[Sequence[T]]:
        found: dict[str, list[T]] = defaultdict(list)
        for row in await self._rows.fetch(batch.statement, keys, *args):
            found[row["parent"]].append(self.made(batch, row))
        return [found.get(key, []) for key in keys]


class Reads(Protocol):
    """Batches, of one state of the graph."""

    async def many(self, batch: Batch[T], key: str | None, *args: object) -> list[T]: ...

    async def one(self, batch: Batch[T], key: str | None, *args: object) -> T | None: ...


def reading(root: object, now: Reads) -> Reads:
    """What reads what belongs to the object: that of its past, if it is of one."""
    found: Reads = getattr(root, PAST, now)
    return found

"""What was used last, and only so much of it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most `size` values; the one that was used the longest ago goes first, and `dropped` is told."""

    def __init__(self, size: int, dropped: Callable[[V], None] = lambda _: None) -> None:
        self._size = size
        self._dropped = dropped
        self._found: OrderedDict[K, V] = OrderedDict()

    def find(self, key: K) -> V | None:
        found = self._found.get(key)
        if found is not None:
            self._found.move_to_end(key)
        return found

    def get(self, key: K, make: Callable[[], V]) -> V:
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        made = self._found[key] = make()
        if len(self._found) > self._size:
            self.drop_oldest()
        return made

    def drop_oldest(self) -> None:
        _, value = self._found.popitem(last=False)
        self._dropped(value)

    def clear(self) -> None:
        while self._found:
            self.drop_oldest()

    def __len__(self) -> int:
        return len(self._found)

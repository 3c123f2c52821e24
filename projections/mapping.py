"""The protocol of mappings: pure code that says a source's changes in canonical words."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cdc.change import Change
from orders.errors import PoisonError
from orders.facts import Fact


class SourceMapping(Protocol):
    """One per adapter. `tables` are the captured ones, qualified with their schema."""

    tables: tuple[str, ...]

    def facts(self, change: Change) -> Sequence[Fact]:
        """The facts that the changed row states now; of a deletion, the keys of the facts that are gone.

        Their keys follow from the table and the row's key alone, so that a row's latest image tells all of it.
        Nothing for a row that matters to nobody. Raises PoisonError when the row cannot be read.
        """
        ...

    def prefixes(self, table: str) -> tuple[str, ...]:
        """What the keys of all facts of this table begin with, and no others; none of a table that states nothing."""
        ...


def keys_of(mapping: SourceMapping, change: Change) -> list[str]:
    """Of the facts that the change states, or was to state as far as can be told."""
    try:
        return [fact.key for fact in mapping.facts(change)]
    except PoisonError as error:
        return [error.key] if error.key else []
    except Exception:  # it is a dead letter already
        return []


Mappings = Mapping[str, SourceMapping]
"""Source → its mapping."""

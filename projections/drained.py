"""Which rows are other than they were."""

from collections.abc import Mapping

from msgspec import Struct, field

from orders.graph import Identity, Row
from orders.view import View, replaced, shows_otherwise


class Drained(Struct):
    """What several transactions together changed in the graph. A row of None is gone; `subjects` as in revisions."""

    rows: dict[Identity, Row | None] = field(default_factory=dict)
    subjects: set[str] = field(default_factory=set)

    def take(self, changed: Mapping[Identity, Row | None]) -> None:
        """Of one more tree; what left one tree may have come into another."""
        for identity, row in changed.items():
            if row is not None or identity not in self.rows:
                self.rows[identity] = row


class UnshowableError(Exception):
    """Rows of a tree cannot be made although its states could be worked out. A thorough fold rejects the change."""


def differs(old: View, new: View) -> bool:
    try:
        return shows_otherwise(old, new)
    except Exception as error:
        raise UnshowableError from error


def difference(old: View, new: View) -> dict[Identity, Row | None]:
    """Rows that are new or other, and None for those that are gone."""
    try:
        before, after = replaced(old, new)
    except Exception as error:
        raise UnshowableError from error
    found: dict[Identity, Row | None] = {identity: None for identity in before if identity not in after}
    for identity, row in after.items():
        known = before.get(identity)
        if known is not row and known != row:
            found[identity] = row
    return found

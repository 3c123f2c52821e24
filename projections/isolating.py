"""A transaction that Postgres refuses: which of its changes are at fault is found out by trying, by halves."""

from collections.abc import Sequence

import asyncpg

from cdc.change import Change, Position, Transaction
from projections.intake import Refusals
from projections.projector import Advanced, AlreadySeen, Fenced, Projector, Result

POISON = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.CardinalityViolationError,
)
"""Errors that will come again with the same data, whatever is done."""


def is_poison(error: asyncpg.PostgresError) -> bool:
    return isinstance(error, POISON)


async def project_or_isolate(projector: Projector, batch: Sequence[Transaction]) -> Result:
    """A batch that Postgres refuses is tried transaction by transaction; the changes at fault become dead letters."""
    try:
        return await projector.project(batch)
    except asyncpg.PostgresError as error:
        if not is_poison(error):
            raise
    result: Result = AlreadySeen()
    for transaction in batch:
        result = await project_one(projector, transaction)
        if isinstance(result, Fenced):
            break
    return result if isinstance(result, Fenced) else Advanced(list(projector.checkpoints.values()), 0)


async def project_one(projector: Projector, transaction: Transaction) -> Result:
    """The transaction but for the changes that Postgres refuses, which become dead letters."""
    try:
        return await projector.project([transaction])
    except asyncpg.PostgresError as error:
        if not is_poison(error):
            raise
        changes = [change for change in transaction.changes if isinstance(change, Change)]
        guilty = await Search(projector, transaction, str(error)).guilty(changes, [])
    return await projector.project([transaction], guilty)


class Search:
    """Tries the transaction without some of its changes, and leaves nothing behind."""

    def __init__(self, projector: Projector, transaction: Transaction, reason: str) -> None:
        self._projector, self._transaction, self._reason = projector, transaction, reason

    async def guilty(self, suspects: Sequence[Change], without: Sequence[Change]) -> Refusals:
        """As few of the suspects as it takes, when the changes `without` are left out too."""
        if len(suspects) == 1:
            return self._refusals(suspects)
        half = len(suspects) // 2
        for part in (suspects[:half], suspects[half:]):
            if await self._passes([*part, *without]):
                return await self.guilty(part, without)
        first = await self.guilty(suspects[:half], [*suspects[half:], *without])
        found = [change for change in suspects[:half] if change.position in first]
        return {**first, **await self.guilty(suspects[half:], [*found, *without])}

    async def _passes(self, left_out: Sequence[Change]) -> bool:
        try:
            await self._projector.project([self._transaction], self._refusals(left_out), trial=True)
        except asyncpg.PostgresError as error:
            if not is_poison(error):
                raise
            self._reason = str(error)
            return False
        return True

    def _refusals(self, changes: Sequence[Change]) -> dict[Position, str]:
        return dict.fromkeys((change.position for change in changes), self._reason)

"""Dead letters as they are stored: written, and resolved when what they waited for has come."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cdc.change import Change, Position, Transaction
from orders.facts import Doc
from projections.batch import Batch, DeadLetter
from projections.burying import underivable
from projections.database import SQL, Connection, columns
from projections.text import doc_text, ident_text, text_doc
from projections.writer import json_text


class Letters:
    """Those of one graph. Costs nothing while none is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open = False

    async def start(self) -> set[Doc]:
        """Look whether any is open; the trees of which the last snapshot could show nothing."""
        row = await self._connection.fetchrow(SQL["open_letters"])
        assert row is not None
        self._open = bool(row["open"])
        return {text_doc(doc) for doc in row["docs"] or ()}

    async def write(self, batch: Batch) -> None:
        """The batch's own; then resolve those whose rows it told anew."""
        await self._put(batch.dead)
        await self.mended(batch.mended)
        if self._open:
            applied = [entry.change for entry in batch.ledger if entry.outcome == "applied"]
            if applied:
                await self.supersede(applied)

    async def supersede(self, applied: Sequence[Change]) -> None:
        """Letters of the rows of these changes that came before them."""
        rows = [(c.source, c.table, json_text(c.key), *c.position) for c in applied]
        await self._connection.execute(SQL["supersede_letters"], *columns(rows, 6))

    async def end_snapshot(self, last: Transaction, missing: Collection[Doc]) -> None:
        """What the snapshot brought replaces what waited; `missing` are trees of which it could show nothing."""
        await self._connection.execute(SQL["supersede_by_snapshot"], last.source, last.position.epoch)
        await self._put([underivable(last.source, last.position, doc) for doc in missing])

    async def made_anew(self, reached: Mapping[str, Position], missing: Collection[Doc]) -> None:
        """A rebuild could show nothing of the trees `missing`, and all of the others; `reached` are the checkpoints."""
        waiting = await self.start()
        await self.mended(waiting - set(missing))
        new = [doc for doc in missing if doc not in waiting]
        await self._put([underivable(doc.source, reached[doc.source], doc) for doc in new])

    async def mended(self, trees: Collection[Doc]) -> None:
        """Something can be derived of them again."""
        if trees:
            await self._connection.execute(SQL["mend_letters"], [doc_text(doc) for doc in trees])

    async def _put(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            self._open = True
            await self._connection.execute(SQL["put_dead_letters"], *columns([_row(each) for each in letters], 12))


def _row(letter: DeadLetter) -> tuple[Any, ...]:
    doc = doc_text(letter.doc) if letter.doc else None
    ident = ident_text(letter.ident) if letter.ident else None
    head = (letter.source, *letter.position, letter.table, letter.op, letter.key, letter.raw)
    return (*head, letter.kind.value, letter.reason, doc, ident)

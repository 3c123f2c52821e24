"""What has changed: each subject's revision, asked for many callers at once."""

import asyncio
from collections.abc import Iterable, Mapping

from gateway.lanes import Lanes
from gateway.statements import SQL

Revisions = Mapping[str, int]
"""Subject → the Postgres transaction that changed it last; a subject that nothing has changed yet has none."""


class Asking:
    """Callers who wait while a statement is under way share the next one, which begins after all of them came.

    So what they learn is never older than their question.
    """

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._waiting: list[tuple[Iterable[str], asyncio.Future[Revisions]]] = []
        self._task: asyncio.Task[None] | None = None

    async def of(self, subjects: Iterable[str]) -> Revisions:
        """Raises what Postgres raises."""
        future: asyncio.Future[Revisions] = asyncio.get_running_loop().create_future()
        self._waiting.append((subjects, future))
        if self._task is None:
            self._task = asyncio.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._ask(waiting)
        finally:
            self._task = None

    async def _ask(self, waiting: list[tuple[Iterable[str], asyncio.Future[Revisions]]]) -> None:
        try:
            subjects = {subject for asked, _ in waiting for subject in asked}
            rows = await self._lanes.rows(SQL["revisions"], list(subjects))
            found = {row[0]: row[1] for row in rows}
        except Exception as error:
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
        else:
            for _, future in waiting:
                if not future.done():
                    future.set_result(found)

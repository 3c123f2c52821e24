"""What has changed: each subject's revision, asked for many callers at once."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from gateway.lanes import Lanes
from gateway.statements import SQL

Revisions = Mapping[str, int]
"""Subject → the Postgres transaction that changed it last; a subject that nothing has changed yet has none."""
Told = Callable[["Revisions | Exception"], None]
"""Called once, with what Postgres answered or raised. Raises nothing."""


class Asking:
    """Callers who wait while a statement is under way share the next one, which begins after all of them came.

    So what they learn is never older than their question.
    """

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._waiting: list[tuple[Iterable[str], Told]] = []
        self._task: asyncio.Task[None] | None = None

    def ask(self, subjects: Iterable[str], tell: Told) -> None:
        self._waiting.append((subjects, tell))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())

    async def of(self, subjects: Iterable[str]) -> Revisions:
        """Raises what Postgres raises."""
        future: asyncio.Future[Revisions] = asyncio.get_running_loop().create_future()

        def tell(found: Revisions | Exception) -> None:
            if future.done():
                return
            if isinstance(found, Exception):
                future.set_exception(found)
            else:
                future.set_result(found)

        self.ask(subjects, tell)
        return await future

    async def _serve(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._ask(waiting)
        finally:
            self._task = None

    async def _ask(self, waiting: list[tuple[Iterable[str], Told]]) -> None:
        found: Revisions | Exception
        try:
            subjects = {subject for asked, _ in waiting for subject in asked}
            rows = await self._lanes.rows(SQL["revisions"], list(subjects))
            found = {row[0]: row[1] for row in rows}
        except Exception as error:
            found = error
        for _, tell in waiting:
            tell(found)

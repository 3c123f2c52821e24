"""Has topics filled again where they do not hold on: once for each loss, and tried until it is done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from cdc.database import CapturedDatabase
from cdc.pauses import Pauses
from cdc.topic import Loss

_log = logging.getLogger(__name__)

Mend = Callable[[CapturedDatabase, Loss], Awaitable[None]]
"""Sees to it that the records come once more."""


class Menders:
    """Without a `mend` a loss is only told."""

    def __init__(self, mend: Mend | None) -> None:
        self._mend = mend
        self._begun: dict[str, tuple[Loss, asyncio.Task[None]]] = {}

    def care(self, database: CapturedDatabase, loss: Loss) -> None:
        """One that is at work is never broken off, as that could leave a connector stopped."""
        known, mender = self._begun.get(database.name, (None, None))
        if loss is known or (mender is not None and not mender.done()):
            return
        _log.error("%s: %s", database.where, loss.reason)
        self._begun[database.name] = loss, asyncio.create_task(self._keep_mending(database, loss))

    def stop(self) -> None:
        """Whatever is left undone then is found to be lost again at the next start."""
        for _, mender in self._begun.values():
            mender.cancel()

    async def _keep_mending(self, database: CapturedDatabase, loss: Loss) -> None:
        pauses, told = Pauses(), ""
        while self._mend is not None:
            pauses.begin()
            try:
                await self._mend(database, loss)
                return
            except Exception as error:
                if str(error) != told:
                    told = str(error)
                    _log.error("%s: its topic cannot be filled again yet: %s", database.where, told)
            await pauses.wait()

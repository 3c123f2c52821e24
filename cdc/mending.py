"""Has topics filled again where they do not hold on: once for each loss, and tried until it is done."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Final, Protocol

from aiokafka.errors import KafkaError

from cdc.kinds import Captured
from cdc.pauses import Pauses
from cdc.topic import Loss
from orders.errors import MilepostError

_log = logging.getLogger(__name__)

_LOOK_EVERY: Final = 5.0
"""Seconds between two looks at a connector."""


class Filler(Protocol):
    """Whoever rules the connectors."""

    async def fill(self, database: Captured, loss: Loss) -> None:
        """See to it that the records come once more."""
        ...

    async def stuck(self, database: Captured) -> Loss | None:
        """Why a connector will never go on by itself, if it will not; its topic does not show it."""
        ...


class Menders:
    """Without a `filler` a loss is only told."""

    def __init__(self, filler: Filler | None) -> None:
        self._filler = filler
        self._begun: dict[str, tuple[Loss, asyncio.Task[None]]] = {}
        self._looks: dict[str, tuple[float, asyncio.Task[None]]] = {}

    def look(self, database: Captured) -> None:
        """Now and then, without waiting, whether its connector is stuck."""
        looked, look = self._looks.get(database.name, (-_LOOK_EVERY, None))
        if (look is None or look.done()) and time.monotonic() - looked >= _LOOK_EVERY:
            self._looks[database.name] = time.monotonic(), asyncio.create_task(self._look(database))

    async def _look(self, database: Captured) -> None:
        # That workers, broker or source do not answer is told to whoever asks how connectors do.
        with suppress(MilepostError, KafkaError, OSError):
            if self._filler and (loss := await self._filler.stuck(database)):
                self.care(database, loss)

    def care(self, database: Captured, loss: Loss) -> None:
        """One that is at work is never broken off, as that could leave a connector stopped."""
        known, mender = self._begun.get(database.name, (None, None))
        if loss is known or (mender is not None and not mender.done()):
            return
        _log.error("%s: %s", database.where, loss.reason)
        self._begun[database.name] = loss, asyncio.create_task(self._keep_mending(database, loss))

    def stop(self) -> None:
        """Whatever is left undone then is found to be lost again at the next start."""
        for _, task in (*self._begun.values(), *self._looks.values()):
            task.cancel()

    async def _keep_mending(self, database: Captured, loss: Loss) -> None:
        pauses, told = Pauses(), ""
        while self._filler is not None:
            pauses.begin()
            try:
                await self._filler.fill(database, loss)
                return
            except Exception as error:
                if str(error) != told:
                    told = str(error)
                    _log.error("%s: its topic cannot be filled again yet: %s", database.where, told)
            await pauses.wait()

"""How long to wait before something is tried again."""

import asyncio
import random
import time
from typing import Final

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
_HEALTHY: Final = 5.0
"""Seconds; what lived longer than this starts again without the pauses of what came before."""


class Pauses:
    """How long to wait before the next try: longer each time, unless the last one lived."""

    def __init__(self) -> None:
        self._next, self._began = _FIRST_PAUSE, 0.0

    def begin(self) -> None:
        self._began = time.monotonic()

    async def wait(self) -> None:
        if time.monotonic() - self._began > _HEALTHY:
            self._next = _FIRST_PAUSE
        pause, self._next = self._next, min(self._next * 2, _LONGEST_PAUSE)
        await asyncio.sleep(pause * random.uniform(0.75, 1.25))

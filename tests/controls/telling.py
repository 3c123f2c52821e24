"""Somebody who tells orders' pasts, as a projector does beside its work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from projections.historian import answer_for_ever
from tests.controls import projecting
from tests.controls.story import MAPPINGS


@asynccontextmanager
async def telling(dsn: str) -> AsyncIterator[None]:
    task = asyncio.create_task(answer_for_ever(partial(projecting.connected, dsn), MAPPINGS))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

"""What readers of an order are told while a source of it is not read, and once it is again."""

import asyncio
from pathlib import Path
from typing import Any

from tests.controls.milepost import MILEPOST, Milepost

ORDER = "query ($n: String) { order(number: $n) { lines { line } freshness { source stale } } }"
SOURCES = "{ sources { name state slot advice healedReason } }"


async def shown(whole: Milepost, number: int) -> Any:
    return (await whole.client.ask(ORDER, n=str(number)))["order"]


async def is_stale(whole: Milepost, number: int) -> bool | None:
    """What a reader of the order is told; None while there is none."""
    order = await shown(whole, number)
    return order and any(each["stale"] for each in order["freshness"])


async def fresh(whole: Milepost, number: int) -> bool:
    return await is_stale(whole, number) is False


async def healed(whole: Milepost, number: int, *lines: str) -> bool:
    """Whether the order has these lines, and nothing of it is stale."""
    order = await shown(whole, number)
    return [each["line"] for each in order["lines"]] == [*lines] and not any(e["stale"] for e in order["freshness"])


async def sources(whole: Milepost) -> dict[str, Any]:
    return {each["name"]: each for each in (await whole.client.ask(SOURCES))["sources"]}


async def told(data: Path) -> str:
    """What `milepost sources` says."""
    process = await asyncio.create_subprocess_exec(
        *MILEPOST, "sources", "--data", str(data), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return said.decode()

"""The worker process: `python -m app.worker --data DIR`. It keeps house, too: what is old leaves ledger and feed."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from adapters import registry
from app.children import ready, run_child
from app.retention import keep_house
from app.settings import Settings, SourceSettings
from commands.ports import OrderHolds
from commands.worker import Worker


async def work(data: Path) -> None:
    """Run commands until SIGTERM or Ctrl-C. Raises StartError."""
    settings = Settings.load(data)
    holds = writable(settings.sources)
    worker = Worker(settings.graph_dsn, holds)
    keeping = asyncio.create_task(keep_house(settings.graph_dsn, settings.retention))
    try:
        await worker.run(_stop(), partial(ready, f"writes to {', '.join(holds) or 'nothing'}"))
    finally:
        keeping.cancel()


def writable(sources: tuple[SourceSettings, ...]) -> Mapping[str, OrderHolds]:
    """The way to each source that has an access to write and an adapter that uses it. Raises StartError."""
    ways = {source.name: registry.holds(source.adapter, source.write_dsn) for source in sources if source.write_dsn}
    return {name: way for name, way in ways.items() if way}


def _stop() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.worker", description="Runs accepted commands.")
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run_child(partial(work, arguments.data))


if __name__ == "__main__":
    main()

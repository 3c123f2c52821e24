"""What all commands share: the parser, the parameters that many have, and how a command ends."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from app.folder import default_folder
from app.settings import MOST_WORKERS, Config, Settings, read_config
from orders.errors import MilepostError, StartError

app = App(name="milepost", help="One live order graph over a distributor's ERP, its 3PLs and its carriers.")

Data = Annotated[Path | None, Parameter(help="The data folder; the default is this user's data folder.")]
Demo = Annotated[bool, Parameter(negative="")]
Port = Annotated[int | None, Parameter(help="The port of the GraphQL gateway.")]
WorkerCount = Annotated[
    int | None, Parameter(name="--workers", help="Gateway processes on that port; 1 unless milepost.toml says more.")
]
ConfigFile = Annotated[Path | None, Parameter(name="--config", help="milepost.toml, which names the sources.")]


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # the command line's output


def configured(config: Path | None, port: int | None, workers: int | None, production: bool | None = None) -> Config:
    """What the command line says comes before what the file says. Raises StartError."""
    found = read_config(config) if config else Config()
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise StartError(f"--workers {workers}: choose 1 to {MOST_WORKERS}")
    given = {"port": port, "workers": workers, "production": production}
    return msgspec.structs.replace(found, **{name: value for name, value in given.items() if value is not None})


def folder(data: Path | None, demo: bool) -> Path:
    from app.demo import demo_folder

    return demo_folder(data) if demo else (data or default_folder())


def graph_dsn(data: Path | None, demo: bool) -> str:
    """Of the installation in that folder. Raises StartError."""
    return Settings.load(folder(data, demo)).graph_dsn


def finish(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Errors of the installation and of the caller are one line and exit code 2."""
    try:
        asyncio.run(main())
    except* StartError as errors:
        fail(errors)
    except* MilepostError as errors:
        fail(errors)


def fail(errors: BaseExceptionGroup[MilepostError]) -> None:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    print(f"milepost: {first}", file=sys.stderr)  # noqa: T201
    sys.exit(2)

"""What all commands share: the parser, the parameters that many have, and how a command ends."""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from app.cli.stopping import run
from app.folder import default_folder
from app.settings import MOST_WORKERS, Config, Settings, read_config
from orders.errors import StartError

app = App(name="milepost", help="One live order graph over a distributor's ERP, its 3PLs and its carriers.")

Data = Annotated[Path | None, Parameter(help="The data folder; the default is this user's data folder.")]
Demo = Annotated[bool, Parameter(help="In the demo's data folder.", negative="")]
Json = Annotated[bool, Parameter(help="As JSON.", negative="")]
Above0 = Parameter(validator=Number(gt=0))
Port = Annotated[int | None, Parameter(help="The port of the GraphQL gateway.", validator=Number(gte=0, lte=65535))]
WorkerCount = Annotated[
    int | None, Parameter(name="--workers", help="Gateway processes on that port; 1 unless milepost.toml says more.")
]
ConfigFile = Annotated[Path | None, Parameter(name="--config", help="milepost.toml, which names the sources.")]


def say(text: str) -> None:
    """No objects, as JSON a line each, are no line."""
    if text:
        print(text, flush=True)  # noqa: T201  # the command line's output


def say_aside(line: str) -> None:
    """What is not the answer."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


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


def finish(main: Callable[[], Coroutine[Any, Any, None]], data: Path | None = None) -> None:
    """An error of the installation or the caller is one line and exit code 2, and so is a graph that is away. As `run`.

    `data` is the folder whose graph is asked.
    """
    try:
        run(main)
    except Exception as error:
        from app.cli.failing import line_of

        if (line := line_of(error, data)) is None:
            raise
        say_aside(f"milepost: {line}")
        sys.exit(2)


def over_graph(data: Path | None, demo: bool, ask: Callable[[Settings], Coroutine[Any, Any, str]]) -> None:
    """Say what comes of it."""

    async def main() -> None:
        say(await ask(Settings.load(found)))

    found = folder(data, demo)
    finish(main, found)

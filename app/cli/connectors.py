"""`milepost connect`: the connectors on Kafka Connect."""

import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from app.cli.common import ConfigFile, app, finish, say
from app.settings import read_config

if TYPE_CHECKING:
    from app.connectors import Connector, Connectors
    from cdc.kinds import Captured

connect = App(name="connect", help="The connectors that bring the sources' changes into Kafka.")
app.command(connect)


@connect.command(name="apply")
def apply_connectors(*sources: str, config: ConfigFile = None) -> None:
    """Put the sources' connectors into Kafka Connect, and wait until they read."""
    each_connector(config, sources, lambda connectors, database: connectors.apply(database))


@connect.command(name="status")
def connectors_status(*sources: str, config: ConfigFile = None) -> None:
    """What each connector does, and the first cause of what is wrong. Exit code 1 when one does not read."""
    each_connector(config, sources, lambda connectors, database: connectors.status(database))


@connect.command(name="restart")
def restart_connectors(
    *sources: str,
    snapshot: Annotated[bool, Parameter(help="Begin with a snapshot of the source.", negative="")] = False,
    config: ConfigFile = None,
) -> None:
    """Start connectors and their tasks anew, and wait until they read."""
    each_connector(config, sources, lambda connectors, database: connectors.restart(database, snapshot=snapshot))


def each_connector(
    config: Path | None,
    names: Sequence[str],
    act: "Callable[[Connectors, Captured], Coroutine[Any, Any, Connector]]",
) -> None:
    from app.connectors import chosen, connectors_text

    async def main() -> None:
        connectors, databases = chosen(read_config(config or Path("milepost.toml")), names)
        found = [await act(connectors, database) for database in databases]
        say(connectors_text(found))
        if not all(connector.reads for connector in found):
            sys.exit(1)

    finish(main)

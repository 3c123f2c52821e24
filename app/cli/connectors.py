"""`milepost connect`: the connectors on Kafka Connect."""

import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from app.cli.common import ConfigFile, Json, app, finish, say, to_json
from app.settings import read_config

if TYPE_CHECKING:
    from app.connectors import Connector, Connectors
    from cdc.kinds import Captured

connect = App(name="connect", help="The connectors that bring the sources' changes into Kafka.")
app.command(connect)


@connect.command(name="apply")
def apply_connectors(*sources: str, json: Json = False, config: ConfigFile = None) -> None:
    """Put the sources' connectors into Kafka Connect, and wait until they read.

    Exit code 1 when one does not. As JSON it is an object a line.
    """
    each_connector(config, sources, json, lambda connectors, database: connectors.apply(database))


@connect.command(name="status")
def connectors_status(*sources: str, json: Json = False, config: ConfigFile = None) -> None:
    """What each connector does, and the first cause of what is wrong.

    Exit code 1 when one does not read. As JSON it is an object a line.
    """
    each_connector(config, sources, json, lambda connectors, database: connectors.status(database))


@connect.command(name="restart")
def restart_connectors(
    *sources: str,
    snapshot: Annotated[bool, Parameter(help="Begin with a snapshot of the source.", negative="")] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Start connectors and their tasks anew, and wait until they read.

    Exit code 1 when one does not. As JSON it is an object a line.
    """
    each_connector(config, sources, json, lambda connectors, database: connectors.restart(database, snapshot=snapshot))


def each_connector(
    config: Path | None,
    names: Sequence[str],
    json: bool,
    act: "Callable[[Connectors, Captured], Coroutine[Any, Any, Connector]]",
) -> None:
    from app.connectors import chosen, connectors_text

    async def main() -> None:
        connectors, databases = chosen(read_config(config or Path("milepost.toml")), names)
        found = [await act(connectors, database) for database in databases]
        say("\n".join(to_json(each.told) for each in found) if json else connectors_text(found))
        if not all(connector.reads for connector in found):
            sys.exit(1)

    finish(main)

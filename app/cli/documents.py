"""`milepost documents`: the trusted ones."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from app.cli.common import Data, Demo, app, over_graph
from app.settings import Settings

documents = App(name="documents", help="Trusted documents, which clients may ask for by their id.")
app.command(documents)


@documents.command(name="sync")
def sync_documents(
    path: Annotated[Path, Parameter(help="A folder with *.graphql, such a file, or a manifest of Relay or Apollo.")],
    *,
    prune: Annotated[bool, Parameter(help="Withdraw all others.", negative="")] = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Store documents by the SHA-256 of their text; running gateways know them within seconds."""
    from app.documents import read_documents, sync, synced_text

    async def ask(settings: Settings) -> str:
        return synced_text(await sync(settings.graph_dsn, read_documents(path), prune=prune))

    over_graph(data, demo, ask)

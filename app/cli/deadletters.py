"""`milepost deadletters`: changes that nobody could use."""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from app.cli.common import Data, Demo, Json, app, finish, folder, over_graph, say, to_json
from app.settings import Settings

deadletters = App(name="deadletters", help="Changes that nobody could use, and what to do about them.")
app.command(deadletters)

Source = Annotated[str | None, Parameter(help="Of this source.")]


@deadletters.command(name="list")
def list_letters(
    *,
    source: Source = None,
    order: Annotated[str | None, Parameter(help="For which this order waits.")] = None,
    all: Annotated[bool, Parameter(help="Those too that wait no more.", negative="")] = False,  # noqa: A002
    json: Json = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Those that wait, the oldest first. As JSON it is an object a line."""
    from app.deadletters import letters_text

    async def ask(settings: Settings) -> str:
        return await letters_text(settings.graph_dsn, source, order, resolved=all, json=json)

    over_graph(data, demo, ask)


@deadletters.command(name="show")
def show_letter(ident: int, /, *, json: Json = False, data: Data = None, demo: Demo = False) -> None:
    """One of them, with its bytes and what was asked about it."""
    from app.deadletters import letter_text

    async def ask(settings: Settings) -> str:
        return await letter_text(settings.graph_dsn, ident, json=json)

    over_graph(data, demo, ask)


@deadletters.command(name="replay")
def replay_letters(
    *idents: int,
    dry_run: Annotated[bool, Parameter(help="Only tell what would change in the graph.", negative="")] = False,
    note: Annotated[str | None, Parameter(help="Why.")] = None,
    json: Json = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Try them again. Exit code 1 when one still cannot be used."""
    from app.deadletters import all_used, replay, replayed_text

    async def main() -> None:
        done = await replay(Settings.load(data_folder).graph_dsn, idents, note, dry_run=dry_run)
        say(to_json(done) if json else replayed_text(done))
        if not all_used(done):
            sys.exit(1)

    data_folder = folder(data, demo)
    finish(main, data_folder)


@deadletters.command(name="discard")
def discard_letters(
    *idents: int,
    note: Annotated[str, Parameter(help="Why.")],
    json: Json = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Give them up: nobody waits for them any more; their bytes stay."""
    from app.deadletters import discard, discarded_text

    async def ask(settings: Settings) -> str:
        done = await discard(settings.graph_dsn, idents, note)
        return to_json(done) if json else discarded_text(done)

    over_graph(data, demo, ask)

"""`milepost deadletters`: changes that nobody could use."""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from app.cli.common import Data, Demo, app, finish, graph_dsn, say

deadletters = App(name="deadletters", help="Changes that nobody could use, and what to do about them.")
app.command(deadletters)

Source = Annotated[str | None, Parameter(help="Of this source.")]
Json = Annotated[bool, Parameter(help="As JSON.", negative="")]


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
    """Those that wait, the oldest first."""
    from app.deadletters import letters_text

    async def main() -> None:
        dsn = graph_dsn(data, demo)
        say(await letters_text(dsn, source, order, resolved=all, json=json))

    finish(main)


@deadletters.command(name="show")
def show_letter(ident: int, /, *, data: Data = None, demo: Demo = False) -> None:
    """One of them, with its bytes and what was asked about it."""
    from app.deadletters import letter_text

    async def main() -> None:
        say(await letter_text(graph_dsn(data, demo), ident))

    finish(main)


@deadletters.command(name="replay")
def replay_letters(
    *idents: int,
    dry_run: Annotated[bool, Parameter(help="Only tell what would change in the graph.", negative="")] = False,
    note: Annotated[str | None, Parameter(help="Why.")] = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Try them again. Exit code 1 when one still cannot be used."""
    from app.deadletters import replay

    async def main() -> None:
        told, done = await replay(graph_dsn(data, demo), idents, note, dry_run=dry_run)
        say(told)
        if not done:
            sys.exit(1)

    finish(main)


@deadletters.command(name="discard")
def discard_letters(
    *idents: int,
    note: Annotated[str, Parameter(help="Why.")],
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Give them up: nobody waits for them any more; their bytes stay."""
    from app.deadletters import discard

    async def main() -> None:
        say(await discard(graph_dsn(data, demo), idents, note))

    finish(main)

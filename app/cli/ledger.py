"""`milepost ledger`, `rebuild` and `snapshot`: what is kept, what leaves, and the graph that is made of it anew."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from app.cli.common import Data, Demo, Json, app, finish, folder, over_graph, say, say_aside, to_json
from app.settings import Settings
from orders.errors import RejectedError

if TYPE_CHECKING:
    from app.rebuilding import Done


@app.command
def rebuild(
    *,
    dry_run: Annotated[bool, Parameter(help="Only tell which orders would be shown otherwise.", negative="")] = False,
    drop_old: Annotated[bool, Parameter(help="Drop the graph from before the last rebuild.", negative="")] = False,
    order: Annotated[list[str] | None, Parameter(help="This order alone. Repeatable.", negative="")] = None,
    table: Annotated[
        str | None, Parameter(help="SOURCE.TABLE: the orders alone that have facts of this table.")
    ] = None,
    snapshot: Annotated[str | None, Parameter(help="Read this source anew instead, by a new snapshot.")] = None,
    workers: Annotated[
        int | None,
        Parameter(
            help="Processes that do it; one more than there are cores, or 0 for this one alone.",
            validator=Number(gte=0),
        ),
    ] = None,
    json: Annotated[bool, Parameter(help="As JSON, and all else to stderr.", negative="")] = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Make the graph anew from its ledger, with the mappings as they are now, while all goes on.

    Exit code 1 when nothing can be derived of something.
    """
    from app.rebuilding import Done, corrected, dropped, read_anew, rebuilt

    async def ask(settings: Settings) -> Done:
        one_of(dry_run, {"--drop-old": drop_old, "--snapshot": snapshot, "--order or --table": order or table})
        if drop_old:
            return await dropped(settings)
        if snapshot:
            return await read_anew(settings, snapshot, tell)
        if order or table:
            return await corrected(settings, order or (), table, tell, dry_run=dry_run)
        return await rebuilt(settings, tell, dry_run=dry_run, workers=workers)

    tell = say_aside if json else say
    do(data, demo, json, ask)


@app.command
def snapshot(
    source: str,
    /,
    *,
    json: Annotated[bool, Parameter(help="As JSON, and all else to stderr.", negative="")] = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Read a source anew, as after a loss, and wait until the graph is made of what it brought.

    It is read whole: a table alone is not. To read anew by another mapping what was captured before, `rebuild --table`.
    """
    from app.rebuilding import Done, read_anew

    async def ask(settings: Settings) -> Done:
        return await read_anew(settings, source, say_aside if json else say)

    do(data, demo, json, ask)


def do(data: Path | None, demo: bool, json: bool, ask: "Callable[[Settings], Awaitable[Done]]") -> None:
    async def main() -> None:
        done = await ask(Settings.load(found))
        say(to_json(done) if json else done.text)
        if not done.well:
            sys.exit(1)

    found = folder(data, demo)
    finish(main, found)


def one_of(dry_run: bool, wishes: Mapping[str, object]) -> None:
    """Raises RejectedError for wishes that one command cannot grant together."""
    wished = [name for name, value in wishes.items() if value]
    if len(wished) > 1:
        raise RejectedError(f"{' and '.join(wished)} are different things: ask for one at a time")
    if dry_run and wished and wished[0] in ("--drop-old", "--snapshot"):
        raise RejectedError(f"nothing can tell beforehand what comes of {wished[0]}: leave out --dry-run")


ledger = App(name="ledger", help="Ledger and feed: what they hold, and what leaves them.")
app.command(ledger)

Age = Annotated[str | None, Parameter(help="Partitions that are all older, such as 90d or 12h.")]
Size = Annotated[str | None, Parameter(help="The oldest partitions, while all together are larger, such as 20GB.")]


@ledger.command(name="list")
def list_partitions(*, json: Json = False, data: Data = None, demo: Demo = False) -> None:
    """The partitions, of when they are, and how large. As JSON it is an object a line."""
    from app.retention import listed, listed_text

    async def ask(settings: Settings) -> str:
        found = await listed(settings.graph_dsn)
        return "\n".join(map(to_json, found)) if json else listed_text(found)

    over_graph(data, demo, ask)


@ledger.command(name="prune")
def prune_ledger(
    *,
    older_than: Age = None,
    larger_than: Size = None,
    feed_older_than: Annotated[str | None, Parameter(help="The same for the feed.")] = None,
    dry_run: Annotated[bool, Parameter(help="Only tell what would go.", negative="")] = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Drop old partitions; all that replay and verify need of them is kept. The newest partition never goes."""
    from app.retention import Limits, age, pruned_text, size
    from projections.partitions import Table

    async def ask(settings: Settings) -> str:
        if older_than is None and larger_than is None and feed_older_than is None:
            raise RejectedError("say what may go: --older-than, --larger-than or --feed-older-than")
        limits = {Table.LEDGER: Limits(age(older_than), size(larger_than)), Table.FEED: Limits(age(feed_older_than))}
        return await pruned_text(settings.graph_dsn, limits, dry_run=dry_run)

    over_graph(data, demo, ask)


@ledger.command(name="export")
def export_ledger(
    *,
    to: Annotated[Path, Parameter(help="The folder that the files go into.")],
    format: Annotated[  # noqa: A002
        Literal["jsonl", "parquet"], Parameter(help="JSON lines with zstd, or Parquet, which needs milepost[parquet].")
    ] = "jsonl",
    table: Annotated[Literal["ledger", "feed"], Parameter(help="Which of the two.")] = "ledger",
    older_than: Age = None,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Write partitions to files, one each; without --older-than all of them."""
    from app.exporting import Format
    from app.retention import Limits, age, exported_text
    from projections.partitions import Table

    async def ask(settings: Settings) -> str:
        return await exported_text(settings.graph_dsn, Table(table), Limits(age(older_than)), to, Format(format))

    over_graph(data, demo, ask)

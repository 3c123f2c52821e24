"""`milepost ledger` and `milepost rebuild`: what is kept, what leaves, and the graph that is made of it anew."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from app.cli.common import Data, Demo, app, finish, folder, graph_dsn, say
from app.settings import Settings
from orders.errors import RejectedError


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
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Make the graph anew from its ledger, with the mappings as they are now, while all goes on."""
    from app.rebuilding import drop_text, mended_text, read_anew_text, rebuilt_text

    async def main() -> None:
        settings = Settings.load(folder(data, demo))
        if drop_old:
            say(await drop_text(settings))
        elif snapshot:
            say(await read_anew_text(settings, snapshot, say))
        elif order or table:
            say(await mended_text(settings, order or (), table, say, dry_run=dry_run))
        else:
            say(await rebuilt_text(settings, say, dry_run=dry_run))

    finish(main)


ledger = App(name="ledger", help="Ledger and feed: what they hold, and what leaves them.")
app.command(ledger)

Age = Annotated[str | None, Parameter(help="Partitions that are all older, such as 90d or 12h.")]
Size = Annotated[str | None, Parameter(help="The oldest partitions, while all together are larger, such as 20GB.")]


@ledger.command(name="list")
def list_partitions(*, data: Data = None, demo: Demo = False) -> None:
    """The partitions, of when they are, and how large."""
    from app.retention import listed_text

    async def main() -> None:
        say(await listed_text(graph_dsn(data, demo)))

    finish(main)


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

    async def main() -> None:
        if older_than is None and larger_than is None and feed_older_than is None:
            raise RejectedError("say what may go: --older-than, --larger-than or --feed-older-than")
        limits = {Table.LEDGER: Limits(age(older_than), size(larger_than)), Table.FEED: Limits(age(feed_older_than))}
        say(await pruned_text(graph_dsn(data, demo), limits, dry_run=dry_run))

    finish(main)


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

    async def main() -> None:
        dsn = graph_dsn(data, demo)
        say(await exported_text(dsn, Table(table), Limits(age(older_than)), to, Format(format)))

    finish(main)

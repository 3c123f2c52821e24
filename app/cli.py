"""The command `milepost`."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from adapters.origins import DirectSource
from app.folder import default_folder
from app.settings import MOST_WORKERS, Config, Settings, read_config
from orders.errors import MilepostError, RejectedError, StartError

if TYPE_CHECKING:
    from app.connectors import Connector, Connectors
    from cdc.database import CapturedDatabase

app = App(name="milepost", help="One live order graph over a distributor's ERP, its 3PLs and its carriers.")

Data = Annotated[Path | None, Parameter(help="The data folder; the default is this user's data folder.")]
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


@app.command
def up(
    *,
    config: ConfigFile = None,
    data: Data = None,
    port: Port = None,
    workers: WorkerCount = None,
    production: Annotated[
        bool | None, Parameter(help="No GraphiQL, introspection or suggestions, as `production = true`.", negative="")
    ] = None,
) -> None:
    """Run Milepost over the sources of milepost.toml until Ctrl-C."""
    from app.runtime import running

    async def main() -> None:
        found = configured(config or Path("milepost.toml"), port, workers, production)
        async with running(data or default_folder(), found, say) as supervisor:
            say(supervisor.banner())
            await supervisor.wait()

    finish(main)


@app.command
def run(
    process: Literal["gateway", "projector", "worker"],
    *,
    config: ConfigFile = None,
    data: Data = None,
    port: Port = None,
) -> None:
    """Run one process of Milepost by itself, as containers do, until SIGTERM."""
    from app.runtime import prepared

    async def main() -> None:
        found = configured(config or Path("milepost.toml"), port, None)
        command.extend(await prepared(data or default_folder(), found, process))

    command: list[str] = []
    finish(main)
    os.execv(command[0], command)  # noqa: S606  # our own


@app.command
def demo(
    *,
    erp: Annotated[
        Literal["legacy", "tryton"], Parameter(help="tryton: a real ERP, in the dependency group of its name.")
    ] = "legacy",
    orders: Annotated[
        int | None, Parameter(help="How many orders the story has: 200, or 1 of Tryton's.", show_default=False)
    ] = None,
    rate: Annotated[float | None, Parameter(help="Orders a second (Tryton: steps); 2 unless --until-done.")] = None,
    seed: Annotated[int, Parameter(help="The same seed tells the same story.")] = 1,
    trouble: Annotated[
        list[str] | None,
        Parameter(help="NAME=RATE: how often life goes wrong, 0 to 1; all=0 is a calm one. Repeatable.", negative=""),
    ] = None,
    until_done: Annotated[bool, Parameter(help="End when the story is told and verified.", negative="")] = False,
    json: Annotated[bool, Parameter(help="Print the summary as JSON, and all else to stderr.", negative="")] = False,
    data: Data = None,
    port: Port = None,
    workers: WorkerCount = None,
) -> None:
    """Watch orders move through a legacy ERP and a 3PL's warehouse system, or through Tryton."""
    from app.demo import demo_folder, run_demo, summary_text, to_json
    from app.demo_tryton import run_tryton_demo, tryton_folder
    from demo.story import Story
    from demo.trouble import with_rates

    async def main() -> None:
        config, ending = configured(None, port, workers), until_done or json
        if erp == "tryton" and trouble:
            raise RejectedError("--trouble is for the legacy ERP's story; Tryton's has its one short pick")
        if erp == "tryton":
            found = await run_tryton_demo(
                tryton_folder(data),
                config,
                sales=1 if orders is None else orders,
                rate=rate or 0.5,
                until_done=ending,
                quiet=json,
            )
        else:
            story = Story(seed=seed, orders=200 if orders is None else orders, trouble=with_rates(trouble or ()))
            pace = rate if rate is not None or until_done else 2.0
            found = await run_demo(demo_folder(data), config, story, rate=pace, until_done=ending, quiet=json)
        if found is not None:
            say(to_json(found) if json else summary_text(found))
            if not found.verified:
                sys.exit(1)

    finish(main)


@app.command
def soak(
    *,
    minutes: Annotated[float, Parameter(help="How long faults strike.")] = 5.0,
    seed: Annotated[int, Parameter(help="The same seed brings the same orders and the same faults.")] = 1,
    rate: Annotated[float, Parameter(help="Orders a second.")] = 2.0,
    every: Annotated[float, Parameter(help="Seconds in which one fault strikes.")] = 3.0,
    json: Annotated[bool, Parameter(help="Print the report as JSON, and all else to stderr.", negative="")] = False,
    data: Annotated[Path | None, Parameter(help="An empty folder; else one that is made, and kept.")] = None,
) -> None:
    """Load a whole Milepost, kill its processes at random, and check that nothing was lost, doubled or changed."""
    from app.soak.run import Plan, report_text, soak_in

    async def main() -> None:
        report = await soak_in(data, Plan(seed, minutes, rate, every), quiet=json)
        say(msgspec.json.encode(report).decode() if json else report_text(report))
        if not report.holds:
            sys.exit(1)

    finish(main)


@app.command
def status(*, data: Data = None, demo: Annotated[bool, Parameter(negative="")] = False) -> None:
    """What runs, where, and how far each source is."""
    from app.statuses import status_text

    async def main() -> None:
        say(await status_text(folder(data, demo)))

    finish(main)


@app.command
def sources(*, data: Data = None, demo: Annotated[bool, Parameter(negative="")] = False) -> None:
    """How each source is, how far behind, what it keeps for Milepost, and what to do."""
    from app.sources import sources_text

    async def main() -> None:
        say(await sources_text(folder(data, demo)))

    finish(main)


@app.command
def verify(*, data: Data = None, demo: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Compare the graph with its ledger and with the sources. Exit code 1 when they differ."""
    from app.verifying import report
    from app.verifying import verify as verify_graph

    async def main() -> None:
        settings = Settings.load(folder(data, demo))
        sources = [DirectSource(s.name, s.adapter, s.dsn) for s in settings.sources]
        verdict = await verify_graph(settings.graph_dsn, sources)
        say(report(verdict))
        if not verdict.verified:
            sys.exit(1)

    finish(main)


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
    demo: Annotated[bool, Parameter(negative="")] = False,
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


@app.command
def token(
    *,
    subject: str = "developer",
    role: str = "admin",
    scope: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    days: float = 7.0,
    data: Data = None,
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Issue a development token that this installation accepts.

    The roles customer, channel and partner take a scope: customers' numbers, channels, or sources.
    """
    from app.keys import token as issue

    async def main() -> None:
        say(issue(folder(data, demo), subject, role, days * 24 * 3600, scope))

    finish(main)


@app.command
def explain(
    query: Annotated[str, Parameter(help="A GraphQL query, or a file with one.")],
    *,
    variables: Annotated[str, Parameter(help="A JSON object.")] = "{}",
    role: str = "admin",
    scope: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    analyze: Annotated[bool, Parameter(help="Run it, and show Postgres's plan.", negative="")] = False,
    data: Data = None,
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """How the gateway would answer a query: the way taken, the estimated cost, the SQL."""
    from app.explaining import caller
    from app.explaining import explain as explain_query

    async def main() -> None:
        who = caller(role, scope)
        say(await explain_query(query, variables, who, folder(data, demo) if analyze else None))

    finish(main)


documents = App(name="documents", help="Trusted documents, which clients may ask for by their id.")
app.command(documents)


@documents.command(name="sync")
def sync_documents(
    path: Annotated[Path, Parameter(help="A folder with *.graphql, such a file, or a manifest of Relay or Apollo.")],
    *,
    prune: Annotated[bool, Parameter(help="Withdraw all others.", negative="")] = False,
    data: Data = None,
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Store documents by the SHA-256 of their text; running gateways know them within seconds."""
    from app.documents import read_documents, sync, synced_text

    async def main() -> None:
        say(synced_text(await sync(Settings.load(folder(data, demo)).graph_dsn, read_documents(path), prune=prune)))

    finish(main)


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
    act: "Callable[[Connectors, CapturedDatabase], Coroutine[Any, Any, Connector]]",
) -> None:
    from app.connectors import chosen, connectors_text

    async def main() -> None:
        connectors, databases = chosen(read_config(config or Path("milepost.toml")), names)
        found = [await act(connectors, database) for database in databases]
        say(connectors_text(found))
        if not all(connector.reads for connector in found):
            sys.exit(1)

    finish(main)


ledger = App(name="ledger", help="Ledger and feed: what they hold, and what leaves them.")
app.command(ledger)

Age = Annotated[str | None, Parameter(help="Partitions that are all older, such as 90d or 12h.")]
Size = Annotated[str | None, Parameter(help="The oldest partitions, while all together are larger, such as 20GB.")]


@ledger.command(name="list")
def list_partitions(*, data: Data = None, demo: Annotated[bool, Parameter(negative="")] = False) -> None:
    """The partitions, of when they are, and how large."""
    from app.retention import listed_text

    async def main() -> None:
        say(await listed_text(Settings.load(folder(data, demo)).graph_dsn))

    finish(main)


@ledger.command(name="prune")
def prune_ledger(
    *,
    older_than: Age = None,
    larger_than: Size = None,
    feed_older_than: Annotated[str | None, Parameter(help="The same for the feed.")] = None,
    dry_run: Annotated[bool, Parameter(help="Only tell what would go.", negative="")] = False,
    data: Data = None,
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Drop old partitions; all that replay and verify need of them is kept. The newest partition never goes."""
    from app.retention import Limits, age, pruned_text, size
    from projections.partitions import Table

    async def main() -> None:
        if older_than is None and larger_than is None and feed_older_than is None:
            raise RejectedError("say what may go: --older-than, --larger-than or --feed-older-than")
        limits = {Table.LEDGER: Limits(age(older_than), size(larger_than)), Table.FEED: Limits(age(feed_older_than))}
        say(await pruned_text(Settings.load(folder(data, demo)).graph_dsn, limits, dry_run=dry_run))

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
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Write partitions to files, one each; without --older-than all of them."""
    from app.exporting import Format
    from app.retention import Limits, age, exported_text
    from projections.partitions import Table

    async def main() -> None:
        dsn = Settings.load(folder(data, demo)).graph_dsn
        say(await exported_text(dsn, Table(table), Limits(age(older_than)), to, Format(format)))

    finish(main)


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
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Those that wait, the oldest first."""
    from app.deadletters import letters_text

    async def main() -> None:
        dsn = Settings.load(folder(data, demo)).graph_dsn
        say(await letters_text(dsn, source, order, resolved=all, json=json))

    finish(main)


@deadletters.command(name="show")
def show_letter(ident: int, /, *, data: Data = None, demo: Annotated[bool, Parameter(negative="")] = False) -> None:
    """One of them, with its bytes and what was asked about it."""
    from app.deadletters import letter_text

    async def main() -> None:
        say(await letter_text(Settings.load(folder(data, demo)).graph_dsn, ident))

    finish(main)


@deadletters.command(name="replay")
def replay_letters(
    *idents: int,
    dry_run: Annotated[bool, Parameter(help="Only tell what would change in the graph.", negative="")] = False,
    note: Annotated[str | None, Parameter(help="Why.")] = None,
    data: Data = None,
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Try them again. Exit code 1 when one still cannot be used."""
    from app.deadletters import replay

    async def main() -> None:
        told, done = await replay(Settings.load(folder(data, demo)).graph_dsn, idents, note, dry_run=dry_run)
        say(told)
        if not done:
            sys.exit(1)

    finish(main)


@deadletters.command(name="discard")
def discard_letters(
    *idents: int,
    note: Annotated[str, Parameter(help="Why.")],
    data: Data = None,
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Give them up: nobody waits for them any more; their bytes stay."""
    from app.deadletters import discard

    async def main() -> None:
        say(await discard(Settings.load(folder(data, demo)).graph_dsn, idents, note))

    finish(main)


def folder(data: Path | None, demo: bool) -> Path:
    from app.demo import demo_folder

    return demo_folder(data) if demo else (data or default_folder())


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


def main() -> None:
    try:
        app()
    except KeyboardInterrupt:  # before there was anything to stop
        sys.exit(130)

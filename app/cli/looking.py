"""How an installation does, and its gateway: `milepost status`, `sources`, `verify`, `token`, `explain`."""

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from adapters.origins import DirectSource
from app.cli.common import Above0, Data, Demo, Json, app, finish, folder, say, say_aside, to_json
from app.settings import Settings


@app.command
def status(*, json: Json = False, data: Data = None, demo: Demo = False) -> None:
    """What runs, where, and how far each source is. Exit code 1 when something is down, or a source is not read."""
    from app.statuses import status_of, status_text

    async def main() -> None:
        found = await status_of(folder(data, demo))
        say(to_json(found) if json else status_text(found))
        if not found.well:
            sys.exit(1)

    finish(main)


@app.command
def sources(*, json: Json = False, data: Data = None, demo: Demo = False) -> None:
    """How each source is, how far behind, what it keeps for Milepost, and what to do.

    Exit code 1 when something is to be done. As JSON it is an object a line.
    """
    from app.sources import sources_of, sources_text

    async def main() -> None:
        found = await sources_of(data_folder)
        say("\n".join(map(to_json, found)) if json else sources_text(found))
        if any(each.needs for each in found):
            sys.exit(1)

    data_folder = folder(data, demo)
    finish(main, data_folder)


@app.command
def verify(
    *,
    within: Annotated[
        float,
        Parameter(
            help="Seconds for which a value has to differ: one on its way soon does not.", validator=Number(gte=0)
        ),
    ] = 30.0,
    json: Json = False,
    data: Data = None,
    demo: Demo = False,
) -> None:
    """Compare the graph with its ledger and with the sources. Exit code 1 when they differ."""
    from app.verifying import report, verify_living

    async def main() -> None:
        settings = Settings.load(data_folder)
        sources = [DirectSource(s.name, s.adapter, s.dsn) for s in settings.sources]
        verdict = await verify_living(settings.graph_dsn, sources, within, say_aside)
        say(to_json({"verified": verdict.verified} | msgspec.structs.asdict(verdict)) if json else report(verdict))
        if not verdict.verified:
            sys.exit(1)

    data_folder = folder(data, demo)
    finish(main, data_folder)


@app.command
def token(
    *,
    subject: str = "developer",
    role: str = "admin",
    scope: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = (),
    days: Annotated[float, Above0, Parameter(help="How long it holds.")] = 7.0,
    data: Data = None,
    demo: Demo = False,
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
    demo: Demo = False,
) -> None:
    """How the gateway would answer a query: the way taken, the estimated cost, the SQL."""
    from app.explaining import caller
    from app.explaining import explain as explain_query

    async def main() -> None:
        who = caller(role, scope)
        say(await explain_query(query, variables, who, data_folder if analyze else None))

    data_folder = folder(data, demo)
    finish(main, data_folder)

"""What runs Milepost: `milepost up`, `run`, `demo`, `soak`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from app.cli.common import Above0, ConfigFile, Data, Port, WorkerCount, app, configured, finish, say, to_json
from app.folder import default_folder
from orders.errors import RejectedError


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
        int | None,
        Above0,
        Parameter(help="How many orders the story has: 200, or 1 of Tryton's.", show_default=False),
    ] = None,
    rate: Annotated[
        float | None, Above0, Parameter(help="Orders a second (Tryton: steps); 2 unless --until-done.")
    ] = None,
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
    from app.demo import demo_folder, run_demo, summary_text
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
            pace = rate if rate is not None or ending else 2.0
            found = await run_demo(demo_folder(data), config, story, rate=pace, until_done=ending, quiet=json)
        if found is not None:
            say(to_json(found) if json else summary_text(found))
            if not found.verified:
                sys.exit(1)

    finish(main, tryton_folder(data) if erp == "tryton" else demo_folder(data))


@app.command
def soak(
    *,
    minutes: Annotated[float, Above0, Parameter(help="How long faults strike.")] = 5.0,
    seed: Annotated[int, Parameter(help="The same seed brings the same orders and the same faults.")] = 1,
    rate: Annotated[float, Above0, Parameter(help="Orders a second.")] = 2.0,
    every: Annotated[float, Above0, Parameter(help="Seconds in which one fault strikes.")] = 3.0,
    json: Annotated[bool, Parameter(help="Print the report as JSON, and all else to stderr.", negative="")] = False,
    data: Annotated[Path | None, Parameter(help="An empty folder; else one that is made, and kept.")] = None,
) -> None:
    """Load a whole Milepost, kill its processes at random, and check that nothing was lost, doubled or changed."""
    from app.soak.run import Plan, report_text, soak_in

    async def main() -> None:
        report = await soak_in(data, Plan(seed, minutes, rate, every), quiet=json)
        say(to_json(report) if json else report_text(report))
        if not report.holds:
            sys.exit(1)

    finish(main)

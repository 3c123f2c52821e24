"""Tryton in a process of its own: `python -m demo.tryton [fill]`, told by lines what its users do.

The database is TRYTOND_DATABASE_URI's, a URL whose path is the database's name; MILEPOST_TRYTON_PASSWORD is for
Tryton's user admin. With the argument `fill` it fills an empty database first. Says `ready`; then each line
`STEP ARGUMENT` is answered with `done RESULT` or `failed REASON`.
"""

import os
import sys

from demo.tryton.flow import STEPS
from demo.tryton.install import connect, install


def main() -> None:
    dsn = os.environ["TRYTOND_DATABASE_URI"]
    if sys.argv[1:] == ["fill"]:
        install(dsn, os.environ["MILEPOST_TRYTON_PASSWORD"])
    else:
        connect(dsn)
    say("ready")
    for line in sys.stdin:
        step, _, argument = line.strip().partition(" ")
        say(taken(step, argument))


def taken(step: str, argument: str) -> str:
    try:
        return f"done {STEPS[step](argument)}"
    except Exception as error:  # whatever Tryton refuses is for the one who asked
        return f"failed {type(error).__name__}: {' '.join(str(error).split())}"


def say(line: str) -> None:
    print(line, file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main()

"""The command `milepost`: a file for each group of its commands, which import what they need when they run."""

import os
import signal
import sys

from app.cli import connectors, deadletters, documents, ledger, looking, running  # noqa: F401  # each adds its own
from app.cli.common import app

__all__ = ["app", "main"]


def main() -> None:
    try:
        app()
    except KeyboardInterrupt:  # before there was anything to stop
        sys.exit(130)
    except BrokenPipeError:  # whoever reads us has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)

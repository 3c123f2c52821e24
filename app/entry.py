"""Where the command `milepost` begins: Ctrl-C ends it without a word, even while its modules are still being read."""

import os
import signal
import sys


def main() -> None:
    try:
        from app.cli import app

        app()
    except KeyboardInterrupt:  # before there was anything to stop
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # whoever reads us has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)

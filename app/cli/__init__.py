"""The command `milepost`: a file for each group of its commands, which import what they need when they run."""

from app.cli import connectors, deadletters, documents, ledger, looking, running  # noqa: F401  # each adds its own
from app.cli.common import app

__all__ = ["app"]

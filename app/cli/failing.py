"""What a command says of an error, in one line."""

from pathlib import Path

from app.preflight import place
from app.settings import Settings
from app.status import processes
from orders.errors import MilepostError, StartError
from orders.outages import CUT, FAILED, reason


def line_of(error: BaseException, data: Path | None) -> str | None:
    """What is wrong, where, and what to do; `data` is the folder whose graph was asked. None for a fault of ours."""
    match first_of(error):
        case MilepostError() as ours:
            return str(ours)
        case BrokenPipeError():
            return None
        case PermissionError(filename=str() as name) as refused:
            return f"{name}: {refused.strerror}: run it as the user who owns that"
        case OSError(filename=str() as name) as refused:
            return f"{name}: {refused.strerror}"
        case outage if isinstance(outage, FAILED) and data is not None:
            return f"{_graph(data)} {_trouble(outage)}; {_cure(data)}"
    return None


def first_of(error: BaseException) -> BaseException:
    """The first of a group, however deep; another one is itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _graph(data: Path) -> str:
    try:
        return f"the graph's Postgres at {place(Settings.load(data).graph_dsn)}"
    except StartError:
        return "the graph's Postgres"


def _trouble(outage: BaseException) -> str:
    if isinstance(outage, TimeoutError):
        return "does not answer in time"
    return f"{'does not answer' if isinstance(outage, CUT) else 'refuses'}: {reason(outage)}"


def _cure(data: Path) -> str:
    if any(each.running for each in processes(data)):
        return f"see `milepost status --data {data}`, and the logs in {data / 'log'}"
    return f"nothing of Milepost runs in {data}: start it there"

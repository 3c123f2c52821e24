"""Debezium's callbacks: Java calls them, they call the run. An error is kept here, for Java shows only a proxy."""

from typing import Any, Final, Protocol

from jpype import JProxy

_ENGINE: Final = "io.debezium.engine.DebeziumEngine"


class Run(Protocol):
    """Who is called back."""

    def handle(self, records: Any, committer: Any) -> None: ...
    def started(self) -> None: ...
    def failed(self, reason: str) -> None: ...


def consumer(run: Run) -> Any:
    """Takes the batches."""

    def handle(records: Any, committer: Any) -> None:
        try:
            run.handle(records, committer)
        except Exception as error:
            run.failed(f"{type(error).__name__}: {error}")
            raise

    return JProxy(f"{_ENGINE}$ChangeConsumer", dict={"handleBatch": handle, "supportsTombstoneEvents": lambda: False})


def completion(run: Run) -> Any:
    """Hears how the engine ended."""

    def handle(success: bool, message: Any, error: Any) -> None:
        if not success:
            run.failed(_told(message, error))

    return JProxy(f"{_ENGINE}$CompletionCallback", dict={"handle": handle})


def progress(run: Run) -> Any:
    """Hears when the engine begins to read; what else it says has a default in Java."""
    return JProxy(f"{_ENGINE}$ConnectorCallback", dict={"pollingStarted": run.started})


def _told(message: Any, error: Any) -> str:
    """One line: the innermost cause says what happened, the message around it only where it was noticed."""
    if error is None:
        return str(message)
    while error.getCause() is not None:
        error = error.getCause()
    return " ".join(f"{error.getClass().getSimpleName()}: {error.getMessage()}".split())

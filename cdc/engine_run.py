"""One run of one Debezium engine inside the child process: hands batches over, marks what the parent allows."""

from pathlib import Path
from threading import Condition
from typing import Any, Final, Protocol

from jpype import JArray, JByte, JClass, JException

from cdc.envelope import SNAPSHOT_TOPIC
from cdc.frames import Ack, Kind, Start
from cdc.joiner import Joiner
from cdc.proxies import completion, consumer, progress

_PIPELINED: Final = 100
"""A batch of at least so many records may be on its way while the one before is still being worked on."""


class Send(Protocol):
    """Hands a frame to the parent."""

    def __call__(self, kind: Kind, run: int = 0, sequence: int = 0, payload: bytes | memoryview = b"") -> None: ...


class EngineRun:
    """An engine from its start to its end, which is a failure or `stop`; it never starts again by itself."""

    def __init__(self, start: Start, send: Send) -> None:
        self._start, self._send = start, send
        self._joiner = Joiner(with_offset(start.source))
        self._condition = Condition()
        self._sent: dict[int, Any] = {}
        self._sequence = 0
        self._markable: Any = None
        self._stopped = False
        self._reason = ""
        self._engine: Any = None

    def run(self) -> None:
        """Blocks until the engine ends, and tells the parent why."""
        try:
            self._store_offset()
            self._engine = self._build()
            self._engine.run()
        except Exception as error:
            self.failed(str(error))
        if not self._stopped:
            reason = self._reason or "it ended without a reason"
            self._send(Kind.FAILED, self._start.run, payload=reason.encode())

    def ack(self, ack: Ack) -> None:
        """The parent is done with a batch."""
        with self._condition:
            records = self._sent.pop(ack.sequence)
            if ack.line is not None:
                self._markable = records.get(ack.line)
            self._condition.notify_all()

    def stop(self) -> None:
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        try:
            self._engine.close()
        except (JException, AttributeError):
            # It has ended already, or has not begun.
            return

    def handle(self, records: Any, committer: Any) -> None:
        """Hand a batch over; wait until the parent has worked off enough; mark what it allowed by then."""
        sequence, self._sequence = self._sequence, self._sequence + 1
        with self._condition:
            self._sent[sequence] = records
        self._send(Kind.BATCH, self._start.run, sequence, self._joiner.join(records))
        self._wait(1 if len(records) >= _PIPELINED else 0)
        self._mark(committer)

    def started(self) -> None:
        self._send(Kind.STARTED, self._start.run)

    def failed(self, reason: str) -> None:
        """The first reason is the true one: what comes later follows from it."""
        self._reason = self._reason or reason

    def _wait(self, outstanding: int) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._stopped or len(self._sent) <= outstanding)

    def _mark(self, committer: Any) -> None:
        with self._condition:
            record, self._markable = self._markable, None
        if record is not None and not self._stopped:
            committer.markProcessed(record)
            committer.markBatchFinished()

    def _build(self) -> Any:
        engines, properties = JClass("io.debezium.engine.DebeziumEngine"), JClass("java.util.Properties")()
        for name, value in self._start.properties.items():
            properties.setProperty(name, value)
        builder = engines.create(JClass("io.debezium.engine.format.Json")).using(properties)
        return builder.using(completion(self)).using(progress(self)).notifying(consumer(self)).build()

    def _store_offset(self) -> None:
        """Throw the engine's own memory away and write it anew: the parent's checkpoint is the only truth."""
        store = Path(self._start.properties["offset.storage.file.filename"])
        store.unlink(missing_ok=True)
        if self._start.offset is not None:
            _write_offset(store, self._start.source, self._start.offset)


def with_offset(source: str) -> tuple[str, str]:
    """The topics whose records end something."""
    return f"{source}.transaction", SNAPSHOT_TOPIC


def _write_offset(store: Path, source: str, offset: str) -> None:
    """As the engine's file store does: a serialized map of JSON bytes to JSON bytes."""
    entries = JClass("java.util.HashMap")()
    entries.put(_java_bytes(f'["{source}",{{"server":"{source}"}}]'), _java_bytes(offset))
    stream = JClass("java.io.ObjectOutputStream")(JClass("java.io.FileOutputStream")(str(store)))
    stream.writeObject(entries)
    stream.close()


def _java_bytes(text: str) -> Any:
    return JArray(JByte)(text.encode())

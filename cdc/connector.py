"""The settings of the Debezium engine for one captured database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cdc.database import CapturedDatabase
from cdc.envelope import SNAPSHOT_TOPIC

COMMON: Final = {
    "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
    # Whatever is marked is confirmed at once, to the source where it asks for that, and nothing else ever is.
    "offset.flush.interval.ms": "0",
    # The engine never starts again by itself: the source is compared with the checkpoint before every start.
    "errors.max.retries": "0",
    "provide.transaction.metadata": "true",
    "skipped.operations": "none",
    "tombstones.on.delete": "false",
    "decimal.handling.mode": "string",
    "time.precision.mode": "isostring",
    "key.converter.schemas.enable": "false",
    "value.converter.schemas.enable": "false",
    "signal.enabled.channels": "",
    # The only sign of the end of a snapshot that comes from an empty database, too.
    "notification.enabled.channels": "sink",
    "notification.sink.topic.name": SNAPSHOT_TOPIC,
    # 20: half the latency of 50 at 5 % of a core for each resting source; 10 would save 16 ms more for 9 %.
    "poll.interval.ms": "20",
    "max.batch.size": "2000",
    "max.queue.size": "4000",
    "max.queue.size.in.bytes": "16000000",
    "snapshot.fetch.size": "2000",
}
"""For every kind of database."""

_FIXED: Final = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "plugin.name": "pgoutput",
    "publication.autocreate.mode": "disabled",
    "lsn.flush.mode": "connector",
    "slot.max.retries": "20",
    "slot.retry.delay.ms": "250",
}


def properties(database: CapturedDatabase, store: Path, *, snapshot: bool) -> dict[str, str]:
    """All settings of an engine that first takes a snapshot, or goes on from the offset in the file `store`."""
    return {
        **COMMON,
        **_FIXED,
        "name": database.name,
        "topic.prefix": database.name,
        "slot.name": database.slot,
        "publication.name": database.publication,
        "table.include.list": database.table_list,
        "snapshot.mode": "initial" if snapshot else "no_data",
        "offset.storage.file.filename": str(store),
        **dict(_address(database)),
        **dict(_heartbeat(database)),
    }


def _address(database: CapturedDatabase) -> Iterator[tuple[str, str]]:
    yield from database.settings()
    yield "database.dbname", database.database
    if database.tls:
        yield "database.sslmode", database.tls
    if database.tls_ca:
        yield "database.sslrootcert", database.tls_ca


def _heartbeat(database: CapturedDatabase) -> Iterator[tuple[str, str]]:
    yield "heartbeat.interval.ms", str(round(database.heartbeat * 1000))
    yield "heartbeat.action.query", "select pg_logical_emit_message(true, 'milepost', '')"

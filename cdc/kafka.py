"""`KafkaSource`: changes of several databases out of Kafka, shared among the members of a consumer group.

A topic a source, of one partition: commit order and whole transactions are kept, and partitions are sources. What the
group assigns is read behind the checkpoints that `open` is given, whatever offsets Kafka remembers. When the group
shares its work out anew, the batches end with `RebalancedError`, and `open` begins again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from cdc.ahead import Polled, read_ahead
from cdc.capture import Pace, SourceLag, State
from cdc.change import Change, Checkpoint, RebalancedError, Transaction
from cdc.kafka_topics import ensure, topic_of
from cdc.kinds import Captured
from cdc.lag import measured, measured_log
from cdc.mariadb.database import MariaDatabase
from cdc.mending import Filler, Menders
from cdc.topic import Bounds, Record, Topic, place_of
from cdc.waiting import Offsets
from orders.errors import TransientError

_log = logging.getLogger(__name__)

_POLL: Final = 200
"""Milliseconds that a poll waits for records."""
_RECORDS: Final = 4_000
"""Records that make a batch as large as it may be."""
_POLLED: Final = 100
"""The most of one poll: what Postgres has answered waits while they are decoded."""
_FETCH: Final = 4_000_000
"""Bytes that are fetched ahead of one partition; no more is, while the reader is at work."""
_HINTS_EVERY: Final = 2.0
"""Seconds between two times at which Kafka is told how far the reader is."""
_LOOK: Final = 2.0
_ANSWER: Final = 10.0
"""Seconds that the broker may take to answer, when it is only looked at and when it is needed."""


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Use it as a context: the membership in the group lasts as long, over many an `open`.

    A `member` that is named keeps its sources over a restart; others get them once Kafka has missed it for ten seconds.
    """

    def __init__(
        self,
        databases: Sequence[Captured],
        bootstrap: str,
        *,
        topics: str = "milepost",
        group: str = "milepost",
        member: str | None = None,
        filler: Filler | None = None,
    ) -> None:
        self._databases = {database.name: database for database in databases}
        self._bootstrap, self._group, self._member = bootstrap, group, member
        self._partitions = {name: TopicPartition(topic_of(topics, name), 0) for name in self._databases}
        self._sources = {partition: name for name, partition in self._partitions.items()}
        self._topics: dict[str, Topic] = {}
        self._done: dict[str, int] = {}
        self._read_up_to = Offsets()
        self._ends: dict[str, int] = {}
        self._last_event_at: dict[str, datetime] = {}
        self._paces: dict[str, Pace] = {}
        self._menders = Menders(filler)
        self._generation, self._assigned = 0, asyncio.Event()
        self._told: int | None = None
        self._hinted = 0.0
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._menders.stop()
        if self._consumer is not None:
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(self._consumer.stop(), _ANSWER)

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Of the group: whoever reads must stop."""
        self._generation += 1
        self._assigned.clear()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Of the group: nothing is fetched before somebody says from where."""
        assert self._consumer
        self._consumer.pause(*assigned)
        self._generation += 1
        self._assigned.set()

    async def assigned(self) -> list[str]:
        """The sources that are this member's now; waits while the group shares them out. Raises TransientError."""
        found = await self._settled()
        self._told = self._generation
        return found

    async def _settled(self) -> list[str]:
        try:
            await self._join()
            assert self._consumer
            while not self._assigned.is_set():
                # What went wrong in the group is told to whoever asks for records, and it goes on no sooner.
                await self._consumer.getmany(timeout_ms=_POLL)
        except (KafkaError, OSError) as error:
            raise self._unreachable(error) from None
        return sorted(self._sources[each] for each in self._consumer.assignment())

    async def _join(self) -> None:
        if self._consumer is not None:
            return
        await ensure(self._bootstrap, [each.topic for each in self._sources])
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            group_instance_id=self._member,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=_FETCH,
            heartbeat_interval_ms=1000,
        )
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        self._consumer = consumer
        consumer.subscribe([each.topic for each in self._sources], listener=self)

    @asynccontextmanager
    async def open(self, checkpoints: Mapping[str, Checkpoint]) -> AsyncIterator[AsyncIterator[Sequence[Transaction]]]:
        """Batches of whole transactions of the assigned sources. Raises TransientError when Kafka is out of reach, and
        RebalancedError when they are others than `assigned` said: the reader has not claimed them.
        """
        sources, generation = await self._settled(), self._generation
        if self._told not in (None, generation):
            raise RebalancedError("the group has shared its sources out anew")
        try:
            await self._seek(sources, checkpoints)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from None
        async with aclosing(self._read(generation)) as batches:
            yield batches

    async def processed(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Kafka's own offsets are a hint for people who look at the group's lag: nobody reads from there."""
        self._read_up_to.done({each.source: each.position for each in checkpoints})
        self._done.update(self._read_up_to.take())
        if time.monotonic() - self._hinted < _HINTS_EVERY or self._consumer is None:
            return
        self._hinted = time.monotonic()
        places = {self._partitions[each.source]: place_of(each) for each in checkpoints}
        mine = self._consumer.assignment()
        offsets = {at: place.kafka for at, place in places.items() if place and at in mine}
        with contextlib.suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(self._consumer.commit(offsets), _LOOK)

    async def lag(self, *names: str) -> list[SourceLag]:
        """How every assigned source does, or those named that are assigned, asked now."""
        trouble = await self._look_at_ends(asked := self._mine(*names))
        return await asyncio.gather(*(self._lag(name, self._topics[name], trouble) for name in self._mine(*asked)))

    def waiting(self, source: str) -> int:
        """Records of the source that are in Kafka and that the reader has not done with."""
        assert self._consumer
        seen = self._consumer.highwater(self._partitions[source]) if source in self._mine() else None
        return max(0, max(self._ends[source], seen or 0) - self._done[source])

    def _mine(self, *names: str) -> list[str]:
        """The sources, or those named, that were opened and have not been taken away since."""
        assigned = self._consumer.assignment() if self._consumer else ()
        wanted = names or self._topics
        return [name for name in self._topics if name in wanted and self._partitions[name] in assigned]

    async def _seek(self, sources: Sequence[str], checkpoints: Mapping[str, Checkpoint]) -> None:
        assert self._consumer
        partitions = [self._partitions[name] for name in sources]
        firsts = await asyncio.wait_for(self._consumer.beginning_offsets(partitions), _ANSWER)
        self._ends = {self._sources[at]: end for at, end in (await self._consumer.end_offsets(partitions)).items()}
        self._topics, self._read_up_to = {}, Offsets()
        for name, at in zip(sources, partitions, strict=True):
            signals = self._databases[name].signals
            bounds = Bounds(firsts[at], self._ends[name])
            topic = Topic(name, checkpoints.get(name), bounds, frozenset([signals] if signals else []))
            self._topics[name], self._done[name] = topic, topic.offset
            self._consumer.seek(at, topic.offset)
            self._consumer.resume(at)
            _log.info("%s: goes on at %d of %s, epoch %d", name, topic.offset, at.topic, topic.epoch)

    async def _read(self, generation: int) -> AsyncGenerator[Sequence[Transaction], None]:
        async with read_ahead(partial(self._poll, generation), _RECORDS) as ahead:
            while True:
                batch = await ahead.take()
                self._check(generation)
                self._read_up_to.read(batch, {name: topic.offset for name, topic in self._topics.items()})
                if batch:
                    yield batch
                self._done.update(self._read_up_to.take())
                self._mend()

    def _check(self, generation: int) -> None:
        if self._generation != generation:
            raise RebalancedError("the group shares its sources out anew")

    async def _poll(self, generation: int) -> Polled:
        assert self._consumer
        try:
            polled = await self._consumer.getmany(timeout_ms=_POLL, max_records=_POLLED)
        except KafkaError as error:
            raise self._unreachable(error) from None
        self._check(generation)
        found: list[Transaction] = []
        for at, records in polled.items():
            found += self._take(self._sources[at], at, records)
        return Polled(found, sum(map(len, polled.values())))

    def _mend(self) -> None:
        for name, topic in self._topics.items():
            self._menders.look(self._databases[name])
            if topic.loss and topic.offset and not self.waiting(name):
                # It does not come by itself; an empty topic has nothing to lose.
                self._menders.care(self._databases[name], topic.loss)

    def _take(self, name: str, at: TopicPartition, records: Sequence[Record]) -> list[Transaction]:
        assert self._consumer
        topic = self._topics[name]
        found = list(topic.feed(records))
        if found and (at_last := _event_at(found[-1])):
            self._last_event_at[name] = at_last
        if topic.offset <= records[-1].offset:
            self._consumer.seek(at, topic.offset)
        return found

    async def _look_at_ends(self, names: Sequence[str]) -> str:
        """What keeps the broker from telling; while it is away, nobody knows how much is waiting there."""
        if not names or self._consumer is None:
            return ""
        partitions = [self._partitions[name] for name in names]
        try:
            ends = await asyncio.wait_for(self._consumer.end_offsets(partitions), _LOOK)
        except (KafkaError, OSError, TimeoutError) as error:
            return str(self._unreachable(error))
        self._ends |= {self._sources[at]: end for at, end in ends.items()}
        return ""

    async def _lag(self, name: str, topic: Topic, trouble: str) -> SourceLag:
        state = State.SNAPSHOTTING if topic.snapshotting else State.STREAMING
        reason = topic.loss.reason if topic.loss else trouble
        state, at, database = State.FAILED if reason else state, self._last_event_at.get(name), self._databases[name]
        if isinstance(database, MariaDatabase):
            return await measured_log(database, state, reason, topic.last, at, by_connector=True)
        return await measured(database, state, reason, topic.epoch, at, self._paces.setdefault(name, Pace()))

    def _unreachable(self, error: Exception) -> TransientError:
        return TransientError(f"cannot reach Kafka at {self._bootstrap}: {error or type(error).__name__}")


def _event_at(transaction: Transaction) -> datetime | None:
    last = transaction.changes[-1] if transaction.changes else None
    return last.committed_at or last.captured_at if isinstance(last, Change) else None

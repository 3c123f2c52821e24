"""The sources' topics: of one partition each, so that what was committed in a source keeps its order."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from orders.errors import StartError

# The client says ten times a second that a broker is away; how the sources do says it, too.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

_BROKERS_CHOICE: Final = -1
"""As many replicas as the broker makes unless told."""


def topic_of(topics: str, source: str) -> str:
    return f"{topics}.{source}"


def history_of(topics: str, source: str) -> str:
    """Where a MariaDB's connector keeps how its tables' columns were; for ever, and for itself."""
    return f"{topics}.{source}.history"


async def ensure(bootstrap: str, topics: Sequence[str]) -> None:
    """Make those that are missing. Raises StartError for one of several partitions, KafkaError when out of reach."""
    async with _admin(bootstrap) as admin:
        missing = sorted(set(topics) - set(await admin.list_topics()))
        if missing:
            await _make(admin, missing)
        for found in await admin.describe_topics(list(topics)):
            if len(found["partitions"]) > 1:
                raise StartError(
                    f"topic {found['topic']} has {len(found['partitions'])} partitions, which would tear its source's "
                    "transactions apart: delete it, or choose another name for `topics`"
                )


async def exists(bootstrap: str, topic: str) -> bool:
    """Raises KafkaError when out of reach."""
    async with _admin(bootstrap) as admin:
        return topic in await admin.list_topics()


async def forget(bootstrap: str, topic: str) -> None:
    """Delete it if it is there. Raises KafkaError when out of reach."""
    async with _admin(bootstrap) as admin:
        if topic in await admin.list_topics():
            await admin.delete_topics([topic])


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _make(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> None:
    wanted = [NewTopic(name, 1, _BROKERS_CHOICE, replica_assignments={}) for name in topics]
    answer = await admin.create_topics(wanted)
    for _, code, *message in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(*message)

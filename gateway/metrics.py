"""`/metrics`, for Prometheus: what this gateway does, and how sources, projector and commands do.

The latter are read from Postgres when it is asked, so each gateway tells the same of them.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

import asyncpg
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.admission import Gate
from gateway.asgi import NO_STORE, Scope, Send, header, respond, respond_json
from gateway.auth import Role, TokenCheck
from gateway.database import Pool
from gateway.errors import UnauthenticatedError
from gateway.feed import Feed
from gateway.http import CHALLENGE, errors_of
from gateway.plan.answers import Answers
from gateway.statements import SQL
from gateway.work import BOUNDS, Work
from orders.errors import ForbiddenError
from orders.outages import FAILED

MEDIA = b"text/plain; version=1.0.0; charset=utf-8"
READERS = frozenset({Role.OPERATIONS, Role.ADMIN})

_OF_SOURCES = (
    ("lag_bytes", "Log of the source that is not confirmed yet."),
    ("lag_changes", "Changes that are captured and not projected yet."),
    ("lag_seconds", "How old the oldest change may be that is under way."),
    ("silent_seconds", "Since when no projector has said how it is; more than some seconds: none runs."),
    ("kept_bytes", "Log that the source keeps for Milepost."),
    ("safe_bytes", "Log that the source may still write before it drops some that Milepost needs."),
    ("safe_seconds", "How long that lasts at the rate of late."),
    ("healed_timestamp_seconds", "When a snapshot was taken the last time because something was lost."),
    ("committed_timestamp_seconds", "When the source committed the last change that is in the graph."),
    ("dead_letters", "Changes that nobody could use and that wait."),
)
"""Columns of the statement `metrics_of_sources`."""
_OUTCOMES = ("applied", "superseded", "dead", "filtered")


class Metrics:
    """Answers GET /metrics, to those who may look after the installation."""

    def __init__(self, tokens: TokenCheck, pool: Pool, own: Iterable[Metric]) -> None:
        self._tokens, self._pool, self._own = tokens, pool, own

    async def __call__(self, scope: Scope, send: Send) -> None:
        try:
            caller = await self._tokens.bearer(header(scope, b"authorization"))
        except UnauthenticatedError as error:
            await respond_json(send, 401, errors_of(error.code, str(error)), CHALLENGE)
            return
        if caller.role in READERS:
            await respond(send, 200, MEDIA, written([*self._own, *await self._stored()]), (NO_STORE,))
        else:
            told = errors_of(ForbiddenError.code, "it takes the role operations or admin")
            await respond_json(send, 403, told)

    async def _stored(self) -> list[Metric]:
        try:
            async with self._pool.acquire() as db:
                sources = await db.fetch(SQL["metrics_of_sources"])
                commands = await db.fetch(SQL["metrics_of_commands"])
                events = await db.fetchval(SQL["feed_events"])
        except FAILED:
            return [gauge("milepost_postgres_up", "Whether Postgres answers.", 0)]
        return [
            gauge("milepost_postgres_up", "Whether Postgres answers.", 1),
            CounterMetricFamily("milepost_events", "Events that entered the feed.", events),
            *of_sources(sources),
            by_label("milepost_commands", "Commands that are not through.", "state", commands),
        ]


class Own:
    """Of this process. Iterating reads it anew."""

    def __init__(self, work: Work, gate: Gate, feed: Feed, answers: Answers) -> None:
        self._work, self._gate, self._feed, self._answers = work, gate, feed, answers
        self._process = ProcessCollector(registry=None)

    def __iter__(self) -> Iterator[Metric]:
        labels = {"worker": str(os.getpid())}
        requests = CounterMetricFamily("milepost_requests", "GraphQL requests over HTTP.", labels=["worker", "status"])
        for status, count in sorted(self._work.statuses.items()):
            requests.add_metric([labels["worker"], str(status)], count)
        yield requests
        yield latencies(self._work, labels)
        remembered, kept = self._answers.sizes()
        for name, text, value in (
            ("requests_in_flight", "Requests that are let in and not answered.", self._gate.here),
            ("requests_running", "Of these, those that have their turn.", self._gate.running),
            ("requests_remembered", "Requests whose plans are remembered.", remembered),
            ("kept_bytes", "Memory of remembered requests and of kept answers.", kept),
            ("subscribers", "Subscriptions that follow the feed.", self._feed.subscribers),
            ("feed_live", "Whether the feed is followed.", self._feed.state == "live"),
        ):
            yield gauge(f"milepost_gateway_{name}", text, float(value), labels)
        for metric in self._process.collect():
            yield labelled(metric, labels)


def latencies(work: Work, labels: dict[str, str]) -> Metric:
    found = HistogramMetricFamily(
        "milepost_request_seconds", "How long requests took that were let in.", labels=list(labels)
    )
    bounds = [*map(str, BOUNDS), "+Inf"]
    found.add_metric(list(labels.values()), list(zip(bounds, accumulate(work.classes), strict=True)), work.seconds)
    return found


def of_sources(rows: Sequence[asyncpg.Record]) -> Iterator[Metric]:
    states = GaugeMetricFamily("milepost_source_state", "1 for the state that it is in.", labels=["source", "state"])
    changes = CounterMetricFamily(
        "milepost_changes", "What became of the source's changes.", labels=["source", "outcome"]
    )
    for row in rows:
        states.add_metric([row["source"], row["state"] or "unknown"], 1)
        for outcome in _OUTCOMES:
            changes.add_metric([row["source"], outcome], row[outcome])
    yield states
    yield changes
    for column, text in _OF_SOURCES:
        found = GaugeMetricFamily(f"milepost_source_{column}", text, labels=["source"])
        for row in rows:
            if row[column] is not None:
                found.add_metric([row["source"]], float(row[column]))
        yield found


def by_label(name: str, text: str, label: str, rows: Sequence[asyncpg.Record]) -> Metric:
    found = GaugeMetricFamily(name, text, labels=[label])
    for row in rows:
        found.add_metric([row[label]], row["count"])
    return found


def gauge(name: str, text: str, value: float, labels: dict[str, str] | None = None) -> Metric:
    found = GaugeMetricFamily(name, text, labels=list(labels or ()))
    found.add_metric(list((labels or {}).values()), value)
    return found


def labelled(metric: Metric, labels: dict[str, str]) -> Metric:
    metric.samples = [sample._replace(labels={**sample.labels, **labels}) for sample in metric.samples]
    return metric


class _Once(Collector):
    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def written(found: Sequence[Metric]) -> bytes:
    """As Prometheus reads it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(found))
    return generate_latest(registry)

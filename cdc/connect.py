"""Kafka Connect's REST API, as far as Milepost needs it."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from orders.errors import NotFoundError, RejectedError, TransientError
from orders.outages import reason

_TIMEOUT: Final = 30.0
"""Seconds; the worker looks at the database while it validates."""
_STATE_WITHIN: Final = 60.0
_CONFLICT: Final = 409
_MISSING: Final = 404

Config = Mapping[str, str]


class Task(Struct, frozen=True):
    """`trace` is Java's, of a failed one."""

    id: int
    state: str
    trace: str = ""


class _State(Struct, frozen=True):
    state: str
    trace: str = ""


class Status(Struct, frozen=True):
    """What the workers say of a connector. RUNNING does not mean that it reads its database's log."""

    name: str
    connector: _State
    tasks: Sequence[Task] = ()

    @property
    def state(self) -> str:
        """The worst of all."""
        states = [self.connector.state, *(task.state for task in self.tasks)]
        return next((each for each in states if each != "RUNNING"), "RUNNING" if self.tasks else "UNASSIGNED")

    @property
    def cause(self) -> str:
        """The innermost cause of what failed, one line; empty when nothing did."""
        traces = [self.connector.trace, *(task.trace for task in self.tasks)]
        return next((first_cause(trace) for trace in traces if trace), "")


class _Value(Struct, frozen=True):
    name: str
    errors: Sequence[str] = ()


class _Field(Struct, frozen=True):
    value: _Value


class _Validation(Struct, frozen=True):
    configs: Sequence[_Field] = ()


class _Offset(Struct, frozen=True):
    offset: dict[str, Any] | None = None


class _Offsets(Struct, frozen=True):
    offsets: Sequence[_Offset] = ()


class _Answer(Struct, frozen=True):
    message: str = ""


def first_cause(trace: str) -> str:
    """Of a Java stack trace, what it began with: the last `Caused by`, else the first line."""
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes or lines or [""])[-1 if causes else 0]


class Connect:
    """`url` is a worker's. Raises RejectedError for what it refuses, TransientError when it is not to be reached."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def names(self) -> list[str]:
        return msgspec.convert(await self._ask("GET", "/connectors"), list[str])

    async def complaints(self, config: Config) -> dict[str, list[str]]:
        """Setting → what is wrong with it; empty when the worker would take the configuration."""
        kind = config["connector.class"].rpartition(".")[2]
        answer = await self._ask("PUT", f"/connector-plugins/{kind}/config/validate", config)
        found = msgspec.convert(answer, _Validation)
        return {field.value.name: list(field.value.errors) for field in found.configs if field.value.errors}

    async def config(self, name: str) -> Config:
        """As it was put. Raises NotFoundError."""
        return msgspec.convert(await self._ask("GET", f"/connectors/{name}/config"), dict[str, str])

    async def put(self, name: str, config: Config) -> None:
        """Make it, or change it."""
        await self._ask("PUT", f"/connectors/{name}/config", config)

    async def delete(self, name: str) -> None:
        await self._ask("DELETE", f"/connectors/{name}")

    async def status(self, name: str) -> Status:
        return msgspec.convert(await self._ask("GET", f"/connectors/{name}/status"), Status)

    async def stop(self, name: str) -> None:
        """Its tasks end, and its slot is free; it stays stopped over restarts of the worker."""
        await self._ask("PUT", f"/connectors/{name}/stop")
        await self.reaches(name, "STOPPED")

    async def resume(self, name: str) -> None:
        await self._ask("PUT", f"/connectors/{name}/resume")

    async def offset(self, name: str) -> dict[str, Any] | None:
        """Where it would go on; None when it has stored nothing yet."""
        found = msgspec.convert(await self._ask("GET", f"/connectors/{name}/offsets"), _Offsets).offsets
        return found[0].offset if found else None

    async def forget_offsets(self, name: str) -> None:
        """Of a stopped connector: it begins with a snapshot when it goes on."""
        await self._ask("DELETE", f"/connectors/{name}/offsets")

    async def put_offset(self, name: str, partition: Mapping[str, Any], offset: Mapping[str, Any]) -> None:
        """Where a stopped connector goes on."""
        await self._ask(
            "PATCH", f"/connectors/{name}/offsets", {"offsets": [{"partition": partition, "offset": offset}]}
        )

    async def reaches(self, name: str, state: str) -> None:
        """Wait until the connector and all its tasks are in that state. Raises TransientError after a minute."""
        try:
            async with asyncio.timeout(_STATE_WITHIN):
                while not await self._is(name, state):  # noqa: ASYNC110 (nobody tells)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise TransientError(f"connector {name} is not {state} after {_STATE_WITHIN:.0f} s") from None

    async def _is(self, name: str, state: str) -> bool:
        try:
            status = await self.status(name)
        except NotFoundError:  # a new one has no status yet
            return False
        return status.connector.state == state and all(task.state == state for task in status.tasks)

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        """Asked again while the workers are sharing their work out."""
        async with asyncio.timeout(_STATE_WITHIN):
            while True:
                try:
                    return await asyncio.to_thread(self._asked, method, path, body)
                except urllib.error.HTTPError as error:
                    if error.code == _MISSING:
                        raise NotFoundError(f"Kafka Connect: {_said(error)}") from None
                    if not _passes(error.code, said := _said(error)):
                        raise RejectedError(f"Kafka Connect: {method} {path}: {said}") from None
                except OSError as error:
                    inner = getattr(error, "reason", error)
                    why = reason(inner) if isinstance(inner, Exception) else inner
                    raise TransientError(
                        f"cannot reach Kafka Connect at {self._url}: {why}; start it, or correct `connect` in [kafka]"
                    ) from None
                await asyncio.sleep(0.2)

    def _asked(self, method: str, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 (http by settings)
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None


def _passes(status: int, said: str) -> bool:
    """Whether the workers are sharing their work out. Not every request is answered with 409 then: some with 500."""
    return status == _CONFLICT or "rebalance" in said


def _said(error: urllib.error.HTTPError) -> str:
    text = error.read()
    try:
        return " ".join(msgspec.json.decode(text, type=_Answer).message.split()) or str(error)
    except msgspec.DecodeError:
        return str(error)

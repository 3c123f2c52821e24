"""The floor: the statements by hand in pgbench, prepared, with no server between."""

import asyncio
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.cluster import BIN
from bench.load import latencies
from bench.questions import BATCH, BY_HAND, CUSTOMERS, OWN, PARAMETERS, SPREAD, Question, Reading
from bench.servers import CONNECTIONS, Figures, cpu

NAME = "pgbench"
_SETTINGS = "-c plan_cache_mode=force_generic_plan -c jit=off -c timezone=UTC"
_MICROSECONDS = 2
"""The column of the log."""
_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True)
class Floor:
    """Over a graph of `size` orders; the clients are those of the servers."""

    dsn: str
    postmaster: int
    size: int
    name: str = NAME

    async def measure(self, question: Question, reading: Reading, seconds: float) -> Figures:
        """As a server does it; `cpu` is not there. Whole seconds, at least one."""
        return await asyncio.to_thread(self._measure, question.operation(reading), reading, max(1, round(seconds)))

    def _measure(self, operation: str, reading: Reading, seconds: int) -> Figures:
        before = cpu(self.postmaster)
        took = self._run(self.script(operation, reading), seconds)
        used = cpu(self.postmaster) - before
        if not took:
            raise RuntimeError(f"pgbench answered nothing of {operation} in {seconds} s; give it more --seconds")
        found = latencies(took)
        return {
            "rate": len(took) / seconds,
            "p50": found.p50,
            "p99": found.p99,
            "postgres": 1000 * used / len(took),
        }

    def _run(self, script: str, seconds: int) -> list[float]:
        """Seconds that each took."""
        clients = ["-c", str(CONNECTIONS), "-j", "2", "-T", str(seconds)]
        command = [str(BIN / "pgbench"), "-n", "-M", "prepared", *clients, "-l", "-f", "-", self.dsn]
        environment = os.environ | {"PGOPTIONS": _SETTINGS}
        with tempfile.TemporaryDirectory(prefix="milepost-bench-") as folder:
            found = subprocess.run(
                command, cwd=folder, env=environment, input=script, capture_output=True, text=True, check=False
            )
            if found.returncode:
                raise RuntimeError(f"pgbench failed on {script}\n{found.stderr}")
            logs = [log.read_text().splitlines() for log in Path(folder).iterdir()]
        return [1e-6 * int(line.split(" ")[_MICROSECONDS]) for log in logs for line in log]

    def script(self, operation: str, reading: Reading) -> str:
        """Of a random order of the account, or of all."""
        again = reading is Reading.AGAIN
        order = f"{OWN.start} + {OWN.step} * random(0, {len(OWN) - 1})" if again else f"random(1, {self.size})"
        found = parameters(self.size, again=again)
        sql = _PARAMETER.sub(lambda at: f"({found[PARAMETERS[operation][int(at[1]) - 1]]})", BY_HAND[operation])
        return f"\\set order {order}\n{sql};\n"


def parameters(size: int, *, again: bool) -> dict[str, str]:
    """Name → SQL that makes the value of pgbench's variable `order`, as bench.questions.Values has it."""
    half = f"{OWN.start} + {OWN.step} * (((:order)::int - {OWN.start}) / {OWN.step * BATCH} * {BATCH} + n)"
    spread = f"1 + ((:order)::int - 1 + {SPREAD} * n) % {size}"
    return {
        "id": "(:order)::text",
        "account": f"'C' || (:order)::int % {CUSTOMERS}",
        "tracking": "'1Z' || (:order)::text",
        "before": "'2026-01-01Z'::timestamptz + (:order)::int * interval '7 minutes'",
        "ids": f"array(select ({half if again else spread})::text from generate_series(0, {BATCH - 1}) n)",  # noqa: S608  # ours
    }

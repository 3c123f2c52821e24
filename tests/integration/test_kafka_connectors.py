"""`milepost connect`: connectors are put, asked and restarted, and what is wrong with one is said."""

import json
import re
from pathlib import Path

import pytest

from cdc.connect import Connect
from cdc.kinds import Captured
from orders.errors import RejectedError
from tests.controls.connecting import connect, written
from tests.controls.distributed import Distributed, distributed
from tests.controls.kafka import Kafka
from tests.controls.waiting import until

pytestmark = pytest.mark.kafka


async def test_what_is_wrong_is_said(kafka: Kafka, data: Path) -> None:
    async with distributed(kafka, data) as found:
        erp = found.database("erp")
        with pytest.raises(RejectedError) as wrong:
            await found.written(database_port="many", decimal_handling_mode="roughly").apply(erp)
        lines = str(wrong.value).splitlines()
        assert lines[0] == f"connector {found.kafka.topics}.erp would not work:"
        assert [line.split(":")[0].strip() for line in lines[1:]] == ["database.port", "decimal.handling.mode"]
        assert "Value must be one of string, double, precise" in lines[2]
        with pytest.raises(RejectedError, match='database "nowhere" does not exist'):
            await found.written(database_dbname="nowhere").apply(erp)
        assert (await found.connectors.status(erp)).state == "ABSENT"


async def is_stopped(found: Distributed, erp: Captured) -> bool:
    """The server may take a moment to see that its reader has gone."""
    stopped = await found.connectors.status(erp)
    return (stopped.state, stopped.trouble) == ("STOPPED", f"nobody reads its slot {erp.slot}")


async def test_a_connector_and_its_troubles(kafka: Kafka, data: Path) -> None:
    async with distributed(kafka, data) as found:
        config = written(found.data, found.kafka, *found.settings.sources)
        applied = connect(config, "apply", "erp")
        assert (applied.returncode, applied.stderr) == (0, "")
        assert re.match(r"erp: connector t\d+\.erp is RUNNING, [\d,]+ bytes of log not confirmed\n$", applied.stdout)
        status = connect(config, "status")
        assert status.returncode == 1
        assert status.stdout.splitlines()[1:] == [
            f"east: connector {found.kafka.topics}.east is ABSENT",
            "  it was never applied",
        ]
        both = connect(config, "status", "--json")
        erp, east = map(json.loads, both.stdout.splitlines())
        assert (both.returncode, erp["state"], erp["reads"], erp["trouble"]) == (1, "RUNNING", True, None)
        assert east == {
            "source": "east",
            "connector": f"{found.kafka.topics}.east",
            "state": "ABSENT",
            "reads": False,
            "lag_bytes": None,
            "trouble": "it was never applied",
        }
        erp = found.database("erp")
        assert re.search("Publication autocreation is disabled", (await found.broken().apply(erp)).trouble)
        assert (await found.connectors.status(erp)).state == "FAILED"
        assert (await found.connectors.apply(erp)).reads
        await Connect(kafka.connect).stop(found.connectors.name(erp))
        await until(lambda: is_stopped(found, erp))
        restarted = connect(config, "restart", "erp")
        assert (restarted.returncode, restarted.stderr) == (0, "")
        nobody = connect(config, "status", "nobody")
        assert (nobody.returncode, nobody.stdout) == (2, "")
        assert nobody.stderr == "milepost: there is no source nobody: name one of erp, east\n"

"""What containers are made of: the compose file, the settings in them, and the steps that build their image."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from app.cli import app
from app.connectors import captured, connector_config
from app.settings import Config, read_config
from cdc import maven
from cdc.mariadb.database import RIGHTS
from tests.controls.serving import ROOT
from tests.controls.west import in_compose

COMPOSE = ROOT / "docker-compose.yml"
ENVIRONMENT = dict(line.split("=") for line in (ROOT / "deploy" / "env.example").read_text().split())

INSERT = re.compile(r"^insert into (\w+) values\b", re.MULTILINE)


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = YAML(typ="safe").load(COMPOSE)["services"]
    return found


@pytest.fixture(scope="module")
def settings() -> Config:
    """Of the containers."""
    return read_config(ROOT / "deploy" / "milepost.toml", ENVIRONMENT)


def test_the_file_is_what_compose_takes() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_a_service_waits_for_is_there_and_tells_when_it_is_ready(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        for name, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] != "service_healthy" or "healthcheck" in services[name]
            assert name in services


def test_every_variable_is_in_the_example() -> None:
    assert set(re.findall(r"\$\{(\w+)", COMPOSE.read_text())) == ENVIRONMENT.keys()


def test_the_settings_name_services_and_their_ports(services: dict[str, dict[str, Any]], settings: Config) -> None:
    assert settings.graph
    assert settings.kafka
    assert settings.kafka.connect
    urls = [settings.graph.dsn, settings.kafka.connect, f"//{settings.kafka.bootstrap}"]
    urls += [dsn for source in settings.sources for dsn in (source.dsn, source.write_dsn) if dsn]
    ports = {"graph": 5432, "erp": 5432, "east": 5432, "west": 3306, "kafka": 9092, "connect": 8083}
    for url in urls:
        place = urlsplit(url)
        assert place.hostname in services
        assert place.port == ports[place.hostname]


def test_the_worker_has_the_password_of_each_source(services: dict[str, dict[str, Any]], settings: Config) -> None:
    assert settings.kafka
    for source in settings.sources:
        config = connector_config(settings.kafka, captured(source, settings.kafka))
        [variable] = re.findall(r"\$\{env:(\w+)\}", config["database.password"])
        given = services["connect"]["environment"][variable]
        assert ENVIRONMENT[given.strip("${:?}")] == urlsplit(source.dsn).password


def test_the_worker_s_image_has_the_jars_that_were_tested() -> None:
    """And each connector a folder of its own."""
    text = (ROOT / "deploy" / "connect.Dockerfile").read_text()
    [copied] = re.findall(r"^COPY (cdc/.*) \./$", text, re.MULTILINE)
    assert copied.split() == [f"cdc/mariadb/{each}" for each in ("pom.xml", "jars.sha256")]
    assert all((ROOT / each).is_file() for each in copied.split())
    assert f"mvn {' '.join([*maven.OPTIONS, *maven.goal(Path('/jars'))])}\n" in text
    [place, removed] = re.findall(r" (/kafka/connect/\S+)$", text, re.MULTILINE)
    assert place == removed


def test_west_has_its_tables_and_who_captures_them(services: dict[str, dict[str, Any]], settings: Config) -> None:
    west = services["west"]
    [source] = [each for each in settings.sources if each.name == "west"]
    tables = re.findall(r"^create table (\w+)", (ROOT / "demo" / "sql" / "west.sql").read_text(), re.MULTILINE)
    assert set(captured(source).tables) <= set(tables)
    assert set(INSERT.findall("\n".join(in_compose()))) == set(tables)
    scripts = [volume.split(":")[:2] for volume in west["volumes"] if "initdb.d" in volume]
    assert [path for path, _ in sorted(scripts, key=itemgetter(1))] == [
        "./demo/sql/west.sql",
        "./deploy/west/users.sh",
        "./demo/sql/demo_west.sql",
    ]
    users = (ROOT / "deploy" / "west" / "users.sh").read_text()
    assert f"create user {urlsplit(source.dsn).username} " in users
    assert west["environment"]["MARIADB_DATABASE"] == urlsplit(source.dsn).path.strip("/")
    assert all(right.lower() in users for right in RIGHTS)
    assert {"--log-bin=binlog", "--binlog-format=ROW", "--binlog-row-image=FULL"} <= set(west["command"])


def test_the_commands_are_milepost_s(services: dict[str, dict[str, Any]]) -> None:
    ours = {name: service for name, service in services.items() if service.get("image") == "milepost"}
    assert ours.keys() == {"story", "connectors", "projector", "worker", "gateway", "token"}
    for name in ours.keys() - {"story", "token"}:
        app.parse_args(ours[name]["command"], exit_on_error=False, print_error=False)
    words, _, path = ours["token"]["command"][0].removeprefix("milepost ").partition(" > ")
    app.parse_args(words, exit_on_error=False, print_error=False)
    scraped = YAML(typ="safe").load(ROOT / "deploy/prometheus/prometheus.yml")["scrape_configs"][0]
    assert scraped["authorization"]["credentials_file"] == path


def test_what_is_mounted_is_there(services: dict[str, dict[str, Any]]) -> None:
    """And what Prometheus, Grafana and the router read names services and their ports."""
    for service in services.values():
        for volume in service.get("volumes", ()):
            if volume.startswith("./"):
                assert (ROOT / volume.partition(":")[0]).exists()
    scraped = YAML(typ="safe").load(ROOT / "deploy/prometheus/prometheus.yml")
    assert scraped["scrape_configs"][0]["static_configs"] == [{"targets": ["gateway:8000"]}]
    assert all((ROOT / "deploy/prometheus" / name).exists() for name in scraped["rule_files"])
    [source] = YAML(typ="safe").load(ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    panels = json.loads((ROOT / "deploy/grafana/dashboards/milepost.json").read_text())["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    [provider] = YAML(typ="safe").load(ROOT / "deploy/grafana/provisioning/dashboards/milepost.yml")["providers"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in services["grafana"]["volumes"]


def steps(stage: int) -> Iterator[tuple[str, str]]:
    """Instructions of a stage of the Dockerfile, with their arguments."""
    stages = (ROOT / "deploy" / "Dockerfile").read_text().split("\nFROM ")
    for line in stages[stage].splitlines()[1:]:
        if found := re.match(r"([A-Z]+) (.*)", line):
            yield found[1], found[2]


def test_the_image_is_built_from_the_lock(tmp_path: Path) -> None:
    """Its steps in a folder. Only the step that installs uv is left out: whoever runs this has it."""
    folder, environment = tmp_path / "app", {**os.environ}
    environment.pop("VIRTUAL_ENV", None)
    folder.mkdir()
    for instruction, arguments in steps(1):
        match instruction, shlex.split(arguments):
            case "ENV", assignments:
                environment |= dict(each.split("=") for each in assignments)
            case "COPY", [*sources, target]:
                for source in sources:
                    copy(ROOT / source, folder / target / source if target == "./" else folder / target)
            case "RUN", ["uv", *_] as command:
                subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    shutil.rmtree(folder / "app")
    milepost = [str(folder / ".venv" / "bin" / "milepost")]
    copy(ROOT / "deploy", tmp_path / "deploy")
    asked = subprocess.run([*milepost, "connect", "status"], cwd=tmp_path / "deploy", capture_output=True, text=True)
    assert asked.stderr.startswith(
        "milepost: milepost.toml: graph.dsn: the environment variable GRAPH_PASSWORD is not set"
    )
    said = subprocess.run([*milepost, "run", "--help"], cwd="/", capture_output=True, text=True, check=True)
    assert "projector" in said.stdout


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def test_nothing_in_the_image_runs_as_root() -> None:
    last = list(steps(2))
    assert last.index(("USER", "milepost")) < last.index(("ENTRYPOINT", '["milepost"]'))
    assert not any(instruction == "RUN" for instruction, _ in last[last.index(("USER", "milepost")) :])

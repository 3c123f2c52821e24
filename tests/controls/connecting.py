"""`milepost connect`, as people give it."""

import subprocess
from pathlib import Path

from app.settings import KafkaConfig, SourceSettings
from tests.controls.milepost import MILEPOST


def written(folder: Path, kafka: KafkaConfig, *sources: SourceSettings) -> Path:
    """The configuration, in this folder."""
    tables = [f'[sources.{s.name}]\nadapter = "{s.adapter}"\ndsn = "{s.dsn}"\n' for s in sources]
    text = f'[kafka]\nbootstrap = "{kafka.bootstrap}"\ntopics = "{kafka.topics}"\nconnect = "{kafka.connect}"\n'
    path = folder / "milepost.toml"
    path.write_text("\n".join([f'{text}connectors = "{kafka.connectors}"\n', *tables]))
    return path


def connect(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*MILEPOST, "connect", *arguments, "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, check=False)

"""What the tests of programs from npm share."""

from pathlib import Path

import pytest

from tests.controls.node import install

NPM = Path(__file__).parents[1] / "npm"


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our scripts and their packages."""
    return install(NPM, tmp_path_factory.mktemp("npm") / "tests")

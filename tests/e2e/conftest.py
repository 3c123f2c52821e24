"""One Milepost for the tests of a module."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.controls.milepost import Milepost, milepost
from tests.controls.selling import MASTER_DATA


@pytest.fixture(scope="module")
def module_data() -> Iterator[Path]:
    """A data folder that the tests of a module share."""
    with tempfile.TemporaryDirectory(prefix="milepost-test-", ignore_cleanup_errors=True) as data:
        yield Path(data).resolve()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(module_data: Path) -> AsyncIterator[Milepost]:
    """Milepost over an ERP and a warehouse that hold master data and no order."""
    async with milepost(module_data) as found:
        await found.write("erp", *MASTER_DATA)
        yield found

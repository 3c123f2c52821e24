"""What the runner says of a session that ended."""

import logging
from collections.abc import Iterator

import pytest

from cdc.memory import MemorySource
from orders.errors import TransientError
from projections import runner
from projections.database import Connection
from projections.runner import Runner
from projections.sharing import FencedError


async def ended_by(errors: list[Exception]) -> None:
    """One session by each, in turn."""
    left: Iterator[Exception] = iter(errors)

    async def connect() -> Connection:
        if (error := next(left, None)) is not None:
            raise error
        running.stop()
        raise OSError("no more")

    running = Runner(MemorySource([]), {}, connect)
    await running.run()


async def test_a_mistake_of_ours_is_told_with_its_place_and_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(runner, "LONGEST_PAUSE", 0.0)
    foreseen = [OSError("gone"), TransientError("busy"), FencedError("erp")]
    with caplog.at_level(logging.WARNING, "milepost.projector"):
        await ended_by([*foreseen, KeyError("tbl"), KeyError("tbl"), KeyError("op"), OSError("gone")])
    told = [(record.getMessage().partition(": ")[2], record.exc_info is not None) for record in caplog.records]
    assert told == [
        ("OSError: gone", False),
        ("TransientError: busy", False),
        ("FencedError: another projector has moved the checkpoint of erp, or it is to be read anew", False),
        ("KeyError: 'tbl'", True),
        ("KeyError: 'tbl'", False),
        ("KeyError: 'op'", True),
        ("OSError: gone", False),
        ("OSError: no more", False),
    ]

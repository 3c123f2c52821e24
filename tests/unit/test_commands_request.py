"""What a command request must look like, and which ones are the same."""

import msgspec
import pytest

from commands.log import CommandKind, CommandRequest, accept, digest, new_id
from orders.errors import RejectedError
from tests.controls import commands as controls


class NoConnection:
    """Reaching for it fails: the request must be rejected before."""


async def refused(request: CommandRequest) -> str:
    with pytest.raises(RejectedError) as caught:
        await accept(NoConnection(), request)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_has_one_to_two_hundred_characters(key: str) -> None:
    assert "1 to 200" in await refused(controls.hold(key))


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_what_postgres_cannot_store_is_refused(text: str) -> None:
    assert "not valid" in await refused(controls.hold(key=text))
    assert "not valid" in await refused(controls.hold(note=text))
    assert "not valid" in await refused(controls.hold(order=text))


async def test_a_note_is_bounded() -> None:
    assert "2000" in await refused(controls.hold(note="n" * 2001))


async def test_the_payload_is_of_the_kind() -> None:
    wrong = msgspec.structs.replace(controls.hold(), kind=CommandKind.RELEASE_HOLD)
    assert "RELEASE_HOLD" in await refused(wrong)


def test_the_digest_is_of_kind_order_and_payload() -> None:
    first = controls.hold()
    assert digest(first) == digest(msgspec.structs.replace(first, key="k9", client="shop", requested_by="bob"))
    others = [controls.release(), controls.hold(order="1043"), controls.hold(note="other")]
    assert len({digest(request) for request in [first, *others]}) == 4


def test_ids_are_unique_sortable_and_short_enough_for_the_partner() -> None:
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == len(ids)
    assert all(len(id_) == 36 and id_[16] == "7" for id_ in ids)
    milliseconds = [id_[4:16] for id_ in ids]
    assert milliseconds == sorted(milliseconds)

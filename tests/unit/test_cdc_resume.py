"""Going on behind a checkpoint is allowed only when the source provably still has all that follows."""

import pytest
from msgspec.structs import replace

from cdc.change import Checkpoint, Position
from cdc.database import CapturedDatabase, Server, Slot
from cdc.resume import Anew, Continue, Identity, decide, identity, sealed
from orders.errors import StartError

ERP = CapturedDatabase("erp", "postgresql://u:p%40ss@db.example:5433/erp", ("public.a", "public.b"))
SLOT = Slot(database="erp", confirmed=400, lost=False)
SERVER = Server(
    system="7001",
    timeline=1,
    log_end=500,
    next_transaction=800,
    wal_level="logical",
    may_replicate=True,
    may_publish=True,
    missing=[],
    keyless=[],
    published=["public.b", "public.a"],
    slot=SLOT,
)
OFFSET = b'{"lsn":400,"txId":799}'
CHECKPOINT = Checkpoint("erp", Position(2, 400, 3), sealed(identity(SERVER), OFFSET))


def test_goes_on_behind_the_checkpoint() -> None:
    assert decide(ERP, SERVER, CHECKPOINT) == Continue(OFFSET)


def test_a_slot_that_lags_behind_the_checkpoint_is_fine() -> None:
    assert decide(ERP, replace(SERVER, slot=replace(SLOT, confirmed=1)), CHECKPOINT) == Continue(OFFSET)


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (replace(SERVER, slot=None), "its slot milepost_erp is gone"),
        (replace(SERVER, slot=replace(SLOT, lost=True)), "lost the log"),
        (replace(SERVER, slot=replace(SLOT, confirmed=None)), "lost the log"),
        (replace(SERVER, slot=replace(SLOT, confirmed=401)), "ahead of the checkpoint 2/0/190/3"),
        (replace(SERVER, system="7002"), "another server"),
        (replace(SERVER, timeline=2), "timeline moved from 1 to 2"),
        (replace(SERVER, next_transaction=799), "not come to transaction 799 yet"),
        (replace(SERVER, next_transaction=2**32 - 5), "restored from an older backup"),
        (replace(SERVER, log_end=399), "restored from an older backup"),
        (replace(SERVER, published=["public.a"]), "other tables"),
        (replace(SERVER, published=None), "other tables"),
    ],
)
def test_any_gap_asks_for_a_snapshot(server: Server, why: str) -> None:
    decision = decide(ERP, server, CHECKPOINT)
    assert isinstance(decision, Anew)
    assert why in decision.reason
    assert not decision.expected


@pytest.mark.parametrize(
    "checkpoint",
    [
        replace(CHECKPOINT, snapshotting=True),
        replace(CHECKPOINT, resume=None),
        replace(CHECKPOINT, resume=b"{"),
        replace(CHECKPOINT, resume=b'{"offset":{}}'),
    ],
)
def test_half_a_snapshot_or_an_unreadable_checkpoint_asks_for_one(checkpoint: Checkpoint) -> None:
    assert isinstance(decide(ERP, SERVER, checkpoint), Anew)


def test_the_first_start_is_no_loss() -> None:
    decision = decide(ERP, SERVER, None)
    assert isinstance(decision, Anew)
    assert decision.expected


def test_an_offset_stays_as_it_was() -> None:
    offset = b'{"lsn":12345678901234567,"a":null,"x":"\\u00e9"}'
    checkpoint = replace(CHECKPOINT, resume=sealed(Identity("7001", 1), offset))
    assert decide(ERP, SERVER, checkpoint) == Continue(offset)


def test_a_database_is_named_without_its_password() -> None:
    assert ERP.where == "source erp (db.example:5433/erp)"
    assert (ERP.slot, ERP.publication, ERP.database) == ("milepost_erp", "milepost_erp", "erp")
    assert ERP.table_parts == (["public", "public"], ["a", "b"])


@pytest.mark.parametrize(
    ("name", "dsn", "tables"),
    [
        ("Erp", "postgresql://h/d", ("public.a",)),
        ("", "postgresql://h/d", ("public.a",)),
        ("erp", "mysql://h/d", ("public.a",)),
        ("erp", "postgresql://h", ("public.a",)),
        ("erp", "postgresql://h/d", ("a",)),
        ("erp", "postgresql://h/d", ("a.b,c.d",)),
        ("erp", "postgresql://h/d", ()),
    ],
)
def test_a_database_that_cannot_be_is_refused(name: str, dsn: str, tables: tuple[str, ...]) -> None:
    with pytest.raises(StartError, match="source"):
        CapturedDatabase(name, dsn, tables)

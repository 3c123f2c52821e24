"""Random histories of a few orders over two sources: rows that come, change, move between documents and go."""

import random
from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from cdc.change import Op, Snapshot, Transaction
from tests.controls.projecting import Written, deleted, header, line, transaction, truncated

ORDERS = ("1", "2", "3")
_ERP, _EAST = ("public.ordhdr", "public.ordlin"), ("public.wh_order", "public.wh_shipment", "public.wh_scan")


def east_order(number: int, quoted: int, op: Op = Op.UPDATE, state: str = "NEW") -> Written:
    row = {"id": number, "code": f"EO{number}", "client_ref": str(quoted), "state": state}
    return "public.wh_order", op, {"id": number}, row | {"acked_at": None, "received_at": "2026-03-02T10:00:00Z"}


def east_shipment(number: int, of: int, op: Op = Op.UPDATE, **other: Any) -> Written:
    row = {"id": number, "code": f"ES{number}", "order_id": of, "carrier": "UPSN", "service": None, "void": False}
    at = {"created_at": "2026-03-02T12:00:00Z", "shipped_at": None, "eta": None, "pod_name": None, "pod_at": None}
    return "public.wh_shipment", op, {"id": number}, row | at | {"tracking_no": f"1Z{number}"} | other


def east_scan(number: int, of: int, op: Op = Op.UPDATE, code: str = "AF", **other: Any) -> Written:
    row = {"id": number, "shipment_id": of, "code": code, "scanned_at": "2026-03-03T10:00:00", "utc_offset": "+00:00"}
    return "public.wh_scan", op, {"id": number}, row | {
        "received_at": "2026-03-03T11:00:00Z", "reason": None, "city": "Reno", "region": "NV",
    } | other  # fmt: skip


class History:
    """`transactions` are all that its seed gives; each is of one source and has a place behind the one before."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._epochs = {"erp": 1, "east": 1}
        self._log = 0

    def transactions(self, length: int) -> Iterator[Transaction]:
        for _ in range(length):
            source = self._rng.choice(("erp", "east"))
            match self._rng.randrange(12):
                case 0:
                    yield from self._snapshot(source)
                case 1:
                    yield self._next(source, truncated(self._rng.choice(_ERP if source == "erp" else _EAST)))
                case _:
                    yield self._next(source, *(self._row(source) for _ in range(self._rng.randint(1, 3))))

    def _snapshot(self, source: str) -> Iterator[Transaction]:
        """Of some of the rows; the other source may go on meanwhile."""
        self._epochs[source] += 1
        for _ in range(self._rng.randint(0, 2)):
            yield self._next(source, *(self._row(source, Op.READ) for _ in range(3)), snapshot=Snapshot.PART)
            if self._rng.random() < 0.5:
                other = "east" if source == "erp" else "erp"
                yield self._next(other, self._row(other))
        yield self._next(source, self._row(source, Op.READ), snapshot=Snapshot.LAST)

    def _next(self, source: str, *written: Written, snapshot: Snapshot = Snapshot.NO) -> Transaction:
        self._log += 1
        unique = {(table, repr(key)): each for each in written for table, _, key, _ in (each,)}
        return transaction(self._log, *unique.values(), epoch=self._epochs[source], snapshot=snapshot, source=source)

    def _row(self, source: str, op: Op = Op.UPDATE) -> Written:
        made = self._erp(op) if source == "erp" else self._east(op)
        return deleted((made[0], Op.DELETE, *made[2:])) if op is Op.UPDATE and self._rng.random() < 0.15 else made

    def _erp(self, op: Op) -> Written:
        number, rng = self._rng.randint(1, 3), self._rng
        if rng.random() < 0.5:
            return line(number, op, qtyord=f"{rng.randint(1, 9)}.000")
        status = rng.choice(["20", "20", "20", "??"])  # one that nobody can read
        note = (
            UNSET if op is Op.UPDATE and rng.random() < 0.3 else f"note {rng.randint(1, 9)}"
        )  # a large one is left out
        return header(number, op, ordsts=status, cuspo=f"PO-{rng.randint(1, 9)}", ordnte=note)

    def _east(self, op: Op) -> Written:
        rng = self._rng
        match rng.randrange(3):
            case 0:
                return east_order(rng.randint(1, 3), rng.randint(1, 4), op, rng.choice(["NEW", "ACK", "??"]))
            case 1:
                return east_shipment(rng.randint(1, 3), rng.randint(1, 4), op)
        return east_scan(rng.randint(1, 4), rng.randint(1, 4), op, rng.choice(["AF", "X1", "D1"]))

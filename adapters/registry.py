"""The adapters that Milepost ships, one line each."""

from collections.abc import Callable
from typing import NamedTuple

from adapters.erp_legacy import mapping as erp_legacy
from adapters.erp_legacy.client import ErpHolds
from adapters.tryton import mapping as tryton
from adapters.wms_east import mapping as wms_east
from adapters.wms_west import mapping as wms_west
from commands.ports import OrderHolds
from orders.errors import StartError
from projections.mapping import SourceMapping


class Adapter(NamedTuple):
    """`holds` makes the write path from a DSN; None where the system takes no such command."""

    mapping: SourceMapping
    holds: Callable[[str], OrderHolds] | None = None


ADAPTERS: dict[str, Adapter] = {
    "erp_legacy": Adapter(erp_legacy.MAPPING, ErpHolds),
    "tryton": Adapter(tryton.MAPPING),
    "wms_east": Adapter(wms_east.MAPPING),
    "wms_west": Adapter(wms_west.MAPPING),
}


def adapter(name: str) -> Adapter:
    """Raises StartError for a name that is not in the registry."""
    try:
        return ADAPTERS[name]
    except KeyError:
        raise StartError(f"there is no adapter {name!r}: use one of {', '.join(sorted(ADAPTERS))}") from None


def holds(name: str, write_dsn: str) -> OrderHolds | None:
    """The adapter's way to hold orders, if it has one."""
    make = adapter(name).holds
    return make(write_dsn) if make else None

"""How many items a list has, and what is dear, declared for those who estimate costs: us, and a router."""

from strawberry import UNSET
from strawberry.federation.schema_directives import Cost, ListSize

PAST_COST = Cost(weight=500)
"""Of an order that is replayed: as much as reading so many objects."""


def sized(assumed: int) -> ListSize:
    """Declares how many items a list is taken to have."""
    return ListSize(
        assumed_size=assumed, slicing_arguments=UNSET, sized_fields=UNSET, require_one_slicing_argument=False
    )


def sliced(*arguments: str, fields: tuple[str, ...] = ()) -> ListSize:
    """Declares the arguments that say how many; for a connection also its fields that hold them."""
    return ListSize(
        assumed_size=UNSET,
        slicing_arguments=list(arguments),
        sized_fields=list(fields) or UNSET,
        require_one_slicing_argument=False,
    )

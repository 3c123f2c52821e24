"""A page of the feed as SQL."""

from gateway.cursors import FEED_CURSOR, feed_position
from gateway.plan.binding import Arguments, Bound, Placed, UncompilableError, sound
from gateway.plan.compiler import Compiler, object_type
from gateway.plan.listing import conditions_in
from gateway.statements import SQL
from gateway.types.common import page_size
from gateway.types.event import MOST, PAGE
from orders.errors import RejectedError

_CONDITIONS = conditions_in("feed_page")
_ORDER, _TYPES = _CONDITIONS[3], _CONDITIONS[5]
_BEYOND = "f.position > (select start from place) and f.position <= (select head from place)"


class Events:
    """As `Query.events`: one row more than is shown is read, which tells whether more follows."""

    def bind(self, arguments: Arguments) -> Bound:
        after, order_id, types = arguments.get("after"), arguments.get("order_id"), arguments.get("types")
        try:
            start = None if after is None else feed_position(after)
            size = page_size(arguments.get("first"), PAGE, MOST)
        except RejectedError as error:
            raise UncompilableError(str(error)) from None
        wanted = {_ORDER: sound(order_id), _TYPES: None if types is None else sorted({t.value for t in types})}
        used = {condition: value for condition, value in wanted.items() if value is not None}
        return Bound(tuple(used), [start, size, *used.values()])

    def sql(self, compiler: Compiler, at: Placed) -> str:
        size = f"${at.first + 1}::int"
        wanted = [condition.format(f"${at.first + 2 + n}") for n, condition in enumerate(at.variant)]
        page = f"select f.* from record.feed f where {' and '.join([_BEYOND, *wanted])} order by f.position limit"
        more = f"(select count(*) from page) > {size}"
        last = f"case when {more} then (select max(position) from shown) else head end"
        row = f"select *, {more} as has_more, {FEED_CURSOR.format(position=f'({last})')} as cursor from place"
        return (
            f"with place as ({SQL['feed_place'].replace('$1', f'${at.first}')}), page as ({page} {size} + 1),"
            f" shown as (select * from page order by position limit {size})"
            f" {compiler.first(row, object_type(at.kind), at.details)}"
        )

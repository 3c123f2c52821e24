"""F20: TRUNCATE takes back what the table's rows told, and nothing else; what comes behind it is told anew."""

from cdc.change import Transaction
from projections.database import Connection
from projections.projector import Advanced, Projector
from tests.controls import projecting
from tests.controls.projecting import header, line, order, transaction, truncated
from tests.controls.story import MAPPINGS

ORDERS = "select o.id, count(l) from graph.orders o left join graph.line l on l.order_id = o.id group by 1 order by 1"
LINES, HEADERS = truncated("public.ordlin"), truncated("public.ordhdr")


async def projected(graph: Connection, *transactions: Transaction) -> list[tuple[str, int]]:
    """Orders with how many lines, after one batch."""
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    assert isinstance(await projector.project(transactions), Advanced)
    await projecting.check(graph)
    return [tuple(row) for row in await graph.fetch(ORDERS)]


async def test_the_lines_go_and_the_orders_stay(graph: Connection) -> None:
    assert await projected(graph, order(1, 1), order(2, 2), transaction(3, LINES), order(4, 4)) == [
        ("1", 0),
        ("2", 0),
        ("4", 1),
    ]


async def test_with_all_that_refers_to_it(graph: Connection) -> None:
    await projected(graph, order(1, 1), order(2, 2))
    assert await projected(graph, transaction(3, HEADERS, LINES)) == []
    assert await projected(graph, order(4, 1)) == [("1", 1)]


async def test_in_the_middle_of_a_transaction(graph: Connection) -> None:
    """What the same transaction told before is gone too; what it tells behind stays."""
    await projected(graph, order(1, 1))
    both = transaction(2, header(2), line(2), LINES, header(3), line(3))
    assert await projected(graph, both) == [("1", 0), ("2", 0), ("3", 1)]


async def test_of_a_table_that_is_empty(graph: Connection) -> None:
    assert await projected(graph, transaction(1, LINES), order(2, 2)) == [("2", 1)]


async def test_that_comes_again(graph: Connection) -> None:
    emptied = transaction(2, LINES)
    await projected(graph, order(1, 1), emptied, order(3, 3), emptied)
    assert await projected(graph, order(4, 4), order(3, 3), emptied) == [("1", 0), ("3", 1), ("4", 1)]

"""F19: rows get other keys, and the projector dies over it. An order that gets another number is one order still: its
lines follow, and nothing is left under the old one. C1, C3."""

from pathlib import Path

from tests.controls.accounting import DISORDER, REMAINDERS
from tests.controls.crash_projector import WRITTEN, dies, installed, projector
from tests.controls.milepost import Installed, owner
from tests.controls.selling import MASTER_DATA, SELL
from tests.controls.sql import run

ORDERS = 20
FOLLOW = """
alter table ordlin drop constraint ordlin_ordno_fkey,
    add foreign key (ordno) references ordhdr on update cascade
"""
RENUMBER = "update ordhdr set ordno = ordno + 500000 where ordno between 1000005 and 1000009"
BACK = "update ordhdr set ordno = ordno - 500000 where ordno between 1500005 and 1500006"
RELINE = "update ordlin set linno = linno + 7 where ordno < 1000003"
LINES = """
select o.number::int, count(l.*)::int from graph.orders o left join graph.line l on l.order_id = o.id
where o.number is not null group by o.number order by o.number
"""


async def test_the_order_is_one_still_and_its_lines_follow(data: Path) -> None:
    async with installed(data) as whole:
        erp = owner(whole.settings, "erp")
        await whole.write("erp", *MASTER_DATA)
        await run(erp, SELL.format(ORDERS), FOLLOW)
        async with projector(data):
            await is_right(whole, *range(1_000_000, 1_000_020))
        async with projector(data, f"{WRITTEN}:1") as process:
            await run(erp, RENUMBER)
            await dies(process)
        async with projector(data):
            moved = [*range(1_000_000, 1_000_005), *range(1_000_010, 1_000_020), *range(1_500_005, 1_500_010)]
            await is_right(whole, *moved)
            await run(erp, BACK, RELINE)
            back = [*range(1_000_000, 1_000_007), *range(1_000_010, 1_000_020), *range(1_500_007, 1_500_010)]
            await is_right(whole, *back)


async def is_right(whole: Installed, *numbers: int) -> None:
    verdict = await whole.verdict()
    assert verdict.verified, verdict
    assert [tuple(row) for row in await whole.fetch(LINES)] == [(number, 2) for number in numbers]
    assert await whole.fetch(DISORDER) == []
    assert await whole.fetch(REMAINDERS) == []

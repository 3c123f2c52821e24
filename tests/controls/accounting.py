"""The story told to an installation whose processes may die, and the account at its end: checkers C1, C2, C3, C10."""

import asyncpg

from app.settings import Settings
from demo.player import play
from demo.story import Story
from tests.controls.milepost import SECONDS, Installed
from tests.controls.story import MAPPINGS
from tests.controls.waiting import until

LEDGER = """
select source, split_part(transaction, ':', 1), tbl, op from record.ledger where snapshot = 'no'
order by source, epoch, log, ordinal
"""
DISORDER = """
select order_id from record.feed group by order_id
having min(version) <> 1 or max(version) <> count(*) or count(distinct key) <> count(*)
"""
REMAINDERS = "select source from record.checkpoint where seen <> applied + superseded + dead + filtered"


async def tell(whole: Installed, story: Story) -> None:
    """To its end; the player is started again when its databases go away, maybe to another port."""

    async def told() -> bool:
        ways = {source.name: source.write_dsn or "" for source in Settings.load(whole.data).sources}
        try:
            await play(story, ways["erp"], ways["east"], rate=None)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            return False
        return True

    await until(told, SECONDS)


async def streamed(whole: Installed, source: str) -> list[tuple[str, ...]]:
    """(transaction, table, operation) of each change of this source that came by its log."""
    return [tuple(row[1:]) for row in await whole.fetch(LEDGER) if row[0] == source]


async def check_so_far(whole: Installed) -> None:
    """Whatever died just now: the record is a beginning of what was written, in order, accounted for."""
    for source in MAPPINGS:
        ledger = await streamed(whole, source)
        assert ledger == (await whole.audited(source))[: len(ledger)]
    assert await whole.fetch(DISORDER) == []
    assert await whole.fetch(REMAINDERS) == []


async def check(whole: Installed) -> None:
    """Nothing lost, nothing doubled, in order, accounted for."""
    verdict = await whole.verdict()
    assert (verdict.replay, verdict.direct) == ([], [])
    assert all(account.balanced for account in verdict.accounts), verdict.accounts
    for source in MAPPINGS:
        assert await streamed(whole, source) == await whole.audited(source)
    await check_so_far(whole)
    assert await whole.fetch("select from record.dead_letter") == []

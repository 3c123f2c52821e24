"""The answers of compiled documents. What is asked for again is kept, and sent as long as nothing of it has changed."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import asyncpg
import msgspec

from gateway.auth import Principal, Role
from gateway.cost import objects_in
from gateway.errors import OUTAGES, unavailable
from gateway.lanes import Lanes
from gateway.plan.kept import Kept
from gateway.plan.plans import Plan, Plans
from gateway.plan.revisions import Asking, Revisions
from orders.errors import TransientError

REQUESTS = 20_000
"""Requests that are remembered."""
LARGEST_REQUEST, LARGEST_ANSWER = 8 * 1024, 256 * 1024
"""Bytes of those that are."""
MEMORY = 96 * 1024 * 1024
"""Bytes of all answers that are kept and of all requests that are remembered."""
TIMES = 6
"""What a request takes in memory with its parameters and its plan, in its own bytes: 23 kB for one of 4 kB."""

log = logging.getLogger("milepost.gateway")

Key = tuple[bytes, Role, frozenset[str]]
UNKNOWN = "?"
"""The subject of what was found and belongs to no order."""
_REVISIONS = msgspec.json.Decoder(dict[str, int | None])


class Answer(NamedTuple):
    """`objects` are how many are in the data, which is JSON; `lacking`: the ordinary way must say which entity is not.

    `revisions` are as of the instant of `data`, and one Postgres's own: of the `era` between broken connections.
    """

    data: bytes
    objects: int
    lacking: bool
    revisions: Mapping[str, int | None]
    era: int


class Asked:
    """A request that compiles, and its answer where that is kept. `note` goes with each answer.

    `weight` is the memory that it takes without the answer, in bytes, more or less.
    """

    __slots__ = ("answer", "note", "plan", "remembered", "times", "weight")

    def __init__(self, plan: Plan, weight: int) -> None:
        self.plan = plan
        self.weight = weight
        self.times = 0
        self.remembered = False
        self.note = b""
        self.answer: Answer | None = None

    @property
    def whole(self) -> bool:
        """Nothing is left to resolvers."""
        return self.plan.statement.rest is None


class Answers:
    """By request, role and scope: nobody gets what was made for another one."""

    def __init__(self, lanes: Lanes, plans: Plans) -> None:
        self._lanes = lanes
        self.plans = plans
        self.asking = Asking(lanes)
        self._asked: Kept[Key, Asked] = Kept(REQUESTS, self._drop)
        self._bytes = 0
        self._era = 0
        lanes.lost = self.forget

    def find(self, raw: bytes, caller: Principal) -> Asked | None:
        """A request that was made before, by its bytes."""
        return self._asked.find((raw, caller.role, caller.scope))

    def plan(
        self, raw: bytes, query: str, variables: dict[str, Any], name: str | None, caller: Principal
    ) -> Asked | None:
        """None for what must go the ordinary way."""
        plan = self.plans.plan(query, variables, name, caller)
        if plan is None:
            return None
        asked = Asked(plan, TIMES * len(raw))
        if len(raw) > LARGEST_REQUEST:
            return asked
        found = self._asked.get((raw, caller.role, caller.scope), lambda: asked)
        if found is asked:
            asked.remembered = True
            self._take(asked.weight)
        return found

    async def answer(self, asked: Asked) -> Answer | None:
        """None when the ordinary way must try, and say what is wrong. Raises TransientError for what takes too long."""
        try:
            answer = await self._answer(asked)
            return None if answer.lacking else answer
        except asyncpg.QueryCanceledError:
            raise TransientError("it takes too long; ask for less at once") from None
        except TimeoutError:
            # It has had its time: the ordinary way would take as much again, and what waits behind it, too.
            raise unavailable() from None
        except OUTAGES:
            return None
        except asyncpg.PostgresError as error:
            log.warning("a compiled statement failed: %s\n%s", error, asked.plan.statement.sql)
            return None

    def forget(self) -> None:
        """Behind a broken connection there may be another Postgres, whose transactions have the same numbers."""
        self._asked.clear()
        self._era += 1

    def sizes(self) -> tuple[int, int]:
        """Requests that are remembered, and the bytes of these and of kept answers."""
        return len(self._asked), self._bytes

    def holds(self, answer: Answer, now: Revisions) -> bool:
        """Whether it is what would be read anew, by the revisions of its subjects as they were asked for since."""
        return answer.era == self._era and all(now.get(each) == was for each, was in answer.revisions.items())

    async def _answer(self, asked: Asked) -> Answer:
        asked.times += 1
        subjects = asked.plan.subjects
        if asked.times == 1 or subjects is None or not asked.remembered:
            return await self._read(asked.plan)
        if (answer := asked.answer) is not None and self.holds(answer, await self.asking.of(answer.revisions)):
            return answer
        return await self._keep(asked, subjects)

    async def _read(self, plan: Plan) -> Answer:
        row = await self._lanes.row(plan.statement.sql, *plan.parameters)
        assert row is not None
        return answer_of(plan, row[0], {}, self._era)

    async def _keep(self, asked: Asked, subjects: frozenset[str]) -> Answer:
        plan, era = asked.plan, self._era
        row = await self._lanes.row(with_revisions(plan), *plan.parameters, sorted(subjects))
        assert row is not None
        answer = answer_of(plan, row[0], _REVISIONS.decode(row[1]), era)
        self._release(asked)
        if asked.remembered and len(answer.data) <= LARGEST_ANSWER and UNKNOWN not in answer.revisions:
            asked.answer = answer
            self._take(len(answer.data))
        return answer

    def _take(self, size: int) -> None:
        self._bytes += size
        while self._bytes > MEMORY:
            self._asked.drop_oldest()

    def _drop(self, asked: Asked) -> None:
        asked.remembered = False
        self._bytes -= asked.weight
        self._release(asked)

    def _release(self, asked: Asked) -> None:
        if asked.answer is not None:
            self._bytes -= len(asked.answer.data)
            asked.answer = None


def answer_of(plan: Plan, data: bytes, revisions: Mapping[str, int | None], era: int) -> Answer:
    return Answer(data, objects_in(data), plan.statement.lacks(data), revisions, era)


def with_revisions(plan: Plan) -> str:
    """The plan's answer, and the revisions of what it depends on, as of the same instant."""
    subjects = f"unnest(${len(plan.parameters) + 1}::text[])"
    if plan.statement.found is not None:
        subjects = f"(select * from {subjects} union {plan.statement.found})"
    return (
        f"select ({plan.statement.sql}), (select json_object_agg(s, r.revision)::text"
        f" from {subjects} as s (s) left join graph.revision r on r.subject = s)"
    )

"""How an operation would be answered, for people: `milepost explain`, and `extensions.plan` for admins."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from gateway.cost import MOST
from gateway.plan.plans import Plan


class Explanation(Struct, frozen=True):
    """`path` is compiled, mixed or executed; `executed` are the response keys that resolvers answer, and why.

    `kept_by` are the subjects whose revisions tell whether a kept answer still holds; None: it is not kept.
    """

    path: str
    cost: int
    allowed: int
    sql: str | None
    parameters: Sequence[object]
    executed: Mapping[str, str]
    kept_by: Sequence[str] | None


def explained(plan: Plan) -> Explanation:
    statement = plan.statement
    whole = not statement.reasons
    return Explanation(
        path="compiled" if whole else "mixed" if statement.sql else "executed",
        cost=plan.cost,
        allowed=MOST,
        sql=statement.sql or None,
        parameters=plan.parameters if statement.sql else (),
        executed=statement.reasons,
        kept_by=sorted(plan.subjects) if whole and plan.subjects is not None else None,
    )

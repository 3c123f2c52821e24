"""What schemathesis looks for, beside its own checks; it reads this module as its hooks."""

from typing import Any

import schemathesis
from requests import Response


@schemathesis.check
def answers_as_graphql(ctx: Any, response: Response, case: Any) -> None:
    """No failure of ours, however the document and its variables look; what is refused is told with a code."""
    assert response.status_code < 500, response.status_code
    answer = response.json()
    assert isinstance(answer, dict)
    assert answer.keys() & {"data", "errors"}
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert codes <= {"BAD_REQUEST", "NOT_FOUND", "FORBIDDEN", "CONFLICT"}, codes

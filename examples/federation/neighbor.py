"""What both neighbors are: a subgraph over ASGI that lets in who has a token that Milepost believes too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.federation import Schema

from gateway.auth import Principal, TokenCheck
from gateway.errors import UnauthenticatedError

VERSION: Final = "2.9"
"""Of federation."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class Asked(Generic[Row]):
    """What resolvers get: who asks, and the rows by their keys."""

    caller: Principal
    rows: Mapping[str, Row]


class Neighbor(GraphQL[Asked[Row], None]):
    """Answers POST of JSON on any path."""

    def __init__(self, schema: Schema, tokens: TokenCheck, rows: Mapping[str, Row]) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self._tokens = tokens
        self._rows = rows

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Any:
        try:
            return Asked(await self._tokens.bearer(request.headers.get("authorization")), self._rows)
        except UnauthenticatedError as error:
            raise HTTPException(401, str(error)) from None

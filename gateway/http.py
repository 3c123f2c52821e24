"""GraphQL over HTTP: POST of JSON, or GET for what only reads; one operation a request."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
from graphql import GraphQLError
from msgspec.structs import replace
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from gateway.asgi import (
    NO_STORE,
    Headers,
    Receive,
    Scope,
    Send,
    header,
    respond,
    respond_json,
)
from gateway.auth import Principal, TokenCheck
from gateway.compression import compressed
from gateway.context import Context
from gateway.cost import DOOR, REFUSED, Told, most, told
from gateway.documents import Documents
from gateway.errors import BAD_REQUEST, UNAVAILABLE, ThrottledError, UnauthenticatedError, tell
from gateway.leaving import ClientGoneError, Watched
from gateway.plan.answers import Answers, Asked
from gateway.plan.explaining import explained
from gateway.plan.plans import Plan
from gateway.requests import MODERN, Request, UnusableError, negotiated, raw_request, wants_plan
from gateway.schema import GatewaySchema
from gateway.throttle import Lease
from orders.errors import NotFoundError, RejectedError, TransientError
from orders.outages import FAILED

_ALLOWED = {"GET": {OperationType.QUERY}, "POST": {OperationType.QUERY, OperationType.MUTATION}}
CHALLENGE = ((b"www-authenticate", b"Bearer"),)


@dataclass(frozen=True)
class HttpView:
    """Answers one GET or POST. `context` is forked for it."""

    schema: GatewaySchema
    answers: Answers
    tokens: TokenCheck
    documents: Documents
    context: Context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            # First of all: nothing of a stranger's request is read.
            caller = await self.tokens.bearer(header(scope, b"authorization"))
            lease = self.context.throttle.lease(caller)
            await lease.take(DOOR)
            raw, read = await raw_request(scope, receive)
            with Watched(receive):
                request, asked = None, self.answers.find(raw, caller)
                if asked is None:
                    raw, request = await self._meant(raw, read(raw))
                    asked = self.answers.find(raw, caller) or self._planned(raw, request, caller)
                if asked is not None and asked.plan.cost > most(lease):
                    asked = None
                if asked is not None and asked.whole and (body := await self._compiled(asked, lease)) is not None:
                    return await _send(scope, send, 200, body)
                request = request or read(raw)
                result = await self._execute(request, asked, caller, _ALLOWED[scope["method"]])
                if wants_plan(request, caller) and (plan := self._looked(request, caller)) is not None:
                    result.extensions = {**(result.extensions or {}), "plan": explained(plan)}
        except ClientGoneError:
            return None
        except UnauthenticatedError as error:
            await respond_json(send, 401, errors_of(error.code, str(error)), CHALLENGE)
        except ThrottledError as error:
            await respond_json(send, 429, errors_of(error.code, str(error)), _retry(error.seconds))
        except TransientError as error:
            await respond_json(send, 503, errors_of(error.code, str(error)), RETRY)
        except RejectedError as error:
            lease.settle(0, REFUSED)
            status = 404 if isinstance(error, NotFoundError) else 400
            await respond_json(send, status, errors_of(error.code, str(error)))
        except UnusableError as error:
            lease.settle(0, REFUSED)
            await respond_json(send, error.status, errors_of(BAD_REQUEST, str(error)), error.headers)
        except Exception as error:
            masked = tell(GraphQLError(str(error), original_error=error), uuid.uuid4().hex)
            await respond_json(send, 500, {"errors": [masked.formatted]})
        else:
            await _answer(scope, send, result)

    def _planned(self, raw: bytes, request: Request, caller: Principal) -> Asked | None:
        asked = self.answers.plan(raw, request.query, request.variables or {}, request.operation_name, caller)
        if asked is not None and wants_plan(request, caller):
            asked.note = b',"plan":' + msgspec.json.encode(explained(asked.plan), enc_hook=str)
        return asked

    async def _meant(self, raw: bytes, request: Request) -> tuple[bytes, Request]:
        """With the text that a document's id stands for; and bytes to remember it by, which no client can send."""
        if not (request.document_id or "persistedQuery" in (request.extensions or {}) or self.documents.only):
            return raw, request
        text = await self.documents.text(request.query or None, request.document_id, request.extensions)
        meant = replace(request, query=text, document_id=None)
        return b"\0" + msgspec.json.encode(meant), meant

    async def _compiled(self, asked: Asked, lease: Lease) -> bytes | None:
        """The body of the answer, paid for."""
        requested = asked.plan.cost
        await lease.take(requested - DOOR)
        answer = await self.answers.answer(asked)
        actual = DOOR if answer is None else max(answer.objects, DOOR)
        lease.settle(requested, actual)
        return None if answer is None else body_of(answer.data, told(lease, requested, actual), asked.note)

    def _looked(self, request: Request, caller: Principal) -> Plan | None:
        return self.answers.plans.look(request.query, request.variables or {}, request.operation_name, caller)

    async def _execute(
        self, request: Request, asked: Asked | None, caller: Principal, allowed: set[OperationType]
    ) -> ExecutionResult:
        context = self.context.fork()
        context.principal = caller
        more: dict[str, Any] = {
            "variable_values": request.variables,
            "operation_name": request.operation_name,
            "context_value": context,
            "allowed_operation_types": allowed,
        }
        try:
            if asked is not None and not asked.whole:
                with suppress(*FAILED, LookupError):  # the ordinary way says what is wrong
                    return await self.schema.complete(asked.plan, **more)
            return await self.schema.execute(request.query, **more)
        except MissingQueryError:
            raise UnusableError(400, "there is no query") from None
        except CannotGetOperationTypeError as error:
            raise UnusableError(400, error.as_http_error_reason()) from None
        except InvalidOperationTypeError as error:
            raise _misplaced(error.operation_type) from None


def _misplaced(kind: OperationType) -> UnusableError:
    if kind is OperationType.MUTATION:
        return UnusableError(405, "a mutation is sent by POST", _POST_ONLY)
    return UnusableError(400, "subscriptions need a WebSocket (graphql-transport-ws)")


def body_of(data: bytes, told: Told, note: bytes) -> bytes:
    return b'{"data":%b,"extensions":%b%b}}' % (data, msgspec.json.encode(told)[:-1], note)


async def _answer(scope: Scope, send: Send, result: ExecutionResult) -> None:
    errors = [error.formatted for error in result.errors or ()]
    if (seconds := next((each["extensions"].get("retryAfter") for each in errors), None)) is not None:
        await respond_json(send, 429, {"errors": errors, "extensions": result.extensions}, _retry(seconds))
        return
    if any(error["extensions"]["code"] == UNAVAILABLE for error in errors):
        # A part of the data without the rest would look like the truth.
        await respond_json(send, 503, {"errors": errors}, RETRY)
        return
    content: dict[str, Any] = {"errors": errors} if errors else {}
    # Nothing was executed: the document, its variables or its choice of operation are wrong.
    refused = bool(errors) and result.data is None and not any(error.get("path") for error in errors)
    if not refused:
        content["data"] = result.data
    if result.extensions:
        content["extensions"] = result.extensions
    modern = negotiated(header(scope, b"accept")) == MODERN
    await _send(scope, send, 400 if refused and modern else 200, msgspec.json.encode(content))


async def _send(scope: Scope, send: Send, status: int, body: bytes) -> None:
    media = negotiated(header(scope, b"accept"))
    body, coding = compressed(body, header(scope, b"accept-encoding"))
    await respond(send, status, f"{media}; charset=utf-8".encode(), body, (*ANSWER_HEADERS, *coding))


def _retry(seconds: int) -> Headers:
    return ((b"retry-after", str(seconds).encode()),)


def errors_of(code: str, message: str) -> Mapping[str, object]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


ANSWER_HEADERS: Headers = (NO_STORE, (b"vary", b"accept, accept-encoding"))
RETRY = _retry(1)
_POST_ONLY: Headers = ((b"allow", b"POST"),)

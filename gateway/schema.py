"""The schema, and what is done around each operation. `python -m gateway.schema` prints it."""

import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar, cast

import strawberry
from graphql import GraphQLError, GraphQLUnionType, parse, specified_rules, validate
from strawberry.extensions import (
    AddValidationRules,
    DisableIntrospection,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    ParserCache,
    QueryDepthLimiter,
    SchemaExtension,
    ValidationCache,
)
from strawberry.federation.schema import FederationAny
from strawberry.federation.schema_directives import Authenticated
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult, get_object_definition
from strawberry.types.execution import PreExecutionError

from gateway.context import Context
from gateway.cost import DOOR, CostLimit, objects_in
from gateway.errors import tell
from gateway.limits import DirectivesRule, RootFieldsRule
from gateway.mutation import Mutation
from gateway.plan.mixed import merged
from gateway.plan.plans import Plan, Plans
from gateway.query import Query
from gateway.subscription import Subscription
from gateway.types.common import Info, entity_of
from gateway.types.scalars import SCALARS
from orders.errors import MilepostError

Result = TypeVar("Result", bound=Any)

DEPTH, TOKENS, ALIASES = 12, 2000, 30
"""The most that a document may have."""

# Made once: the cache of validations is keyed by the rules too.
_RULES = [
    *QueryDepthLimiter(DEPTH).validation_rules,
    *MaxAliasesLimiter(ALIASES).validation_rules,
    RootFieldsRule,
    DirectivesRule,
]
_HIDDEN = DisableIntrospection().validation_rules

_CACHED = 200
"""Documents whose parse and validation are kept."""

# So that a router need not ask us to learn it; a test finds none that is missing.
for _root in (Query, Mutation, Subscription):
    for _field in get_object_definition(_root, strict=True).fields:
        _field.directives = [*_field.directives, Authenticated()]


class GatewaySchema(strawberry.federation.Schema):
    """Each operation gets a context of its own and leaves no connection behind; what fails is told as `tell` says."""

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:
        """Each by itself: what is wrong with one does not hurt the others."""
        return [cast(FederationAny, entity_of(self._entities, info, given)) for given in representations]

    @cached_property
    def _entities(self) -> Mapping[str, Any]:
        union = cast(GraphQLUnionType, self._schema.type_map["_Entity"])
        return {kind.name: kind.extensions["strawberry-definition"].origin for kind in union.types}

    @staticmethod
    def remove_field_suggestion(error: GraphQLError) -> None:
        """Nor one of arguments, values, input fields or types."""
        error.message = error.message.partition(" Did you mean ")[0]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: `tell` logs what is worth it, once, with its correlation id."""

    async def execute(self, query: str | None, *args: Any, **more: Any) -> ExecutionResult:
        context = _fork(more)
        try:
            result = await super().execute(query, *args, **more)
        finally:
            await context.renew()
        return _told(result, context)

    async def complete(self, plan: Plan, **more: Any) -> ExecutionResult:
        """The statement's answer and what is left to resolvers, both as of one instant.

        Raises what Postgres raises, and LookupError when the ordinary way must say what is missing.
        """
        context = _fork(more)
        lease, taken, read = context.lease, plan.cost - DOOR, 0
        await lease.take(taken)
        try:
            (row,) = await context.snapshot.run(plan.statement.sql, *plan.parameters)
            if plan.statement.lacks(row[0]):
                raise LookupError
            read = objects_in(row[0])
            result = await super().execute(plan.statement.rest, **more)
        finally:
            lease.settle(taken, read)
            await context.renew()
        return _told(merged(plan, row[0], result), context)

    async def stream(self, query: str | None, *args: Any, **more: Any) -> Any:
        context = _fork(more)
        return _stream(await super().stream(query, *args, **more), context)


def _fork(arguments: dict[str, Any]) -> Context:
    context: Context = arguments["context_value"].fork()
    arguments["context_value"] = context
    return context


async def _stream(results: AsyncGenerator[Any, None], context: Context) -> AsyncGenerator[Any, None]:
    """What is sent to a slow client must not keep a snapshot open."""
    try:
        await context.lease.take(DOOR)
        async for result in results:
            await context.renew()
            yield _told(_refused(result), context)
    except MilepostError as error:
        refused = GraphQLError(str(error), original_error=error)
        yield _told(PreExecutionError(data=None, errors=[refused]), context)
    except GraphQLError as error:
        # A cached parse fails outside of where Strawberry looks for it.
        yield _told(PreExecutionError(data=None, errors=[error]), context)
    finally:
        await results.aclose()
        await context.renew()


def _refused(result: Any) -> Any:
    """A subscription that was never begun is an error, not an event."""
    unbegun = result.data is None and result.errors and not any(error.path for error in result.errors)
    return PreExecutionError(data=None, errors=result.errors) if unbegun else result


def _told(result: Result, context: Context) -> Result:
    if result.errors:
        result.errors = [tell(error, context.correlation) for error in result.errors]
    return result


def build_plans(schema: GatewaySchema, production: bool = False) -> Plans:
    """For documents that the schema would accept too."""
    return Plans(schema, [*_RULES, *(_HIDDEN if production else ())], TOKENS)


def problems(schema: GatewaySchema, text: str) -> list[str]:
    """Why a document would be refused, whatever its variables."""
    try:
        document = parse(text, max_tokens=TOKENS)
    except GraphQLError as error:
        return [error.message]
    return [error.message for error in validate(schema._schema, document, [*specified_rules, *_RULES])]


def build_schema(production: bool = False) -> GatewaySchema:
    """In production nobody is told what could be asked."""
    rules = _RULES + _HIDDEN if production else _RULES
    extensions: Sequence[Callable[[], SchemaExtension]] = (
        lambda: MaxTokensLimiter(TOKENS),
        lambda: AddValidationRules(rules),
        lambda: ParserCache(_CACHED),
        lambda: ValidationCache(_CACHED),
        CostLimit,
    )
    return GatewaySchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        federation_version="2.9",
        extensions=extensions,
        config=StrawberryConfig(disable_field_suggestions=production, scalar_map=SCALARS),
    )


schema = build_schema()


def sdl() -> str:
    """The subgraph's schema, with its federation directives."""
    return schema.as_str().rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(sdl())

"""One GraphQL request from body to answer: parse, validate, coerce, scopes, cost, bucket, execute.

The order and the shapes follow Shopify: refusals before execution have no `data`; refusals by access have null
`data`; every answer of an executed or throttled operation carries `extensions.cost`.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import graphql
import orjson
from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode

from shopify_sync.sandbox import resources
from shopify_sync.sandbox.bucket import Bucket
from shopify_sync.sandbox.cost import MAX_QUERY_COST, actual_cost, cost_fields, requested_cost
from shopify_sync.sandbox.execute import Errors, execute, internal_error, oracle_resolver, type_of
from shopify_sync.sandbox.faults import Target
from shopify_sync.sandbox.limits import list_problem
from shopify_sync.sandbox.plan import Plan, conditional_variables, make_plan
from shopify_sync.sandbox.registry import BEFORE_EACH, Context, TopLevelError
from shopify_sync.sandbox.schema import Coercion, coerce_variables, schema
from shopify_sync.sandbox.scopes import refusals
from shopify_sync.sandbox.state import Shop
from shopify_sync.sandbox.stats import Stats
from shopify_sync.sandbox.validate import parse, validate

Answer = dict[str, Any]
_CACHED_DOCUMENTS = 500
_ONE_PRODUCT = frozenset(("product", "productByIdentifier", "productVariant"))
_POLLS = frozenset(("bulkOperation", "bulkOperations", "currentBulkOperation"))
_LIMITS = "https://shopify.dev/api/usage/rate-limits"
_log = logging.getLogger(__name__)


class Refused(Exception):
    """The request is answered without being executed: an HTTP status and a body."""

    def __init__(self, status: int, body: Answer) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(slots=True)
class _Document:
    node: DocumentNode | None
    errors: Errors
    operations: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    conditions: frozenset[str] = frozenset()
    plans: dict[Any, Plan] = field(default_factory=dict)


@dataclass(slots=True)
class Request:
    """An operation ready to run."""

    document: DocumentNode
    plan: Plan
    variables: dict[str, Any]
    target: Target


class Api:
    """The GraphQL side of one store; `bucket` is per app and store, which here is one."""

    def __init__(self, shop: Shop, bucket: Bucket, stats: Stats) -> None:
        resources.load()
        self.shop = shop
        self.bucket = bucket
        self.stats = stats
        self._documents: OrderedDict[str, _Document] = OrderedDict()

    def prepare(self, body: bytes) -> Request:
        """The operation in a request body. Raises Refused when it can't be run."""
        try:
            given = orjson.loads(body)
            text, variables = given["query"], given.get("variables") or {}
            name = given.get("operationName")
            if not isinstance(text, str) or not isinstance(variables, dict):
                raise TypeError
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Refused(400, {"errors": {"query": "Required parameter missing or invalid"}}) from None
        document = self._document(text)
        if document.node is None or document.errors:
            raise Refused(200, {"errors": document.errors})
        operation = _operation(document, name)
        coerced, problems = coerce_variables(operation, variables)
        if problems:
            raise Refused(200, {"errors": problems})
        chosen = operation.name.value if operation.name else None
        key = (chosen, *(coerced.get(each) for each in sorted(document.conditions)))
        plan = document.plans.get(key)
        if plan is None:
            plan = document.plans[key] = make_plan(operation, document.fragments, coerced)
        identity = hashlib.sha256(body).hexdigest()
        target = Target(plan.kind, plan.name, tuple(at.name for at in plan.fields), identity)
        return Request(document.node, plan, coerced, target)

    def run(self, request: Request, scopes: frozenset[str], version: str, *, debug: bool = False) -> Answer:
        """Carry the operation out and answer. Raises Refused."""
        plan, variables = request.plan, request.variables
        try:
            self._check_lists(request)
            requested = requested_cost(plan, variables)
        except Coercion as refusal:  # a literal that only its value disqualifies
            raise Refused(200, {"errors": [{"message": refusal.explanation}]}) from None
        if requested > MAX_QUERY_COST:
            raise Refused(200, {"errors": [_too_expensive(requested)]})
        denied = refusals(plan, scopes)
        if denied:
            return {"data": None, "errors": denied, "extensions": {"cost": self._cost(requested, 0)}}
        if not self.bucket.take(requested):
            raise Refused(200, self.throttled(requested))
        data: dict[str, Any] | None = None
        ctx = self._context(request, scopes, version)
        if _POLLS & set(request.target.roots):
            self.shop.desk.catch_up(self.shop.now())
        with self.shop.lock:
            for settle in BEFORE_EACH:
                settle(self.shop)
            try:
                data, errors = self._execute(request, ctx)
            except TopLevelError as error:
                data, errors = None, [{"message": error.message, "extensions": error.extensions}]
            except Exception:
                _log.exception("the sandbox failed on %s", plan.name)
                failure = internal_error()
                data, errors = None, [{"message": failure.message, "extensions": failure.extensions}]
            finally:
                self.shop.flush()
            actual = min(requested, actual_cost(plan, variables, data)) if not plan.introspects else requested
        self.bucket.give_back(requested - actual)
        self.stats.executed(plan.kind, plan.name, actual)
        answer: Answer = {"data": data}
        if errors:
            answer["errors"] = errors
        answer["extensions"] = {"cost": self._cost(requested, actual)}
        if debug:
            answer["extensions"]["cost"]["fields"] = cost_fields(plan, variables)
        if ctx.search:
            answer["extensions"]["search"] = ctx.search
        return answer

    def throttled(self, requested: int) -> Answer:
        """The answer when the bucket does not hold the requested cost."""
        self.stats.refused()
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": _LIMITS}}
        return {"errors": [error], "extensions": {"cost": self._cost(requested, None)}}

    def price(self, request: Request) -> int:
        """The requested cost of an operation."""
        return requested_cost(request.plan, request.variables)

    def _cost(self, requested: int, actual: int | None) -> Answer:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": self.bucket.status(),
        }

    def _context(self, request: Request, scopes: frozenset[str], version: str) -> Context:
        plan = request.plan
        return Context(
            shop=self.shop,
            scopes=scopes,
            variables=request.variables,
            api_version=version,
            many=plan.kind == "query" and not set(request.target.roots) <= _ONE_PRODUCT,
            mutating=plan.kind == "mutation",
            first_new_media=self.shop.peek_id("Media"),
        )

    def _execute(self, request: Request, ctx: Context) -> tuple[dict[str, Any] | None, Errors]:
        if not request.plan.introspects:
            return execute(request.plan, ctx, request.variables)
        result = graphql.execute_sync(
            schema(),
            request.document,
            variable_values=request.variables,
            operation_name=request.plan.name,
            field_resolver=oracle_resolver(ctx, request.variables),
            type_resolver=type_of,
        )
        return result.data, [dict(error.formatted) for error in result.errors or ()]

    def _document(self, text: str) -> _Document:
        known = self._documents.get(text)
        if known is not None:
            return known
        node, errors = parse(text)
        document = _Document(node, errors)
        if node is not None:
            document.errors = validate(node)
            for definition in node.definitions:
                if isinstance(definition, OperationDefinitionNode):
                    document.operations[definition.name.value if definition.name else None] = definition
                elif isinstance(definition, FragmentDefinitionNode):
                    document.fragments[definition.name.value] = definition
            document.conditions = conditional_variables(node)
        self._documents[text] = document
        while len(self._documents) > _CACHED_DOCUMENTS:
            self._documents.popitem(last=False)
        return document

    def _check_lists(self, request: Request) -> None:
        """Refuse input lists over the limit. Recorded: product-set-shape-validator-parity."""
        for at in request.plan.fields:
            error = list_problem(at, request.variables)
            if error is not None:
                cost = self._cost(requested_cost(request.plan, request.variables), 0)
                raise Refused(200, {"errors": [error], "extensions": {"cost": cost}})


def _operation(document: _Document, name: str | None) -> OperationDefinitionNode:
    if name is None:
        if len(document.operations) == 1:
            return next(iter(document.operations.values()))
        raise Refused(200, {"errors": [{"message": "An operation name is required"}]})
    if name not in document.operations:
        raise Refused(200, {"errors": [{"message": f'No operation named "{name}"'}]})
    return document.operations[name]


def _too_expensive(requested: int) -> Answer:
    message = (
        f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_QUERY_COST}).\n\n"
        "See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\n"
        "cost of a query is calculated.\n\nTo query larger amounts of data with fewer limits, bulk operations should"
        " be used instead.\nSee https://shopify.dev/tutorials/perform-bulk-operations-with-admin-api for usage"
        " details.\n"
    )
    extensions = {
        "code": "MAX_COST_EXCEEDED",
        "cost": requested,
        "maxCost": MAX_QUERY_COST,
        "documentation": _LIMITS,
    }
    return {"message": message, "extensions": extensions}

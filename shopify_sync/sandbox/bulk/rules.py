"""What Shopify accepts as the inner document of a bulk operation.

Limits and messages were recorded (bulk-operation-run-query-validators, -run-mutation-validators); where a message was
not, it is marked so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import graphql
from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode

from shopify_sync.sandbox.plan import Field, Plan, make_plan
from shopify_sync.sandbox.registry import user_error
from shopify_sync.sandbox.state import Record
from shopify_sync.sandbox.validate import parse, validate

MAX_BYTES = 65_535
MAX_CONNECTIONS = 5
MAX_DEPTH = 2
_IN_LIST = "Queries that contain a connection field within a list field are not currently supported."


@dataclass
class Inner:
    """A document that may run: its operation and fragments."""

    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]


class Refused(Exception):
    """The document is not accepted; `errors` are the userErrors."""

    def __init__(self, *errors: Record) -> None:
        super().__init__(errors)
        self.errors = list(errors)


def query_plan(text: str) -> Plan:
    """The plan of a bulk query. Raises Refused."""
    document, problem = _parsed(text)
    if document is None:
        raise Refused(_query(f"Invalid bulk query: {problem}"))
    operation = _operation(document)
    if operation is None or operation.operation is not graphql.OperationType.QUERY:
        raise Refused(_query("Invalid operation type. Only `query` operations are supported."))
    if operation.variable_definitions:  # the message was not recorded
        raise Refused(_query("Invalid bulk query: variables are not supported in bulk queries"))
    found = _Findings()
    wrong = validate(document)
    if wrong:  # the form of the message was seen in public reports only
        raise Refused(_query(f"Invalid bulk query: {wrong[0]['message']}"))
    plan = make_plan(operation, _fragments(document), {})
    for at in plan.fields:
        if at.name in ("node", "nodes"):
            found.top_level_node = True
        else:
            _inspect(at, found)
    errors = _query_errors(found)
    if errors:
        raise Refused(*errors)
    if len(text.encode()) > MAX_BYTES:
        raise Refused(_query(_too_large("Query is", text)))
    return plan


def mutation_inner(text: str) -> Inner:
    """The operation of a bulk mutation. Raises Refused."""
    document, problem = _parsed(text)
    if document is None:
        raise Refused(user_error(None, f"Failed to parse the mutation - {problem}", "INVALID_MUTATION"))
    operation = _operation(document)
    if operation is None or operation.operation is not graphql.OperationType.MUTATION:
        message = "Invalid operation type. Only `mutation` operations are supported."
        raise Refused(user_error(None, message, "INVALID_MUTATION"))
    roots = operation.selection_set.selections
    if len(roots) != 1 or not isinstance(roots[0], graphql.FieldNode):
        raise Refused(_mutation("You must specify a single top level mutation."))
    if roots[0].name.value.startswith("bulkOperation"):
        raise Refused(_mutation("You must use an allowed mutation name."))
    wrong = validate(document)
    if wrong:
        message = f"Failed to parse the mutation - {wrong[0]['message']}"  # the message was not recorded
        raise Refused(user_error(None, message, "INVALID_MUTATION"))
    inner = Inner(operation, _fragments(document))
    if _count_connections(widest_plan(inner).fields) > 1:
        raise Refused(_mutation("Bulk mutations cannot contain more than 1 connection."))
    if len(text.encode()) > MAX_BYTES:
        raise Refused(user_error(["query"], _too_large("is", text), "INVALID_MUTATION"))
    return inner


def _too_large(prefix: str, text: str) -> str:
    return f"{prefix} too large ({len(text.encode())} bytes; maximum is {MAX_BYTES} bytes)"


def _query(message: str) -> Record:
    return user_error(["query"], message, "INVALID")


def _mutation(message: str) -> Record:
    return user_error(["mutation"], message)


@dataclass
class _Findings:
    connections: int = 0
    depth: int = 0  # below the first connection
    top_level_node: bool = False
    without_edges: list[str] = field(default_factory=list)
    without_id: list[str] = field(default_factory=list)
    inside_list: bool = False


def _query_errors(found: _Findings) -> list[Record]:
    errors: list[Record] = []
    if found.without_edges:
        names = "', '".join(found.without_edges)
        errors.append(
            _query(
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
                f"'{found.without_edges[0]} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. "
                f"Invalid connection fields: '{names}'."
            )
        )
    if found.top_level_node:
        errors.append(_query("Bulk queries cannot contain a top level `node` field."))
    if found.depth > MAX_DEPTH:
        errors.append(_query(f"Bulk queries cannot contain connections with a nesting depth greater than {MAX_DEPTH}."))
    if found.connections > MAX_CONNECTIONS:
        errors.append(_query(f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections."))
    if found.without_id:
        errors.append(
            _query(
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must "
                f"be of 'ID' return type. Connection fields without 'id': {', '.join(found.without_id)}."
            )
        )
    if found.inside_list:
        errors.append(_query(_IN_LIST))
    if not found.connections and (not errors or (found.top_level_node and len(errors) == 1)):
        errors.append(_query("Bulk queries must contain at least one connection."))
    return errors


def below(at: Field) -> Iterator[Field]:
    """What was selected of an object, over its concrete types, each key once."""
    seen: set[str] = set()
    for fields in at.sub.values():
        for each in fields:
            if each.key not in seen:
                seen.add(each.key)
                yield each


def node_of(connection: Field) -> Field | None:
    """The field `edges { node }` of a connection."""
    for edges in below(connection):
        if edges.name == "edges":
            return next((each for each in below(edges) if each.name == "node"), None)
    return None


def holds_connection(at: Field) -> bool:
    """Whether a connection is selected in this object, and not below another connection."""
    return any(each.is_connection or holds_connection(each) for each in below(at))


def _inspect(at: Field, found: _Findings, depth: int = 0, in_list: bool = False) -> None:
    if not at.is_connection:
        for each in below(at):
            _inspect(each, found, depth, in_list or (at.is_list and at.name != "edges"))
        return
    found.connections += 1
    found.depth = max(found.depth, depth)
    found.inside_list |= in_list
    inner = node_of(at)
    if inner is None or any(each.name == "nodes" for each in below(at)):
        found.without_edges.append(at.name)
    for part in below(at):
        nodes = below(part) if part.name == "edges" else [part] if part.name == "nodes" else []
        for each in nodes:
            nested = holds_connection(each)
            if nested and not any(leaf.key == leaf.name == "id" for leaf in below(each)):
                found.without_id.append(at.name)
            for inside in below(each):
                _inspect(inside, found, depth + 1)


def widest_plan(inner: Inner) -> Plan:
    """All that the operation may select, whatever the variables are."""
    return make_plan(inner.operation, inner.fragments, _Everything())


def _count_connections(fields: Iterable[Field]) -> int:
    return sum(each.is_connection + _count_connections(below(each)) for each in fields)


class _Everything(dict):  # type: ignore[type-arg]
    """Variables by which every `@include` holds; `@skip` by a variable is taken for true, as nobody knows."""

    def get(self, key: object, default: object = None) -> object:
        return True


def _parsed(text: str) -> tuple[DocumentNode | None, str]:
    """The document, or None and what Shopify's parser says: at the end of the text, where its last token stands."""
    document, errors = parse(text)
    if document is not None:
        return document, ""
    message = str(errors[0]["message"])
    if "<EOF>" not in message:
        return None, f"syntax error, {message[0].lower()}{message[1:]}"
    last = _last_token(text)
    return None, "syntax error, unexpected end of file" + (f" at [{last[0]}, {last[1]}]" if last else "")


def _last_token(text: str) -> tuple[int, int] | None:
    lexer = graphql.Lexer(graphql.Source(text))
    last = None
    while lexer.advance().kind is not graphql.TokenKind.EOF:
        last = (lexer.token.line, lexer.token.column)
    return last


def _operation(document: DocumentNode) -> OperationDefinitionNode | None:
    found = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return found[0] if len(found) == 1 else None


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}

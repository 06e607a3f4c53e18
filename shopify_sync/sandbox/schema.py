"""The served slice of Shopify's schema, and how input values become Python values.

The files in `schema/` hold names and types only. Scalars: ID is checked to be a global id, Money and Decimal become
texts, DateTime stays the text given. Source of the messages: recorded answers.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any

import graphql
from graphql import GraphQLInputObjectType, GraphQLSchema, OperationDefinitionNode, ValueNode, type_from_ast

Problem = dict[str, Any]
Path = tuple[str | int, ...]
MISSING: Any = object()
_TEXT_SCALARS = frozenset(("String", "URL", "HTML", "FormattedString", "Color"))
_GID = re.compile(r"gid://[^/\s]+/[^/\s]+/\S+")
_INT_RANGE = range(-(2**31), 2**31)


@cache
def schema() -> GraphQLSchema:
    """The schema that documents are validated against; built once, about 60 ms."""
    parts = sorted((files("shopify_sync.sandbox") / "schema").iterdir(), key=lambda file: file.name)
    text = "\n".join(part.read_text(encoding="utf-8") for part in parts)
    return graphql.build_schema(text, assume_valid=True, assume_valid_sdl=True)


class Coercion(Exception):
    """A value does not fit its type; `explanation` in Shopify's words, `is_id` for a malformed global id."""

    def __init__(self, explanation: str, *, is_id: bool = False) -> None:
        super().__init__(explanation)
        self.explanation = explanation
        self.is_id = is_id


def scalar(name: str, value: Any) -> Any:
    """`value`, given for a scalar of this name, as resolvers see it. Raises Coercion."""
    if name == "ID":
        return _global_id(value)
    if name in ("Money", "Decimal"):
        return _decimal(value)
    if name == "DateTime":
        return _date_time(value)
    if name == "Boolean":
        if isinstance(value, bool):
            return value
    elif name == "Int":
        if isinstance(value, int) and not isinstance(value, bool) and value in _INT_RANGE:
            return value
    elif name == "Float":
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif name == "UnsignedInt64":
        if str(value).isascii() and str(value).isdigit():
            return str(value)
    elif name in _TEXT_SCALARS:
        if isinstance(value, str):
            return value
    else:
        return value
    raise Coercion(f"Could not coerce value {_ruby(value)} to {name}")


def _global_id(value: Any) -> str:
    """A gid; its last part need not be a number (taxonomy categories). A bare number is taken as it is."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if _GID.fullmatch(text) or (text.isascii() and text.isdigit()):
        return text
    raise Coercion(f"Invalid global id '{value}'", is_id=True)


def _decimal(value: Any) -> str:
    try:
        number = Decimal(str(value))
        if isinstance(value, bool) or not number.is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise Coercion(f"invalid decimal '{value}'") from None
    return str(value)


def _date_time(value: Any) -> str:
    try:
        if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError
        datetime.fromisoformat(value)
    except ValueError:
        raise Coercion(f"invalid DateTime '{value}'") from None
    return value


def _ruby(value: Any) -> str:
    """A JSON value as Ruby's inspect writes it, which is what recorded messages contain."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def coerce_variables(operation: OperationDefinitionNode, given: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The variables as resolvers see them, and an `errors` entry (INVALID_VARIABLE) for each that does not fit."""
    values: dict[str, Any] = {}
    errors: list[Problem] = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        kind = type_from_ast(schema(), definition.type)
        if name not in given:
            if definition.default_value is not None:
                values[name] = literal(definition.default_value, kind, {})
                continue
            if not graphql.is_non_null_type(kind):
                continue
        problems: list[Problem] = []
        value = _coerce(given.get(name), kind, (), problems)
        if problems:
            errors.append(_invalid_variable(definition, name, kind, given.get(name), problems))
        values[name] = value
    return values, errors


def _invalid_variable(definition: Any, name: str, kind: Any, value: Any, problems: list[Problem]) -> Problem:
    place = graphql.get_location(definition.loc.source, definition.loc.start)
    where = ", ".join(f"{'.'.join(map(str, p['path']))} ({p['explanation']})" for p in problems if p["path"])
    return {
        "message": f"Variable ${name} of type {kind} was provided invalid value" + (f" for {where}" if where else ""),
        "locations": [{"line": place.line, "column": place.column}],
        "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": problems},
    }


def _coerce(value: Any, kind: Any, path: Path, problems: list[Problem]) -> Any:
    """`value` (JSON) as `kind`; what does not fit is added to `problems`."""
    if graphql.is_non_null_type(kind):
        if value is None:
            problems.append({"path": list(path), "explanation": "Expected value to not be null"})
            return None
        return _coerce(value, kind.of_type, path, problems)
    if value is None:
        return None
    if graphql.is_list_type(kind):
        if not isinstance(value, list):
            return [_coerce(value, kind.of_type, path, problems)]
        return [_coerce(item, kind.of_type, (*path, i), problems) for i, item in enumerate(value)]
    if isinstance(kind, GraphQLInputObjectType):
        return _coerce_object(value, kind, path, problems)
    if graphql.is_enum_type(kind):
        if value not in kind.values if isinstance(value, str) else True:
            shown = f'Expected "{value}" to be one of: {", ".join(kind.values)}'
            problems.append({"path": list(path), "explanation": shown})
        return value
    try:
        return scalar(kind.name, value)
    except Coercion as refusal:
        problem: Problem = {"path": list(path), "explanation": refusal.explanation}
        if refusal.is_id:  # recorded: only these carry the message a second time
            problem["message"] = refusal.explanation
        problems.append(problem)
        return None


def _coerce_object(value: Any, kind: GraphQLInputObjectType, path: Path, problems: list[Problem]) -> Any:
    if not isinstance(value, dict):
        shown = f"Expected {_ruby(value)} to be a key-value object."
        problems.append({"path": list(path), "explanation": shown})
        return None
    for name in value:
        if name not in kind.fields:
            shown = f"Field is not defined on {kind.name}"
            problems.append({"path": [*path, name], "explanation": shown})
    result: dict[str, Any] = {}
    for name, field in kind.fields.items():
        if name in value:
            result[name] = _coerce(value[name], field.type, (*path, name), problems)
        elif field.ast_node is not None and field.ast_node.default_value is not None:
            result[name] = literal(field.ast_node.default_value, field.type, {})
        elif graphql.is_non_null_type(field.type):
            problems.append({"path": [*path, name], "explanation": "Expected value to not be null"})
    if kind.is_one_of and (len(value) != 1 or None in value.values()):
        shown = f"'{kind.name}' requires exactly one argument, but {len(value)} were provided."
        problems.append({"path": list(path), "explanation": shown})
    return result


def literal(node: ValueNode, kind: Any, variables: dict[str, Any]) -> Any:
    """The value of a literal of a valid document; MISSING for a variable not given. Raises Coercion."""
    if graphql.is_non_null_type(kind):
        kind = kind.of_type
    if isinstance(node, graphql.VariableNode):
        return variables.get(node.name.value, MISSING)
    if isinstance(node, graphql.NullValueNode):
        return None
    if graphql.is_list_type(kind):
        nodes = node.values if isinstance(node, graphql.ListValueNode) else (node,)
        items = (literal(item, kind.of_type, variables) for item in nodes)
        return [None if item is MISSING else item for item in items]
    if isinstance(kind, GraphQLInputObjectType) and isinstance(node, graphql.ObjectValueNode):
        given = {field.name.value: field.value for field in node.fields}
        return _defaults(kind.fields, given, variables)
    if isinstance(node, graphql.EnumValueNode):
        return node.value
    return scalar(kind.name, _plain(node))


def arguments(field: Any, nodes: Any, variables: dict[str, Any]) -> dict[str, Any]:
    """The coerced arguments of a field: absent ones without default are absent. Raises Coercion."""
    return _defaults(field.args, {node.name.value: node.value for node in nodes or ()}, variables)


def _defaults(declared: Any, given: dict[str, ValueNode], variables: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, argument in declared.items():
        value = literal(given[name], argument.type, variables) if name in given else MISSING
        if value is MISSING and argument.ast_node is not None and argument.ast_node.default_value is not None:
            value = literal(argument.ast_node.default_value, argument.type, {})
        if value is not MISSING:
            result[name] = value
    return result


def _plain(node: Any) -> Any:
    """A literal as JSON."""
    if isinstance(node, graphql.IntValueNode):
        return int(node.value)
    if isinstance(node, graphql.FloatValueNode):
        return float(node.value)
    if isinstance(node, graphql.ListValueNode):
        return [_plain(item) for item in node.values]
    if isinstance(node, graphql.ObjectValueNode):
        return {field.name.value: _plain(field.value) for field in node.fields}
    return getattr(node, "value", None)

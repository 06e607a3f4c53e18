"""The served slice against Shopify's own schema, and documents against the recorded answers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import graphql
import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode

from shopify_sync.sandbox.cost import requested_cost
from shopify_sync.sandbox.plan import make_plan
from shopify_sync.sandbox.schema import coerce_variables, schema
from shopify_sync.sandbox.validate import parse, validate

SHARED = Path(__file__).parents[3] / "shared"
OFFICIAL = SHARED / "schema" / "admin-2026-10.json.gz"
RECORDED = SHARED / "captures" / "costs-and-errors.json"
needs_shared = pytest.mark.skipif(not OFFICIAL.exists(), reason="Shopify's schema is not beside the repository")


def _shape(kind: dict[str, Any]) -> str:
    if kind["kind"] == "NON_NULL":
        return f"{_shape(kind['ofType'])}!"
    return f"[{_shape(kind['ofType'])}]" if kind["kind"] == "LIST" else str(kind["name"])


def _default(node: Any) -> str | None:
    value = node.ast_node.default_value if node.ast_node is not None else None
    return None if value is None else graphql.print_ast(value)


@needs_shared
def test_each_type_field_and_argument_is_shopifys() -> None:
    """Names, types, defaults, enum values and input fields of the slice are those of Admin 2026-10."""
    raw = json.loads(gzip.decompress(OFFICIAL.read_bytes()))["data"]["__schema"]
    official = {kind["name"]: kind for kind in raw["types"]}
    compared = 0
    for name, kind in schema().type_map.items():
        if name.startswith("__") or graphql.is_specified_scalar_type(kind):
            continue
        theirs = official[name]
        if isinstance(kind, graphql.GraphQLEnumType):
            assert set(kind.values) == {value["name"] for value in theirs["enumValues"]}, name
        elif isinstance(kind, graphql.GraphQLInputObjectType):
            inputs = {field["name"]: field for field in theirs["inputFields"]}
            assert bool(kind.is_one_of) == bool(theirs.get("isOneOf")), name
            for key, value in kind.fields.items():
                assert (str(value.type), _default(value)) == (
                    _shape(inputs[key]["type"]),
                    inputs[key]["defaultValue"],
                )
                compared += 1
        elif isinstance(kind, graphql.GraphQLObjectType | graphql.GraphQLInterfaceType):
            fields = {field["name"]: field for field in theirs["fields"]}
            assert {each.name for each in kind.interfaces} <= {each["name"] for each in theirs["interfaces"]}, name
            for key, output in kind.fields.items():
                assert str(output.type) == _shape(fields[key]["type"]), f"{name}.{key}"
                arguments = {argument["name"]: argument for argument in fields[key]["args"]}
                assert output.args.keys() == arguments.keys(), f"{name}.{key}"
                for argument, ours in output.args.items():
                    other = arguments[argument]
                    assert (str(ours.type), _default(ours)) == (_shape(other["type"]), other["defaultValue"])
                compared += 1
    assert compared > 500


@needs_shared
def test_requested_cost_equals_the_recorded_one() -> None:
    """Each recorded document that the slice knows costs what Shopify said."""
    known = 0
    for pair in json.loads(RECORDED.read_text())["costs"]:
        document, errors = parse(pair["query"])
        if document is None or errors or validate(document):
            continue
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        variables, problems = coerce_variables(operations[0], pair["variables"] or {})
        if problems:
            continue
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        assert requested_cost(make_plan(operations[0], fragments, variables), variables) == pair["requested"]
        known += 1
    assert known >= 45


@needs_shared
def test_errors_equal_the_recorded_ones() -> None:
    """Refused documents whose types the slice knows are refused word for word as recorded."""
    same = 0
    for pair in json.loads(RECORDED.read_text())["errors"]:
        document, errors = parse(pair["query"])
        if document is not None:
            errors = validate(document)
            operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
            if not errors and len(operations) == 1:
                _, errors = coerce_variables(operations[0], pair["variables"] or {})
        unknown = any(
            error.get("extensions", {}).get("typeName") in ("QueryRoot", "Mutation")
            or error.get("extensions", {}).get("code") in ("variableRequiresValidType", "undefinedType")
            for error in errors
        )
        if errors and not unknown:
            assert errors == pair["errors"], pair["query"]
            same += 1
    assert same >= 7


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("{ shop { nope } }", "undefinedField", "Field 'nope' doesn't exist on type 'Shop'"),
        (
            "{ shop }",
            "selectionMismatch",
            "Field must have selections (field 'shop' returns Shop but has no selections."
            " Did you mean 'shop { ... }'?)",
        ),
        ("{ product { id } }", "missingRequiredArguments", "Field 'product' is missing required arguments: id"),
        ("{ shop { id @foo } }", "undefinedDirective", "Directive @foo is not defined"),
        ("query Q($a: Int) { shop { id } }", "variableNotUsed", "Variable $a is declared by Q but not used"),
        (
            'mutation M { tagsAdd(id: "gid://shopify/Product/1", tags: []) @idempotent { node { id } } }',
            "missingRequiredArguments",
            "Directive 'idempotent' is missing required arguments: key",
        ),
        ("{ shop { id ", "PARSE_ERROR", "Expected Name, found <EOF> at [1, 13]"),
    ],
)
def test_static_errors(text: str, code: str, message: str) -> None:
    """Static validation answers with Shopify's codes and words."""
    document, errors = parse(text)
    errors = errors or validate(document)  # type: ignore[arg-type]  # parsed when there are no errors
    assert [(error["extensions"]["code"], error["message"]) for error in errors] == [(code, message)]


def test_variables_are_coerced_as_shopify_does() -> None:
    """Money becomes text, enums keep their names, unknown fields and bad ids are problems with a path."""
    document, _ = parse("mutation M($p: ProductUpdateInput!) { productUpdate(product: $p) { product { id } } }")
    assert document is not None
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    values, errors = coerce_variables(operation, {"p": {"id": "gid://shopify/Product/1", "status": "DRAFT"}})
    assert (values["p"]["status"], errors) == ("DRAFT", [])
    _, errors = coerce_variables(operation, {"p": {"id": "x", "foo": 1}})
    assert errors[0]["extensions"]["problems"] == [
        {"path": ["foo"], "explanation": "Field is not defined on ProductUpdateInput"},
        {"path": ["id"], "explanation": "Invalid global id 'x'", "message": "Invalid global id 'x'"},
    ]

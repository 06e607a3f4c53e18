"""Our own reading of GraphQL documents, against graphql-core's."""

from __future__ import annotations

import json
from typing import Any

import graphql
import pytest
from graphql import FieldNode, FragmentDefinitionNode, InlineFragmentNode, IntValueNode, OperationDefinitionNode
from hypothesis import given
from hypothesis import strategies as st

from shopify_sync.entities.products import ENTITY, push
from shopify_sync.shopify import selections, shop
from shopify_sync.shopify.selections import Field, Inline, NotADocument, Selection, Variable
from shopify_sync.spec import documents
from tests.shopify.test_cost import RECORDED

OURS = [
    *(value for module in (push, shop) for value in vars(module).values() if isinstance(value, str) and "{" in value),
    *(made(ENTITY) for made in (documents.listing, documents.fetching, documents.stamping)),
]
HARD = [
    "{ a }",
    "{ a {} }",
    "query Q($a: [ID!]! = [1, 2], $n: Int = 3 @x(y: 1), $t: String = \"a } b\") @live { a(first: $n) { b } }",
    'mutation { a(in: {b: [{c: "\\"}"}], d: {}, e: []}, f: true, g: null, h: ENUM, i: 1.5e3, first: -2) { id } }',
    'query { a(t: """ a "quoted" } \\""" block """) { id } } # { not this',
    "{ one: a(first: 1) { ... on T @include(if: $x) { b } ... { c } ...F @skip(if: true) ... on on { d } } }"
    " fragment F on T { fragment on query { type } }",
    "query A { a } query B { b { c } }",
    "fragment F on T { a } { ...F }",
    '{ a(t: "", u: "\\\\") }',
    "\ufeff#c\r{,a,,}",
]  # fmt: skip
BROKEN = ["", "   ", "{", "}", "{ a", "{ a } }", "{ a( }", "{ a() }", "{ ... on }", "{ a: }", "query ($n) { a }",
          "nonsense { a }", "fragment on on T { a }", "{ a(b: ) }", '{ a(b: "x }', "{ a(b: $) }", "query () { a }",
          "{ a ?? }", "fragment F { a }", "{ a @ }", "{ a(t: 'x') }"]  # fmt: skip


def theirs(text: str) -> Any:
    """What graphql-core reads, in the form of `ours`."""
    parsed = graphql.parse(text, no_location=True)
    operation = next((n for n in parsed.definitions if isinstance(n, OperationDefinitionNode)), None)
    fragments = {
        n.name.value: [n.type_condition.name.value, _theirs(n.selection_set)]
        for n in parsed.definitions
        if isinstance(n, FragmentDefinitionNode)
    }
    if operation is None:
        return ["", [], {}, fragments]
    defaults = {
        v.variable.name.value: int(v.default_value.value)
        for v in operation.variable_definitions or ()
        if isinstance(v.default_value, IntValueNode)
    }
    return [operation.operation.value, _theirs(operation.selection_set), defaults, fragments]


def _theirs(selection: Any) -> list[Any]:
    found: list[Any] = []
    for node in selection.selections:
        if isinstance(node, FieldNode):
            below = None if node.selection_set is None else _theirs(node.selection_set)
            found.append([node.name.value, {a.name.value: _value(a.value) for a in node.arguments or ()}, below])
        elif isinstance(node, InlineFragmentNode):
            found.append([node.type_condition.name.value if node.type_condition else "", _theirs(node.selection_set)])
        else:
            found.append(node.name.value)
    return found


def _value(node: Any) -> Any:
    if isinstance(node, IntValueNode):
        return int(node.value)
    return ["$", node.name.value] if isinstance(node, graphql.VariableNode) else None


def ours(text: str) -> Any:
    read = selections.read(text)
    fragments = {name: [part.type, _ours(part.selection)] for name, part in read.fragments.items()}
    return [read.kind, _ours(read.selection), read.defaults, fragments]


def _ours(selection: list[Selection]) -> list[Any]:
    found: list[Any] = []
    for node in selection:
        if isinstance(node, Field):
            arguments = {k: ["$", str(v)] if isinstance(v, Variable) else v for k, v in node.arguments.items()}
            found.append([node.name, arguments, None if node.selection is None else _ours(node.selection)])
        else:
            found.append([node.type, _ours(node.selection)] if isinstance(node, Inline) else node.name)
    return found


@pytest.mark.parametrize("document", [*OURS, *HARD])
def test_documents_are_read_as_graphql_core_reads_them(document: str) -> None:
    assert ours(document) == theirs(document)


def test_recorded_documents_are_read_as_graphql_core_reads_them() -> None:
    if not RECORDED.exists():
        pytest.skip("the recorded costs are not here")
    for pair in json.loads(RECORDED.read_text())["costs"]:
        assert ours(pair["query"]) == theirs(pair["query"])


@pytest.mark.parametrize("document", [*BROKEN, "{ a " * 5000])
def test_what_is_no_document_is_told(document: str) -> None:
    with pytest.raises(NotADocument):
        selections.read(document)
    with pytest.raises((graphql.GraphQLSyntaxError, RecursionError)):
        theirs(document)


@given(st.text(alphabet='{}()[]!$:=@".,# \n\\abon1-', max_size=40))
def test_any_text_is_read_alike_or_refused_by_both(text: str) -> None:
    try:
        expected = theirs(text)
    except graphql.GraphQLSyntaxError:
        with pytest.raises(NotADocument):
            selections.read(text)
    else:
        assert ours(text) == expected

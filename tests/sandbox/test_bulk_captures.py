"""Recorded answers about bulk operations, and the recorded rules of inner documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.capture_replay import Replay
from tests.sandbox.capture_steps import Step, read, steps
from tests.sandbox.shopfront import Shopfront
from tests.shared import CAPTURES, needs_captures

FOLDER = CAPTURES / "bulk-operations"
# What can be replayed without the recorded store: refusals, and reads of what is not there.
REPLAYED = [
    ("bulk-operations-read-arg-validation", "cases."),
    ("bulk-operation-status-catalog-cancel", "validations."),
    ("bulk-operation-status-catalog-cancel", "reads.unknownId"),
    ("bulk-operation-status-catalog-cancel", "reads.malformedId"),
    ("bulk-operation-status-catalog-cancel", "reads.catalogEmpty"),
    ("bulk-operation-run-mutation-user-errors", "validations."),
    ("bulk-operation-run-mutation-connection-validators", "validations."),
]
NOT_SERVED = "the document selects what the sandbox does not serve"
SKIPS = {
    "validations.productShopProductsVariantsNested": NOT_SERVED,
}


def _found() -> list[tuple[Path, Step]]:
    return [
        (FOLDER / f"{name}.json", step)
        for name, prefix in REPLAYED
        if (FOLDER / f"{name}.json").exists()
        for step in steps(read(FOLDER / f"{name}.json"))
        if step.where.startswith(prefix)
    ]


@needs_captures
@pytest.mark.parametrize(("path", "step"), _found(), ids=lambda each: getattr(each, "where", None) or each.stem)
def test_answers_agree(path: Path, step: Step) -> None:
    """Data, errors, search warnings and requested cost are Shopify's."""
    replay = Replay(read(path), "harry-test-heelo")
    wrong = replay.play(step)
    if step.where in SKIPS:
        assert wrong is not None, "agrees now: take it out of SKIPS"
        return
    assert wrong is None
    document, variables, _ = step.request()
    body = replay.front.run(document, variables)
    recorded = step.answer.get("extensions") or {}
    ours = body.get("extensions") or {}
    assert ours.get("search") == recorded.get("search")
    if "cost" in recorded:
        assert ours["cost"]["requestedQueryCost"] == recorded["cost"]["requestedQueryCost"]


@needs_captures
def test_enough_is_replayed() -> None:
    assert len(_found()) >= 28


NODE = "Bulk queries cannot contain a top level `node` field."
NONE = "Bulk queries must contain at least one connection."


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        (
            "{ products { nodes { id title } } }",
            [
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
                "'products { edges { node {'. Selecting via 'nodes' is not supported. "
                "Invalid connection fields: 'products'."
            ],
        ),
        ('{ node(id: "gid://shopify/Product/0") { id } }', [NODE, NONE]),
        ("{ shop { id } }", [NONE]),
        (
            "{ collections { edges { node { id products { edges { node { id variants { edges { node { id metafields "
            "{ edges { node { id } } } } } } } } } } } } }",
            ["Bulk queries cannot contain connections with a nesting depth greater than 2."],
        ),
        (
            "{ products { edges { node { id variants { edges { node { id } } } metafields { edges { node { id } } } "
            "collections { edges { node { id } } } media { edges { node { id } } } "
            "resourcePublications { edges { node { isPublished } } } } } } }",
            ["Bulk queries cannot contain more than 5 connections."],
        ),
        (
            "{ products { edges { node { title variants { edges { node { id } } } } } } }",
            [
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must "
                "be of 'ID' return type. Connection fields without 'id': products."
            ],
        ),
        (
            'mutation { productCreate(product: { title: "x" }) { product { id } } }',
            ["Invalid operation type. Only `query` operations are supported."],
        ),
        ("", ["Invalid bulk query: syntax error, unexpected end of file"]),
        (
            "{ products { edges { node { nope } } } }",
            ["Invalid bulk query: Field 'nope' doesn't exist on type 'Product'"],
        ),
    ],
)
def test_rules_of_queries(query: str, messages: list[str]) -> None:
    """Recorded: bulk-operation-run-query-validators."""
    front = Shopfront.fresh()
    payload: Any = front.data(
        "mutation M($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } "
        "userErrors { field message code } } }",
        q=query,
    )
    assert payload["bulkOperation"] is None
    assert payload["userErrors"] == [
        {"field": ["query"], "message": message, "code": "INVALID"} for message in messages
    ]


def test_a_long_query() -> None:
    """The text has at most 65,535 bytes."""
    front = Shopfront.fresh()
    query = "{ products { edges { node { id } } } }" + " " * 65_535
    payload: Any = front.data(
        "mutation M($q: String!) { bulkOperationRunQuery(query: $q) { userErrors { message } } }", q=query
    )
    assert payload["userErrors"] == [{"message": f"Query is too large ({len(query)} bytes; maximum is 65535 bytes)"}]

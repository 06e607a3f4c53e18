"""The estimate of what a document costs, against what Shopify asked for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_sync.shopify.cost import estimate, multiplier

RECORDED = Path(__file__).parents[3] / "shared" / "captures" / "costs-and-errors.json"


def test_recorded_costs() -> None:
    if not RECORDED.exists():
        pytest.skip("the recorded costs are not here")
    pairs = json.loads(RECORDED.read_text())["costs"]
    exact = [estimate(pair["query"], pair["variables"] or {}) == pair["requested"] for pair in pairs]
    assert sum(exact) / len(exact) >= 0.98


@pytest.mark.parametrize(
    ("count", "times"),
    [(0, 0), (1, 1), (2, 1), (3, 2), (5, 3), (8, 4), (13, 5), (21, 6), (34, 7), (55, 8), (91, 9), (149, 10), (250, 11)],
)
def test_how_pages_multiply(count: int, times: int) -> None:
    assert multiplier(count) == times


@pytest.mark.parametrize(
    ("document", "variables", "points"),
    [
        ("{ shop { name } }", {}, 1),
        ("{ products(first: 250) { nodes { id } pageInfo { hasNextPage } } }", {}, 13),
        ("query ($n: Int!) { products(first: $n) { nodes { id } } }", {"n": 250}, 13),
        ("query ($n: Int = 3) { products(first: $n) { nodes { id } } }", {}, 4),
        ("{ products(last: 8) { edges { cursor node { id } } } }", {}, 6),
        ("{ products(first: 0) { nodes { id } } }", {}, 2),
        ("{ productsCount { count } }", {}, 10),
        (
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Product { variants(first: 2) { nodes { id } } } } }",
            {},
            4,
        ),
        ("{ product(id: 1) { ...P } } fragment P on Product { seo { title } }", {}, 2),
        ("mutation { productDelete(input: {id: 1}) { deletedProductId userErrors { field } } }", {}, 10),
        ("mutation { fileCreate(files: []) { files { id } } }", {}, 20),
        (
            "mutation ($input: ProductSetInput!) { productSet(input: $input) { product { id } } }",
            {"input": {"variants": [{"metafields": [{}, {}]}] * 10, "files": [{}]}},
            10 + round(10 * 0.2 + 20 * 0.4 + 1.9),
        ),
        ("not a document", {}, 1),
        ("fragment P on Product { id }", {}, 1),
    ],
)
def test_rules(document: str, variables: dict[str, Any], points: int) -> None:
    assert estimate(document, variables) == points


@given(first=st.one_of(st.none(), st.integers(-5, 300), st.text(max_size=3), st.booleans()))
def test_odd_variables_do_no_harm(first: object) -> None:
    assert estimate("query ($n: Int!) { products(first: $n) { nodes { id } } }", {"n": first}) >= 1


def test_no_document_of_ours_is_dearer_than_a_query_may_be() -> None:
    from shopify_sync.entities.products import ENTITY
    from shopify_sync.spec import documents

    for document in (documents.listing(ENTITY), documents.fetching(ENTITY), documents.stamping(ENTITY)):
        assert 1 <= estimate(document, {"first": 250}) <= 1000

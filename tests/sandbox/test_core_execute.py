"""The projector against graphql-core's own executor, and pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphql
import orjson
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.api import Api, Refused
from shopify_sync.sandbox.bucket import Bucket
from shopify_sync.sandbox.execute import oracle_resolver, type_of
from shopify_sync.sandbox.registry import Context
from shopify_sync.sandbox.schema import coerce_variables, schema
from shopify_sync.sandbox.scopes import ALL_SCOPES
from shopify_sync.sandbox.seed import seed
from shopify_sync.sandbox.state import Shop
from shopify_sync.sandbox.stats import Stats

Run = Callable[..., dict[str, Any]]
PAGE = """
query ProductsPull($first: Int!, $after: String, $query: String, $variants: Int!) {
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { ...Head variants(first: $variants) { nodes { ...Row } pageInfo { hasNextPage endCursor } } }
    pageInfo { hasNextPage endCursor } } }
fragment Head on Product {
  id legacyResourceId title handle descriptionHtml vendor productType tags status templateSuffix isGiftCard
  requiresSellingPlan createdAt updatedAt publishedAt totalInventory tracksInventory hasOnlyDefaultVariant
  combinedListingRole seo { title description } category { id fullName } variantsCount { count precision }
  options { id name position linkedMetafield { namespace key }
    optionValues { id name hasVariants linkedMetafieldValue } } }
fragment Row on ProductVariant {
  id legacyResourceId title displayName sku barcode position price compareAtPrice taxable inventoryPolicy
  inventoryQuantity availableForSale createdAt updatedAt selectedOptions { name value optionValue { id } }
  inventoryItem { id sku tracked requiresShipping countryCodeOfOrigin provinceCodeOfOrigin harmonizedSystemCode
    unitCost { amount currencyCode } measurement { weight { value unit } } updatedAt } }
"""
DOCUMENTS = [
    (PAGE, {"first": 20, "variants": 3}),
    (
        "{ a: products(first: 3, reverse: true) { edges { cursor node { t: title title } }"
        " pageInfo { hasNextPage } } }",
        {},
    ),
    (
        "query Q($x: Boolean!, $y: Boolean!) { products(first: 2) { nodes { id @include(if: $x) title @skip(if: $y)"
        " ... @include(if: $y) { handle vendor } } } }",
        {"x": False, "y": True},
    ),
    (
        "{ products(first: 5) { nodes { ... on Publishable { availablePublicationsCount { count } }"
        " ... on Node { id }"
        " options { name } options { position }"
        " featuredMedia { __typename alt ... on MediaImage { image { url width } } }"
        " media(first: 5) { nodes { __typename id alt status preview { image { url } }"
        " ... on MediaImage { mimeType } } }"
        " metafields(first: 5) { nodes { id namespace key type value jsonValue compareDigest"
        " owner { __typename } } }"
        " collections(first: 5) { nodes { id handle productsCount { count } } }"
        " resourcePublicationsV2(first: 5) { nodes { isPublished publication { id name } } }"
        " priceRangeV2 { minVariantPrice { amount } } } } }",
        {},
    ),
    ("{ shop { id name plan { publicDisplayName } } currentAppInstallation { id accessScopes { handle } } }", {}),
    ('{ nodes(ids: ["gid://shopify/Product/1"]) { id } product(id: "gid://shopify/Product/1") { id } }', {}),
    (
        "{ publicApiVersions { handle supported } productsCount { count precision }"
        " collections(first: 3) { nodes { id } } }",
        {},
    ),
]


@pytest.fixture(scope="module")
def shop() -> Shop:
    """A store of 60 products."""
    made = Shop(clock=ManualClock())
    seed(made, 60, 3)
    return made


@pytest.fixture
def api(shop: Shop) -> Api:
    return Api(shop, Bucket(10**6, 10**6, shop.clock), Stats())


@pytest.fixture
def run(api: Api) -> Run:
    def call(
        text: str, variables: dict[str, Any] | None = None, scopes: tuple[str, ...] = ALL_SCOPES
    ) -> dict[str, Any]:
        try:
            request = api.prepare(orjson.dumps({"query": text, "variables": variables or {}}))
            return api.run(request, frozenset(scopes), "2026-10")
        except Refused as refusal:
            return refusal.body

    return call


@pytest.mark.parametrize(("text", "variables"), DOCUMENTS)
def test_the_projector_answers_as_graphql_core_does(run: Run, shop: Shop, text: str, variables: dict[str, Any]) -> None:
    """Same data, same order of keys."""
    answer = run(text, variables)
    document = graphql.parse(text)
    operation = next(d for d in document.definitions if isinstance(d, graphql.OperationDefinitionNode))
    values, _ = coerce_variables(operation, variables)
    ctx = Context(shop=shop, scopes=frozenset(ALL_SCOPES))
    oracle = graphql.execute_sync(
        schema(),
        document,
        variable_values=variables,
        field_resolver=oracle_resolver(ctx, values),
        type_resolver=type_of,
    )
    assert oracle.errors is None
    assert "errors" not in answer
    assert orjson.dumps(answer["data"]) == orjson.dumps(oracle.data)


def test_a_failure_deep_down_makes_the_nearest_nullable_field_null(run: Run, shop: Shop) -> None:
    """A required field without value: the product (nullable) is null, the other root field stays."""
    broken = {**next(iter(shop.table("Product").values())), "id": 1, "handle": "broken", "vendor": None}
    shop.put("Product", broken)
    answer = run('{ product(id: "gid://shopify/Product/1") { id vendor } shop { name } }')
    shop.drop("Product", 1)
    assert answer["data"] == {"product": None, "shop": {"name": "Sandbox Shop"}}
    assert answer["errors"][0]["path"] == ["product", "vendor"]


def _walk(run: Run, size: int, query: str | None, sort: str, reverse: bool = False) -> list[dict[str, Any]]:
    found, after = [], None
    text = (
        "query($n: Int!, $a: String, $q: String, $s: ProductSortKeys, $r: Boolean) {"
        " products(first: $n, after: $a, query: $q, sortKey: $s, reverse: $r) {"
        " nodes { id title updatedAt status vendor } pageInfo { hasNextPage endCursor } } }"
    )
    while True:
        page = run(text, {"n": size, "a": after, "q": query, "s": sort, "r": reverse})["data"]["products"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("sort", ["ID", "UPDATED_AT", "TITLE", "VENDOR", "PUBLISHED_AT", "CREATED_AT"])
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_join_without_gap_or_repetition(run: Run, shop: Shop, sort: str, reverse: bool) -> None:
    """Whatever the page size, the pages are one list in the sort key's order."""
    whole = _walk(run, 250, None, sort, reverse)
    assert len(whole) == len(shop.table("Product"))
    assert _walk(run, 7, None, sort, reverse) == whole
    if sort == "UPDATED_AT":
        times = [row["updatedAt"] for row in whole]
        assert times == sorted(times, reverse=reverse)


def test_an_incremental_page_starts_at_the_watermark(run: Run, shop: Shop) -> None:
    """`updated_at:>=` is inclusive, and later changes move behind the cursor."""
    times = sorted(row["updatedAt"] for row in shop.table("Product").values())
    mark = times[40]
    found = _walk(run, 6, f"updated_at:>='{mark}'", "UPDATED_AT")
    assert [row["updatedAt"] for row in found] == [time for time in times if time >= mark]


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("status:active", lambda r: r["status"] == "ACTIVE"),
        ("status:draft,archived", lambda r: r["status"] in ("DRAFT", "ARCHIVED")),
        ("-status:active", lambda r: r["status"] != "ACTIVE"),
        ("NOT (status:active OR status:draft)", lambda r: r["status"] in ("ARCHIVED", "UNLISTED")),
        ("vendor:'Dr. Grün' status:active", lambda r: r["vendor"] == "Dr. Grün" and r["status"] == "ACTIVE"),
        ('vendor:"Acme & Söhne" OR vendor:Finca*', lambda r: r["vendor"] in ("Acme & Söhne", "Finca El Árbol")),
        ("id:>0 AND title:mug", lambda r: "mug" in r["title"].lower()),
    ],
)
def test_search(run: Run, shop: Shop, query: str, test: Callable[[dict[str, Any]], bool]) -> None:
    """The grammar selects what a plain loop selects."""
    wanted = {shop.gid("Product", row["id"]) for row in shop.table("Product").values() if test(row)}
    assert {row["id"] for row in _walk(run, 50, query, "ID")} == wanted


def test_search_by_sku_handle_and_tag(run: Run, shop: Shop) -> None:
    """Exact look-ups find the one record; unknown values find nothing."""
    variant = next(row for row in shop.table("ProductVariant").values() if row["sku"])
    found = run(
        "query($q: String) { productVariants(first: 5, query: $q) { nodes { id sku product { handle } } } }",
        {"q": f"sku:{variant['sku']}"},
    )["data"]["productVariants"]["nodes"]
    assert [row["sku"] for row in found] == [variant["sku"]]
    assert [row["id"] for row in _walk(run, 5, f"handle:{found[0]['product']['handle']}", "ID")] == [
        shop.gid("Product", variant["productId"])
    ]
    assert _walk(run, 5, "sku:nothing-has-this", "ID") == []


def test_an_unknown_filter_is_a_warning(run: Run, shop: Shop) -> None:
    """It matches everything and is told in extensions.search."""
    answer = run('{ p: products(first: 250, query: "colour:red") { nodes { id } } }')
    assert len(answer["data"]["p"]["nodes"]) == len(shop.table("Product"))
    warning = {"field": "colour", "message": "Invalid search field for this query.", "code": "invalid_field"}
    assert answer["extensions"]["search"] == [
        {
            "path": ["p"],
            "query": "colour:red",
            "parsed": {"field": "colour", "match_all": "red"},
            "warnings": [warning],
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "you must provide one of first or last"),
        ("(first: 1, last: 1)", "providing both first and last is not supported"),
        ('(first: 1, after: "nonsense")', "Invalid cursor for current pagination sort: nonsense."),
        ("(first: 251)", "Size limit exceeded: the maximum is 250, got 251"),
    ],
)
def test_bad_page_arguments(run: Run, arguments: str, message: str) -> None:
    """They are BAD_REQUEST with the field's path."""
    answer = run(f"{{ products{arguments} {{ nodes {{ id }} }} }}")
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert (error["message"], error["extensions"], error["path"]) == (message, {"code": "BAD_REQUEST"}, ["products"])


def test_one_product_may_give_more_than_250_variants(run: Run, shop: Shop) -> None:
    """Shopify allows 2,000 in a query that reads one product."""
    gid = shop.gid("Product", next(iter(shop.table("Product"))))
    answer = run("query($i: ID!) { product(id: $i) { variants(first: 2000) { nodes { id } } } }", {"i": gid})
    assert "errors" not in answer


def test_missing_scopes_deny_access(run: Run) -> None:
    """Null data, one ACCESS_DENIED per refused place, nothing executed."""
    text = "{ products(first: 1) { nodes { id resourcePublicationsV2(first: 1) { nodes { isPublished } } } } }"
    answer = run(text, scopes=("write_products",))
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["path"] == ["products", "nodes", "resourcePublicationsV2"]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert error["extensions"]["requiredAccess"] == "`read_publications` access scope."
    assert (
        run('mutation { tagsAdd(id: "gid://shopify/Product/1", tags: ["a"]) { node { id } } }', scopes=())["data"]
        is None
    )


def test_long_lists_are_refused(run: Run) -> None:
    """250 elements, and 2,048 variants, are the limits of input lists."""
    ids = [f"gid://shopify/Product/{number}" for number in range(251)]
    answer = run("query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids})
    assert "data" not in answer
    assert answer["errors"] == [
        {
            "message": "The input array size of 251 is greater than the maximum allowed of 250.",
            "locations": [{"line": 1, "column": 25}],
            "path": ["nodes", "ids"],
            "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
        }
    ]


@pytest.mark.parametrize(("first", "variants", "cost"), [(25, 10, 152), (50, 10, 177), (50, 50, 261), (250, 250, 585)])
def test_the_price_of_a_page(run: Run, first: int, variants: int, cost: int) -> None:
    """Requested cost of the usual page grows with the logarithm of its size; the actual one is not above it."""
    answer = run(PAGE, {"first": first, "variants": variants})["extensions"]["cost"]
    assert answer["requestedQueryCost"] == cost
    assert 0 < answer["actualQueryCost"] <= cost


def test_a_query_over_the_limit_is_not_run(run: Run) -> None:
    """MAX_COST_EXCEEDED, without data."""
    inner = "variants(first: 250) { nodes { product { variants(first: 250) { nodes { inventoryItem { id } } } } } }"
    answer = run(f"{{ products(first: 250) {{ nodes {{ {inner} }} }} }}")
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_several_operations_need_a_name(run: Run) -> None:
    """Recorded: no code, no data."""
    answer = run("query A { shop { id } } query B { shop { id } }")
    assert answer == {"errors": [{"message": "An operation name is required"}]}


def test_introspection(run: Run) -> None:
    """`__type` is answered beside other fields."""
    answer = run('{ __type(name: "Product") { name } shop { name } }')
    assert answer["data"] == {"__type": {"name": "Product"}, "shop": {"name": "Sandbox Shop"}}


@pytest.mark.parametrize(("text", "name"), [("{ __typename }", "QueryRoot"), ("mutation { __typename }", "Mutation")])
def test_the_name_of_the_root_type_is_served(run: Run, text: str, name: str) -> None:
    """Many clients ask for it everywhere."""
    assert run(text)["data"] == {"__typename": name}
    assert run("{ __typename shop { __typename } }")["data"]["shop"] == {"__typename": "Shop"}

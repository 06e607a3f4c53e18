"""Reading orders: filters, sort keys, pages, counts, the window of 60 days, scopes, bulk results, odd orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import graphql
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox import resources
from shopify_sync.sandbox.order_seed import seed_orders
from shopify_sync.sandbox.registry import MUTATIONS, QUERIES, Context
from shopify_sync.sandbox.resources.amounts import parse
from shopify_sync.sandbox.resources.order_filters import ORDER_KEYS
from shopify_sync.sandbox.resources.order_money import currencies_of, totals
from shopify_sync.sandbox.resources.read_order_roots import orders_of_customer
from shopify_sync.sandbox.scopes import ALL_SCOPES
from shopify_sync.sandbox.seed import seed
from shopify_sync.sandbox.server import SandboxServer
from shopify_sync.sandbox.state import Record, Shop, iso
from tests.sandbox.bulk_client import BulkClient
from tests.sandbox.order_front import Orders, custom, inconsistencies
from tests.sandbox.shopfront import Json

LIST = """query($query: String, $first: Int!, $after: String, $sortKey: OrderSortKeys, $reverse: Boolean) {
  orders(query: $query, first: $first, after: $after, sortKey: $sortKey, reverse: $reverse) {
    nodes { id } pageInfo { hasNextPage endCursor } } }"""
COUNT = "query($query: String, $limit: Int) { ordersCount(query: $query, limit: $limit) { count precision } }"
OLD = ("read_all_orders",)
resources.load()


@cache
def seeded() -> Shop:
    """600 orders over 40 products; nobody may change it."""
    shop = Shop(clock=ManualClock())
    seed(shop, 40, 3)
    seed_orders(shop, 600, 3)
    return shop


@pytest.fixture
def front() -> Orders:
    return Orders(seeded())


def ids(front: Orders, query: str | None = None, **rest: Any) -> list[str]:
    """All that a query finds, page by page."""
    found: list[str] = []
    after = None
    for _ in range(200):
        page = front.data(LIST, query=query, first=rest.get("first", 250), after=after, **_paging(rest))
        found += [row["id"] for row in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
    raise AssertionError("too many pages")


def _paging(rest: Json) -> Json:
    return {key: value for key, value in rest.items() if key != "first"}


def matching(test: Any) -> set[str]:
    return {f"gid://shopify/Order/{row['id']}" for row in seeded().table("Order").values() if test(row)}


# -- the schema


def test_each_root_field_of_the_schema_file_is_served() -> None:
    """A field that nobody serves would be a promise that fails when it is asked for."""
    from importlib.resources import files

    text = (files("shopify_sync.sandbox") / "schema" / "orders.graphql").read_text(encoding="utf-8")
    roots = {
        extension.name.value: {field.name.value for field in extension.fields or ()}
        for extension in graphql.parse(text).definitions
        if isinstance(extension, graphql.ObjectTypeExtensionNode)
    }
    assert roots["QueryRoot"] <= set(QUERIES)
    assert roots["Mutation"] <= set(MUTATIONS)
    assert len(roots["QueryRoot"]) == 9


def test_each_type_of_the_schema_file_is_used() -> None:
    """What no root field leads to would be dead weight."""
    from shopify_sync.sandbox.schema import schema

    seen: set[str] = set()
    todo: list[Any] = [schema().query_type, schema().mutation_type]
    while todo:
        kind = todo.pop()
        if kind.name in seen:
            continue
        seen.add(kind.name)
        if graphql.is_abstract_type(kind):
            todo += schema().get_possible_types(kind)
        todo += list(getattr(kind, "interfaces", ()))
        for field in getattr(kind, "fields", {}).values():
            todo.append(graphql.get_named_type(field.type))
            todo += [graphql.get_named_type(argument.type) for argument in getattr(field, "args", {}).values()]
    unused = set(schema().type_map) - seen
    assert {name for name in unused if "Order" in name or "Refund" in name or "Fulfill" in name} == set()


# -- filters

FILTERS: list[tuple[str, Any]] = [
    ("status:any", lambda row: True),
    ("status:open", lambda row: row["closedAt"] is None and row["cancelledAt"] is None),
    ("status:closed", lambda row: row["closedAt"] is not None),
    ("status:cancelled", lambda row: row["cancelledAt"] is not None),
    ("status:not_closed", lambda row: row["closedAt"] is None),
    ("financial_status:paid", lambda row: row["financial"] == "PAID"),
    ("financial_status:refunded,partially_refunded", lambda row: "REFUNDED" in (row["financial"] or "")),
    ("fulfillment_status:shipped", lambda row: row["fulfillment"] == "FULFILLED"),
    ("fulfillment_status:partial", lambda row: row["fulfillment"] == "PARTIALLY_FULFILLED"),
    ("return_status:returned", lambda row: row["return"] == "RETURNED"),
    ("tag:vip", lambda row: "vip" in row["tags"]),
    ("tag_not:vip -status:open", lambda row: "vip" not in row["tags"] and (row["closedAt"] or row["cancelledAt"])),
    ("test:true", lambda row: bool(row.get("test"))),
    ("discount_code:spring10", lambda row: any(d.get("code") == "SPRING10" for d in row.get("discounts") or ())),
    ("gateway:paypal", lambda row: any(t["gateway"] == "paypal" for t in row.get("transactions") or ())),
    ("source_name:pos", lambda row: row["sourceName"] == "pos"),
    ("risk_level:high", lambda row: row.get("risk") == "HIGH"),
    ("name:1010", lambda row: row["name"] == "#1010"),
    ("name:#1010", lambda row: row["name"] == "#1010"),
    ("current_total_price:>=100.00", lambda row: parse(row["totals"]["current_total_price"]).shop >= Decimal(100)),
    ("subtotal_line_items_quantity:<3", lambda row: sum(line["quantity"] for line in row["lines"]) < 3),
    ("total_weight:0", lambda row: not any(line.get("weight") for line in row["lines"])),
    ("created_at:>2026-06-01", lambda row: row["createdAt"] > "2026-06-01T00:00:00Z"),
    ("created_at:<=2025", lambda row: row["createdAt"] <= "2025-01-01T00:00:00Z"),
    ("processed_at:<now", lambda row: True),
    ("chargeback_status:lost", lambda row: False),
    ("id:>=5600000000500", lambda row: row["id"] >= 5600000000500),
]


@pytest.mark.parametrize(("query", "test"), FILTERS, ids=lambda value: value if isinstance(value, str) else "")
def test_filters(front: Orders, query: str, test: Any) -> None:
    body = front.run(LIST, {"query": query, "first": 1})
    assert "search" not in body["extensions"], "a filter that exists has no warning"
    expected = matching(test)
    assert set(ids(front, query)) == expected
    assert front.data(COUNT, query=query)["count"] == len(expected)


@pytest.mark.parametrize(
    ("query", "code"),
    [("nope:1", "invalid_field"), ("status:nope", "invalid_value"), ("financial_status:lost", "invalid_value")],
)
def test_what_is_no_filter_is_a_warning(front: Orders, query: str, code: str) -> None:
    body = front.run(LIST, {"query": query, "first": 1})
    assert [row["code"] for row in body["extensions"]["search"][0]["warnings"]] == [code]


def test_an_order_is_found_by_sku(front: Orders) -> None:
    sku = next(line["sku"] for row in seeded().table("Order").values() for line in row["lines"] if line.get("sku"))
    found = matching(lambda row: any(line.get("sku") == sku for line in row["lines"]))
    assert set(ids(front, f"sku:{sku}")) == found


@pytest.mark.parametrize("key", sorted(ORDER_KEYS))
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_in_each_order_show_each_order_once(front: Orders, key: str, reverse: bool) -> None:
    rows = sorted(seeded().table("Order").values(), key=lambda row: (ORDER_KEYS[key](row), row["id"]), reverse=reverse)
    found = ids(front, sortKey=key, reverse=reverse, first=97)
    assert found == [f"gid://shopify/Order/{row['id']}" for row in rows]


def test_the_default_order_is_that_of_processing(front: Orders) -> None:
    assert ids(front) == ids(front, sortKey="PROCESSED_AT")


def test_increments_by_time_find_all_and_only_what_changed_since(front: Orders) -> None:
    since = iso(seeded().now() - timedelta(days=100))
    found = ids(front, f"updated_at:>='{since}' status:any", sortKey="UPDATED_AT", first=7)
    assert set(found) == matching(lambda row: row["updatedAt"] >= since)
    assert 20 < len(found) < 500


def test_counts_stop_at_their_limit(front: Orders) -> None:
    """Recorded: order-catalog-count-read."""
    assert front.data(COUNT, query="status:any", limit=10) == {"count": 10, "precision": "AT_LEAST"}
    assert front.data(COUNT, query="status:any", limit=None) == {"count": 600, "precision": "EXACT"}
    assert front.data(COUNT) == {"count": 600, "precision": "EXACT"}
    assert front.data(COUNT, query="id:999999999999999999") == {"count": 0, "precision": "EXACT"}


def test_a_saved_search_is_refused(front: Orders) -> None:
    body = front.run('{ orders(first: 1, savedSearchId: "gid://shopify/SavedSearch/1") { nodes { id } } }')
    assert body["errors"][0]["extensions"]["code"] == "NOT_IMPLEMENTED"


def test_the_orders_of_a_customer() -> None:
    """The connection that customers will show."""
    front = Orders.stocked()
    for place in range(4):
        order = front.shop.table("Order")[int(front.place(pay=place % 2 == 0).rpartition("/")[2])]
        front.shop.put("Order", {**order, "customerId": 7 if place else 8})
    ctx = Context(shop=front.shop, scopes=frozenset(ALL_SCOPES))
    page = orders_of_customer(ctx, 7, {"first": 2, "reverse": True, "sortKey": "ORDER_NUMBER"})
    assert ([row["name"] for row in page.items], page.has_next) == (["#1004", "#1003"], True)
    paid = orders_of_customer(ctx, 7, {"first": 9, "query": "financial_status:paid"})
    assert [row["name"] for row in paid.items] == ["#1003"]


# -- the window


def without_old_orders() -> list[str]:
    return [scope for scope in ALL_SCOPES if scope not in OLD]


def test_orders_over_60_days_are_absent_without_their_scope(front: Orders) -> None:
    oldest = iso(seeded().now() - timedelta(days=60))
    young = matching(lambda row: row["createdAt"] >= oldest)
    scopes = without_old_orders()
    body = front.run(LIST, {"first": 250, "query": "status:any"}, scopes)
    assert {row["id"] for row in body["data"]["orders"]["nodes"]} == young
    assert 10 < len(young) < 250
    assert front.run(COUNT, {}, scopes)["data"]["ordersCount"]["count"] == len(young)
    old = next(row for row in seeded().table("Order").values() if row["createdAt"] < oldest)
    gid, part = f"gid://shopify/Order/{old['id']}", old["fulfillmentOrderIds"][0]
    document = """query($id: ID!, $part: ID!) { order(id: $id) { id } node(id: $id) { id }
      orderByIdentifier(identifier: {id: $id}) { id } fulfillmentOrder(id: $part) { id } }"""
    variables = {"id": gid, "part": f"gid://shopify/FulfillmentOrder/{part}"}
    assert set(front.run(document, variables, scopes)["data"].values()) == {None}
    assert None not in front.run(document, variables)["data"].values()
    tag = 'mutation($id: ID!) { orderUpdate(input: {id: $id, note: "x"}) { order { id } userErrors { message } } }'
    payload = front.run(tag, {"id": gid}, scopes)["data"]["orderUpdate"]
    assert payload["userErrors"] == [{"message": "Order does not exist"}]


def test_fulfilment_orders_of_all_orders(front: Orders) -> None:
    document = """query($closed: Boolean, $query: String) { fulfillmentOrders(first: 250, includeClosed: $closed,
      query: $query, sortKey: UPDATED_AT) { nodes { id status updatedAt order { id } } } }"""
    rows = front.data(document, closed=False)["nodes"]
    assert {row["status"] for row in rows} <= {"OPEN", "ON_HOLD", "IN_PROGRESS"}
    assert rows == sorted(rows, key=lambda row: row["updatedAt"])
    closed = front.data(document, closed=True, query="status:closed")["nodes"]
    assert {row["status"] for row in closed} == {"CLOSED"}


# -- scopes


@pytest.mark.parametrize(
    ("document", "scope"),
    [
        ("{ orders(first: 1) { nodes { id } } }", "read_orders"),
        ("{ ordersCount { count } }", "read_orders"),
        ("{ orders(first: 1) { nodes { returns(first: 1) { nodes { id } } } } }", "read_returns"),
        (
            "{ orders(first: 1) { nodes { fulfillmentOrders(first: 1) { nodes { id } } } } }",
            "read_merchant_managed_fulfillment_orders",
        ),
        ('mutation { orderClose(input: {id: "gid://shopify/Order/1"}) { order { id } } }', "write_orders"),
        ('mutation { orderEditBegin(id: "gid://shopify/Order/1") { userErrors { message } } }', "write_order_edits"),
        ('mutation { returnClose(id: "gid://shopify/Return/1") { userErrors { message } } }', "write_returns"),
    ],
)
def test_scopes(front: Orders, document: str, scope: str) -> None:
    """Source: the access that Shopify's schema documents per type and mutation."""
    left = [each for each in ALL_SCOPES if each not in (scope, scope.replace("read", "write"))]
    refused = front.run(document, scopes=left)["errors"][0]
    assert refused["extensions"]["code"] == "ACCESS_DENIED"
    assert f"`{scope}`" in refused["message"]
    assert "errors" not in front.run(document)


def test_tags_of_an_order_need_the_scope_of_orders() -> None:
    front = Orders.stocked()
    gid = front.place()
    document = 'mutation($id: ID!) { tagsAdd(id: $id, tags: ["x"]) { node { id } userErrors { message } } }'
    body = front.run(document, {"id": gid}, ["write_products"])
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert front.run(document, {"id": gid}, ["write_orders", "read_all_orders"])["data"]["tagsAdd"]["node"]["id"] == gid


# -- what old and odd orders look like


def test_a_line_outlives_its_product() -> None:
    front = Orders.stocked()
    gid = front.place()
    delete = "mutation($id: ID!) { productDelete(input: {id: $id}) { deletedProductId } }"
    front.data(delete, id=front.shop.gid("Product", next(iter(front.shop.table("Product")))))
    line = front.read(gid)["lineItems"]["nodes"][0]
    assert (line["product"], line["variant"], line["title"], line["sku"]) == (None, None, "Shirt", "S")
    assert front.act(gid, fulfill=True)["displayFulfillmentStatus"] == "FULFILLED"


def test_an_order_of_500_lines_is_read_by_pages() -> None:
    front = Orders.stocked()
    lines = [custom(f"line {place}", "1.01") for place in range(250)]
    gid = front.make(lineItems=lines)["id"]
    order = front.shop.table("Order")[int(gid.rpartition("/")[2])]
    more = [{**line, "id": front.shop.next_id("LineItem")} for line in order["lines"]]
    order["lines"] += more
    front.shop.put("Order", order)
    document = """query($id: ID!, $after: String) { order(id: $id) { lineItems(first: 100, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor } } } }"""
    found: list[str] = []
    after = None
    for _ in range(5):
        page = front.data(document, id=gid, after=after)["lineItems"]
        found += [row["id"] for row in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert (len(set(found)), page["pageInfo"]["hasNextPage"]) == (500, False)
    too_many = [custom()] * 251
    body = front.run(
        "mutation($o: OrderCreateOrderInput!) { orderCreate(order: $o) { order { id } } }",
        {"o": {"lineItems": too_many}},
    )
    assert body["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


# -- seeds


def test_seeded_orders_are_all_kinds_and_add_up() -> None:
    rows = list(seeded().table("Order").values())
    assert {row["financial"] for row in rows} >= {"PAID", "PARTIALLY_REFUNDED", "REFUNDED", "PARTIALLY_PAID", "VOIDED"}
    assert {row["fulfillment"] for row in rows} >= {"FULFILLED", "UNFULFILLED"}
    assert {row["return"] for row in rows} >= {"NO_RETURN", "RETURNED"}
    assert {row["presentment"] for row in rows} == {"USD", "EUR", "GBP", "JPY", "KWD", "CAD"}
    assert {row.get("taxesIncluded", False) for row in rows} == {True, False}
    assert any(row.get("edited") for row in rows)
    assert any(line.get("sku") and not line.get("variantId") for row in rows for line in row["lines"])
    assert [row["createdAt"] for row in rows] == sorted(row["createdAt"] for row in rows)
    assert [row["updatedAt"] for row in rows] != sorted(row["updatedAt"] for row in rows)
    assert max(row["updatedAt"] for row in rows) < seeded().now_iso()
    for row in rows:
        assert row["totals"] == totals(row).texts(currencies_of(row)), row["name"]
    assert inconsistencies(seeded()) == []


def test_the_same_seed_gives_the_same_orders_and_leaves_the_clock_alone() -> None:
    def made(number: int) -> Shop:
        shop = Shop(clock=ManualClock())
        seed(shop, 5, 1)
        before = shop.now()
        seed_orders(shop, 30, number)
        assert shop.now() == before
        return shop

    assert made(1).digest() == made(1).digest() != made(2).digest()


def test_one_in_two_thousand_has_500_lines() -> None:
    shop = Shop(clock=ManualClock())
    seed_orders(shop, 1300, 1)
    assert max(len(row["lines"]) for row in shop.table("Order").values()) == 500


# -- bulk

EXPORT = """{ orders(query: "status:any", sortKey: UPDATED_AT) { edges { node { id name updatedAt
  totalPriceSet { shopMoney { amount } } transactions { id kind } refunds { id } fulfillments { id }
  lineItems { edges { node { id sku taxLines { title } } } } shippingLines { edges { node { id title } } }
  fulfillmentOrders { edges { node { id status } } } returns { edges { node { id name } } } } } } }"""


@pytest.fixture
def client() -> Iterator[BulkClient]:
    scopes = tuple(without_old_orders())
    with SandboxServer(products=20, orders=200, seed=5, clock=ManualClock(), scopes=scopes) as server:
        made = BulkClient(server)
        yield made
        made.close()


def test_bulk_results_hold_the_orders_that_the_app_may_see(client: BulkClient) -> None:
    rows = client.result(EXPORT)
    heads = [row for row in rows if "/Order/" in row["id"]]
    shop = client.server.shop
    oldest = iso(shop.now() - timedelta(days=60))
    expected: list[Record] = [row for row in shop.table("Order").values() if row["createdAt"] >= oldest]
    assert {row["id"] for row in heads} == {f"gid://shopify/Order/{row['id']}" for row in expected}
    lines = [row for row in rows if "/LineItem/" in row["id"]]
    assert len(lines) == sum(len(row["lines"]) for row in expected)
    assert {row["__parentId"] for row in lines} == {row["id"] for row in heads}
    assert len(heads) > 5

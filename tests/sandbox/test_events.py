"""The store's events, as a reconciliation reads them: what was deleted, what was made, by whom."""

from __future__ import annotations

import pytest

from shopify_sync.sandbox.cost import requested_cost
from shopify_sync.sandbox.merchant import edit
from shopify_sync.sandbox.plan import make_plan
from shopify_sync.sandbox.schema import coerce_variables
from shopify_sync.sandbox.validate import parse, validate
from tests.sandbox.shopfront import Json, Shopfront
from tests.sandbox.test_mutations_products import CREATE, DELETE, PUBLISH, UPDATE, created

EVENTS = """query($first: Int!, $after: String, $query: String, $sort: EventSortKeys, $reverse: Boolean) {
  events(first: $first, after: $after, query: $query, sortKey: $sort, reverse: $reverse) {
    nodes { id action createdAt message attributeToApp attributeToUser ... on BasicEvent { subjectId subjectType } }
    pageInfo { hasNextPage endCursor } } }"""
DELETIONS = """query DeletedProducts($first: Int!, $after: String, $query: String) {
  events(first: $first, after: $after, query: $query, sortKey: ID) {
    nodes { id action createdAt ... on BasicEvent { subjectId subjectType } } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture
def shop() -> Shopfront:
    return Shopfront.fresh()


def nodes(shop: Shopfront, query: str | None = None) -> list[Json]:
    found: list[Json] = shop.data(EVENTS, first=250, query=query)["nodes"]
    return found


def test_a_product_leaves_an_event_for_its_creation_each_change_and_its_end(shop: Shopfront) -> None:
    product = created(shop, title="Mug & more")
    shop.data(UPDATE, product={"id": product["id"], "title": "Cup"})
    shop.data(UPDATE, product={"id": product["id"], "title": "Cup"})  # changes nothing
    shop.data(PUBLISH, id=product["id"], input=[{"publicationId": "gid://shopify/Publication/150000000001"}])
    shop.data(DELETE, id=product["id"])
    found = nodes(shop)
    assert [event["action"] for event in found] == ["create", "update", "update", "published", "destroy"]
    assert {event["subjectId"] for event in found} == {product["id"]}
    assert {event["subjectType"] for event in found} == {"PRODUCT"}
    assert found[0]["message"] == "New product created: Mug &amp; more"
    assert found[-1]["message"] == "Cup was destroyed."
    assert found[0]["id"].startswith("gid://shopify/BasicEvent/")


def test_a_refused_change_leaves_none(shop: Shopfront) -> None:
    assert shop.errors(CREATE, product={"title": " "})
    assert nodes(shop) == []


def test_an_event_says_whether_the_app_or_the_merchant_did_it(shop: Shopfront) -> None:
    created(shop, title="Ours")
    edit(shop.shop, {"create": {"title": "Theirs"}})
    created(shop, title="Ours again")
    assert [event["attributeToUser"] for event in nodes(shop)] == [False, True, False]
    assert [event["attributeToApp"] for event in nodes(shop)] == [True, False, True]


def test_filters(shop: Shopfront) -> None:
    first, second = created(shop, title="A"), created(shop, title="B")
    shop.wait(3600)
    later = shop.shop.now_iso()
    shop.data(DELETE, id=first["id"])
    shop.data(DELETE, id=second["id"], synchronous=False)
    gone = nodes(shop, f"subject_type:PRODUCT action:destroy created_at:>='{later}'")
    assert [event["subjectId"] for event in gone] == [first["id"]]  # the other deletion is still under way
    shop.wait()
    gone = nodes(shop, "subject_type:product AND action:destroy")
    assert [event["subjectId"] for event in gone] == [first["id"], second["id"]]
    number = gone[0]["id"].rpartition("/")[2]
    assert [event["id"] for event in nodes(shop, f"id:>{number}")] == [gone[1]["id"]]
    assert [event["id"] for event in nodes(shop, f"id:{number}")] == [gone[0]["id"]]
    assert len(nodes(shop, "comments:false created_at:<now")) == 4 - 1  # the last one is of this second
    assert nodes(shop, "subject_type:COLLECTION") == []
    assert len(nodes(shop, "action:create,destroy")) == 4


def test_paging_by_cursor_meets_each_event_once_though_new_ones_come(shop: Shopfront) -> None:
    for number in range(7):
        created(shop, title=f"P{number}")
    seen: list[str] = []
    after, more = None, True
    while more:
        page = shop.data(EVENTS, first=3, after=after)
        seen += [event["id"] for event in page["nodes"]]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        if len(seen) == 3:
            created(shop, title="While paging")
    assert len(seen) == len(set(seen)) == 8
    newest = shop.data(EVENTS, first=2, sort="CREATED_AT", reverse=True)["nodes"]
    assert [event["id"] for event in newest] == seen[:-3:-1]


def test_an_unknown_filter_is_told_and_finds_everything(shop: Shopfront) -> None:
    created(shop, title="A")
    body = shop.run(EVENTS, {"first": 5, "query": "subject:PRODUCT"})
    assert body["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"
    assert len(body["data"]["events"]["nodes"]) == 1


def test_events_are_forgotten_after_a_year(shop: Shopfront) -> None:
    created(shop, title="Old")
    shop.wait(364 * 86400)
    created(shop, title="New")
    assert shop.data("{ eventsCount { count precision } }") == {"count": 2, "precision": "EXACT"}
    shop.wait(2 * 86400)
    assert [event["message"] for event in nodes(shop)] == ["New product created: New"]


def test_one_event_by_its_id(shop: Shopfront) -> None:
    created(shop, title="A")
    [event] = nodes(shop)
    assert shop.data("query($id: ID!) { event(id: $id) { action } }", id=event["id"]) == {"action": "create"}
    assert shop.data("query($id: ID!) { node(id: $id) { id } }", id=event["id"]) == {"id": event["id"]}
    assert shop.data("query($id: ID!) { event(id: $id) { id } }", id="gid://shopify/BasicEvent/1") is None


def test_a_page_of_100_deletions_costs_11_points() -> None:
    """Admin API reference K.7."""
    document, errors = parse(DELETIONS)
    assert document is not None
    assert not errors + validate(document)
    operation = document.definitions[0]
    variables, _ = coerce_variables(operation, {"first": 100})  # type: ignore[arg-type]  # it holds one operation
    assert requested_cost(make_plan(operation, {}, variables), variables) == 11  # type: ignore[arg-type]

"""What a reconciliation of ids and a verify ask for: ranges of ids, counts, ids that are gone, deletions, archiving."""

from __future__ import annotations

import itertools

import pytest

from shopify_sync.sandbox.merchant import edit
from shopify_sync.sandbox.seed import seed
from tests.sandbox.shopfront import Json, Shopfront
from tests.sandbox.test_mutations_products import DELETE, OPERATION, UPDATE, created

RANGE = """query($first: Int!, $after: String, $query: String, $reverse: Boolean) {
  products(first: $first, after: $after, query: $query, sortKey: ID, reverse: $reverse) {
    nodes { id } pageInfo { hasNextPage endCursor } } }"""
COUNT = "query($query: String, $limit: Int) { productsCount(query: $query, limit: $limit) { count precision } }"
ALIVE = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
PARTS = """query($id: ID!) { product(id: $id) {
  variants(first: 9) { nodes { id inventoryItem { id } } } metafields(first: 9) { nodes { id } } } }"""


@pytest.fixture
def shop() -> Shopfront:
    front = Shopfront.fresh()
    seed(front.shop, products=40, seed=2)
    return front


def numbers(shop: Shopfront) -> list[int]:
    return list(shop.shop.table("Product"))


def ranged(shop: Shopfront, query: str | None, size: int = 7, *, reverse: bool = False) -> list[int]:
    """The ids of all pages."""
    found: list[int] = []
    after, more = None, True
    while more:
        page = shop.data(RANGE, first=size, after=after, query=query, reverse=reverse)
        found += [int(row["id"].rpartition("/")[2]) for row in page["nodes"]]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    return found


def count(shop: Shopfront, query: str | None, **more: int | None) -> Json:
    answer: Json = shop.data(COUNT, query=query, **more)
    return answer


def test_ranges_of_ids_tile_the_store_without_gap_or_overlap(shop: Shopfront) -> None:
    ids = numbers(shop)
    edges = [ids[0], ids[9], ids[23], ids[-1] + 1]
    found = []
    for low, high in itertools.pairwise(edges):
        part = ranged(shop, f"id:>={low} id:<{high}")
        assert count(shop, f"id:>={low} id:<{high}") == {"count": len(part), "precision": "EXACT"}
        found += part
    assert found == ids == ranged(shop, None)
    assert ranged(shop, f"id:>{ids[5]} AND id:<={ids[8]}", reverse=True) == ids[8:5:-1]
    assert ranged(shop, f"id:>={ids[3]} id:<{ids[3]}") == []
    assert ranged(shop, f"id:{ids[4]}") == [ids[4]]


def test_a_deleted_product_leaves_its_range_while_pages_are_read(shop: Shopfront) -> None:
    ids = numbers(shop)
    page = shop.data(RANGE, first=5, query=f"id:<{ids[20]}")
    shop.data(DELETE, id=shop.shop.gid("Product", ids[4]))  # the cursor's own product
    shop.data(DELETE, id=shop.shop.gid("Product", ids[6]))
    after = page["pageInfo"]["endCursor"]
    rest = shop.data(RANGE, first=250, after=after, query=f"id:<{ids[20]}")["nodes"]
    assert [int(row["id"].rpartition("/")[2]) for row in rest] == [ids[5], *ids[7:20]]
    assert count(shop, f"id:<{ids[20]}")["count"] == 18


def test_counts_by_time_and_range_together(shop: Shopfront) -> None:
    ids = numbers(shop)
    shop.wait(3600)
    since = shop.shop.now_iso()
    for number in ids[10:14]:
        edit(shop.shop, {"product": shop.shop.gid("Product", number), "set": {"title": f"New {number}"}})
    assert count(shop, f"updated_at:>='{since}'")["count"] == 4
    assert count(shop, f"updated_at:>='{since}' id:>={ids[12]}")["count"] == 2
    assert count(shop, f"updated_at:<'{since}' id:>={ids[10]} id:<{ids[20]}")["count"] == 6
    assert ranged(shop, f"updated_at:>='{since}' id:>={ids[12]}") == ids[12:14]


def test_a_count_stops_at_its_limit(shop: Shopfront) -> None:
    assert count(shop, None, limit=10) == {"count": 10, "precision": "AT_LEAST"}
    assert count(shop, "id:>0", limit=10) == {"count": 10, "precision": "AT_LEAST"}
    assert count(shop, "id:>0", limit=40) == {"count": 40, "precision": "EXACT"}
    assert count(shop, "id:>0", limit=None) == {"count": 40, "precision": "EXACT"}


def test_ids_of_a_deleted_product_and_its_parts_are_null_in_their_places(shop: Shopfront) -> None:
    kept = created(shop, title="Kept")["id"]
    gone = created(shop, title="Gone", metafields=[{"namespace": "a.b", "key": "ab", "type": "json", "value": "1"}])[
        "id"
    ]
    parts = shop.data(PARTS, id=gone)
    variant = parts["variants"]["nodes"][0]
    inside = [variant["id"], variant["inventoryItem"]["id"], parts["metafields"]["nodes"][0]["id"]]
    assert shop.data(ALIVE, ids=[gone, *inside, kept]) == [{"id": each} for each in [gone, *inside, kept]]
    shop.data(DELETE, id=gone)
    assert shop.data(ALIVE, ids=[gone, *inside, kept, kept]) == [None] * 4 + [{"id": kept}] * 2
    assert shop.data(ALIVE, ids=["gid://shopify/ProductVariant/1", kept]) == [None, {"id": kept}]


def test_250_ids_are_looked_up_at_once_and_no_more(shop: Shopfront) -> None:
    ids = [f"gid://shopify/Product/{number}" for number in range(1, 252)]
    assert shop.data(ALIVE, ids=ids[:250]) == [None] * 250
    assert shop.run(ALIVE, {"ids": ids})["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


def test_a_deletion_under_way_shows_the_product_until_it_is_done(shop: Shopfront) -> None:
    gid = created(shop, title="Going")["id"]
    operation = shop.data(DELETE, id=gid, synchronous=False)["productDeleteOperation"]["id"]
    assert shop.data(ALIVE, ids=[gid]) == [{"id": gid}]
    states = [shop.data(OPERATION, id=operation)["status"] for _ in range(3)]
    assert states == ["ACTIVE", "COMPLETE", "COMPLETE"]
    assert shop.data(ALIVE, ids=[gid]) == [None]
    assert shop.errors(DELETE, id=gid, synchronous=False) == [(["id"], "Product does not exist", None)]


def test_an_archived_product_stays_and_is_found_by_its_status(shop: Shopfront) -> None:
    before = created(shop, title="Old")
    shop.wait()
    after = shop.data(UPDATE, product={"id": before["id"], "status": "ARCHIVED"})["product"]
    assert (after["status"], after["handle"]) == ("ARCHIVED", before["handle"])
    assert after["updatedAt"] > before["updatedAt"]
    number = before["id"].rpartition("/")[2]
    assert ranged(shop, f"status:archived id:{number}") == [int(number)]
    assert ranged(shop, f"status:active,draft id:{number}") == []
    assert count(shop, f"id:{number}")["count"] == 1  # without a filter every status counts
    back = shop.data(UPDATE, product={"id": before["id"], "status": "DRAFT"})["product"]
    assert back["status"] == "DRAFT"

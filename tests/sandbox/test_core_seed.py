"""Seeded catalogues and the store's own bookkeeping."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.index import SortedIndex
from shopify_sync.sandbox.seed import seed
from shopify_sync.sandbox.state import Shop, iso, parse_gid


def _seeded(products: int, number: int = 1) -> Shop:
    shop = Shop(clock=ManualClock())
    seed(shop, products, number)
    return shop


def test_the_same_seed_gives_the_same_store() -> None:
    """Same number, seed and time: same digest; another seed: another."""
    assert _seeded(40).digest() == _seeded(40).digest()
    assert _seeded(40).digest() != _seeded(40, 2).digest()


def test_a_catalogue_is_varied_and_consistent() -> None:
    """What real catalogues have, this one has, and everything that is referred to exists."""
    shop = _seeded(800)
    products = list(shop.table("Product").values())
    variants = shop.table("ProductVariant")
    assert {row["status"] for row in products} == {"ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"}
    assert len({row["handle"] for row in products}) == len(products)
    assert len({row["title"] for row in products}) < len(products)
    assert any("\u0301" in unicodedata.normalize("NFD", row["title"]) for row in products)
    assert any(ord(letter) > 0xFFFF for row in products for letter in "".join(row["tags"]))
    assert max(len(row["variantIds"]) for row in products) > 100
    assert 2 < len(variants) / len(products) < 4
    assert {len(row["options"]) for row in products} >= {1, 2, 3}
    assert any(row["sku"] is None for row in variants.values())
    latest, oldest = iso(shop.now() - timedelta(hours=1)), iso(shop.now() - timedelta(days=730))
    for row in products:
        assert oldest <= row["createdAt"] <= row["updatedAt"] <= latest
        assert [variants[number]["position"] for number in row["variantIds"]] == list(
            range(1, len(row["variantIds"]) + 1)
        )
        assert all(row["id"] in shop.table("Collection")[number]["productIds"] for number in row["collectionIds"])
        assert all(number in shop.table("Media") for number in row["mediaIds"])
    by_time = [row["id"] for row in sorted(products, key=lambda row: row["updatedAt"])]
    assert by_time != sorted(by_time)


@pytest.mark.parametrize(
    "text", ["", "123", "gid://shopify/Product", "gid://shopify/Product/x", "gid://other/Product/1"]
)
def test_malformed_gids(text: str) -> None:
    """They raise ValueError."""
    with pytest.raises(ValueError):
        parse_gid(text)


def test_gids_may_carry_a_query() -> None:
    """As inventory levels do."""
    assert parse_gid("gid://shopify/InventoryLevel/5?inventory_item_id=7") == ("InventoryLevel", 5)


def test_a_sorted_index_follows_changes() -> None:
    """Few changes are merged, many sorted anew; both end the same."""
    table = {number: {"id": number, "v": number % 7} for number in range(300)}
    index = SortedIndex(lambda record: record["v"])
    index.rebuild(table)
    for step in (3, 1):
        for number in list(table)[::step]:
            table[number] = {"id": number, "v": (number * 31) % 11}
            index.changed(number)
        del table[next(iter(table))]
        index.changed(next(iter(range(300))) if step == 3 else 1)
        index.refresh(table)
        assert index.rows == sorted((row["v"], row["id"]) for row in table.values())


def test_metafields_and_handles_are_found_without_a_scan() -> None:
    """The indexes follow put and drop."""
    shop = Shop(clock=ManualClock())
    row = {"id": 1, "ownerGid": "gid://shopify/Product/1", "namespace": "a", "key": "b", "type": "t", "value": "v"}
    shop.put("Metafield", row)
    assert shop.metafields_of("gid://shopify/Product/1") == [row]
    shop.drop("Metafield", 1)
    assert shop.metafields_of("gid://shopify/Product/1") == []
    shop.put("Collection", {"id": 9, "handle": "old", "title": "x"})
    shop.put("Collection", {"id": 9, "handle": "new", "title": "x"})
    assert shop.by_handle("Collection", "old") is None
    assert shop.by_handle("Collection", "new") is not None

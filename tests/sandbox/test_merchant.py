"""The merchant's hand: each kind of edit does what it says, and moves the product's `updatedAt`."""

from __future__ import annotations

from typing import Any

import pytest

from shopify_sync.sandbox.merchant import BadControl, edit
from shopify_sync.sandbox.state import Record
from tests.sandbox.shopfront import Json, Shopfront

READ = """query($id: ID!) { product(id: $id) {
  title handle status tags descriptionHtml updatedAt publishedAt options { name values }
  variants(first: 50) { nodes { id title sku price inventoryQuantity metafields(first: 5) { nodes { key value } } } }
  media(first: 50) { nodes { alt preview { image { url } } } }
  metafields(first: 50) { nodes { namespace key type value } }
  collections(first: 50) { nodes { handle } } } }"""
SIZES = [
    {"values": {"Size": "S", "Color": "Red"}, "sku": "S-R", "price": "10"},
    {"values": {"Size": "M", "Color": "Red"}, "sku": "M-R", "price": "11"},
]


@pytest.fixture
def shop() -> Shopfront:
    return Shopfront.fresh()


@pytest.fixture
def shirt(shop: Shopfront) -> str:
    """A product with two options, two variants, two media, a metafield, and a collection it is in."""
    edit(shop.shop, {"createCollection": {"title": "Summer"}})
    edit(shop.shop, {"createCollection": {"title": "Sale"}})
    made = edit(
        shop.shop,
        {
            "create": {
                "title": "Shirt",
                "tags": ["a", "b"],
                "options": {"Size": ["S", "M"], "Color": ["Red"]},
                "variants": SIZES,
                "addMedia": ["https://example.com/1.jpg", {"url": "https://example.com/2.jpg", "alt": "back"}],
                "metafields": [{"namespace": "care", "key": "wash", "type": "number_integer", "value": "30"}],
                "join": ["summer"],
            }
        },
    )
    gid: str = made["product"]["id"]
    return gid


def read(shop: Shopfront, gid: str) -> Json:
    product: Json = shop.data(READ, id=gid)
    return product


def skus(product: Json) -> list[str]:
    return [variant["sku"] for variant in product["variants"]["nodes"]]


def test_a_product_is_made_with_all_its_parts(shop: Shopfront, shirt: str) -> None:
    product = read(shop, shirt)
    assert product["options"] == [{"name": "Size", "values": ["S", "M"]}, {"name": "Color", "values": ["Red"]}]
    assert [(row["title"], row["sku"], row["price"]) for row in product["variants"]["nodes"]] == [
        ("S / Red", "S-R", "10.00"),
        ("M / Red", "M-R", "11.00"),
    ]
    assert [row["alt"] for row in product["media"]["nodes"]] == [None, "back"]
    assert product["collections"]["nodes"] == [{"handle": "summer"}]
    assert product["metafields"]["nodes"] == [
        {"namespace": "care", "key": "wash", "type": "number_integer", "value": "30"}
    ]


EDITS: list[tuple[Json, Any]] = [
    ({"set": {"title": "Blouse"}}, lambda p: p["title"] == "Blouse" and p["handle"] == "shirt"),
    ({"set": {"handle": "blouse"}}, lambda p: p["handle"] == "blouse"),
    ({"set": {"status": "ARCHIVED"}}, lambda p: p["status"] == "ARCHIVED"),
    ({"set": {"descriptionHtml": "<p>new</p>"}}, lambda p: p["descriptionHtml"] == "<p>new</p>"),
    ({"set": {"tags": ["z"]}}, lambda p: p["tags"] == ["z"]),
    ({"set": {"price": "5"}}, lambda p: {row["price"] for row in p["variants"]["nodes"]} == {"5.00"}),
    ({"addTags": ["c"], "removeTags": ["A"]}, lambda p: p["tags"] == ["b", "c"]),
    ({"variants": [{"sku": "S-R", "price": "7.5"}]}, lambda p: p["variants"]["nodes"][0]["price"] == "7.50"),
    ({"variants": [{"position": 2, "newSku": "X"}]}, lambda p: skus(p) == ["S-R", "X"]),
    (
        {"variants": [{"values": {"Size": "M", "Color": "Red"}, "newValues": {"Size": "L"}}]},
        lambda p: p["variants"]["nodes"][1]["title"] == "L / Red",
    ),
    (
        {"variants": [{"sku": "M-R", "inventoryQuantity": 9}]},
        lambda p: p["variants"]["nodes"][1]["inventoryQuantity"] == 9,
    ),
    ({"addVariants": [{"values": {"Size": "S", "Color": "Blue"}, "sku": "S-B"}]}, lambda p: skus(p)[-1] == "S-B"),
    ({"removeVariants": ["S-R"]}, lambda p: skus(p) == ["M-R"]),
    ({"reorderVariants": ["M-R"]}, lambda p: skus(p) == ["M-R", "S-R"]),
    ({"renameOptions": {"Size": "Fit"}}, lambda p: [row["name"] for row in p["options"]] == ["Fit", "Color"]),
    (
        {"renameValues": {"Size": {"S": "Small"}}},
        lambda p: p["options"][0]["values"] == ["Small", "M"] and p["variants"]["nodes"][0]["title"] == "Small / Red",
    ),
    ({"addOptions": {"Fabric": ["Linen"]}}, lambda p: p["variants"]["nodes"][0]["title"] == "S / Red / Linen"),
    ({"removeOptions": ["Color"]}, lambda p: p["variants"]["nodes"][0]["title"] == "S"),
    ({"reorderOptions": ["Color"]}, lambda p: p["variants"]["nodes"][0]["title"] == "Red / S"),
    ({"reorderOptions": [{"name": "Size", "values": ["M"]}]}, lambda p: p["options"][0]["values"] == ["M", "S"]),
    ({"addMedia": ["https://example.com/3.jpg"]}, lambda p: len(p["media"]["nodes"]) == 3),
    ({"removeMedia": [1]}, lambda p: [row["alt"] for row in p["media"]["nodes"]] == ["back"]),
    (
        {"reorderMedia": ["https://example.com/2.jpg"]},
        lambda p: [row["alt"] for row in p["media"]["nodes"]] == ["back", None],
    ),
    ({"media": [{"position": 1, "alt": "front"}]}, lambda p: p["media"]["nodes"][0]["alt"] == "front"),
    (
        {"metafields": [{"namespace": "care", "key": "wash", "type": "single_line_text_field", "value": "cold"}]},
        lambda p: (
            [(row["type"], row["value"]) for row in p["metafields"]["nodes"]] == [("single_line_text_field", "cold")]
        ),
    ),
    (
        {"metafields": [{"namespace": "care", "key": "fit", "type": "json", "value": "1", "variant": "M-R"}]},
        lambda p: p["variants"]["nodes"][1]["metafields"]["nodes"] == [{"key": "fit", "value": "1"}],
    ),
    ({"deleteMetafields": [{"namespace": "care", "key": "wash"}]}, lambda p: p["metafields"]["nodes"] == []),
    ({"join": ["sale"]}, lambda p: [row["handle"] for row in p["collections"]["nodes"]] == ["summer", "sale"]),
    ({"leave": ["summer"]}, lambda p: p["collections"]["nodes"] == []),
    ({"publish": True}, lambda p: p["publishedAt"] is not None),
    ({"touch": True}, lambda p: p["title"] == "Shirt"),
]


@pytest.mark.parametrize(("change", "holds"), EDITS, ids=[" ".join(change) for change, _ in EDITS])
def test_each_edit_does_what_it_says_and_moves_the_products_time(
    shop: Shopfront, shirt: str, change: Json, holds: Any
) -> None:
    before, digest = read(shop, shirt), shop.shop.digest()
    shop.wait()
    edit(shop.shop, {"product": shirt, **change})
    after = read(shop, shirt)
    assert holds(after)
    assert after["updatedAt"] > before["updatedAt"]
    assert shop.shop.digest() != digest


def test_touch_moves_nothing_but_the_time(shop: Shopfront, shirt: str) -> None:
    before = read(shop, shirt)
    shop.wait()
    edit(shop.shop, {"product": "shirt", "touch": True})
    after = read(shop, shirt)
    assert {**after, "updatedAt": before["updatedAt"]} == before


def test_a_product_made_with_one_variant_and_deleted_again(shop: Shopfront) -> None:
    made = edit(shop.shop, {"create": {"title": "Mug", "price": "3", "sku": "MUG"}})["product"]
    assert [(row["sku"], row["price"]) for row in read(shop, made["id"])["variants"]["nodes"]] == [("MUG", "3.00")]
    edit(shop.shop, {"product": "mug", "delete": True})
    assert shop.data(READ, id=made["id"]) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"product": "nope", "set": {"title": "x"}}, "no product 'nope'"),
        ({"product": "shirt", "set": {"colour": "x"}}, "cannot set colour"),
        ({"product": "shirt", "paint": True}, "cannot paint"),
        ({"product": "shirt", "variants": [{"sku": "?", "price": "1"}]}, "no such variant"),
        ({"product": "shirt", "removeVariants": [3]}, "no such variant: 3"),
        ({"product": "shirt", "removeVariants": [1, 2]}, "Cannot delete default variant."),
        ({"product": "shirt", "removeMedia": [7]}, "no such medium: 7"),
        ({"product": "shirt", "renameOptions": {"Fit": "Size"}}, "no option 'Fit'"),
        ({"product": "shirt", "renameValues": {"Size": {"XL": "L"}}}, "no value XL of option 'Size'"),
        ({"product": "shirt", "deleteMetafields": [{"namespace": "a", "key": "b"}]}, "no such metafield"),
        ({"product": "shirt", "join": ["winter"]}, "no collection 'winter'"),
        ({"createCollection": {"title": ""}}, "Title can't be blank"),
    ],
)
def test_an_edit_that_makes_no_sense_says_why_and_changes_nothing(
    shop: Shopfront, shirt: str, change: Json, why: str
) -> None:
    before = shop.shop.digest()
    with pytest.raises(BadControl, match=why.replace("?", r"\?")):
        edit(shop.shop, change)
    assert shop.shop.digest() == before


def test_a_variant_keeps_its_id_through_reorder_and_rename(shop: Shopfront, shirt: str) -> None:
    table = shop.shop.table("ProductVariant")
    before = {row["sku"]: number for number, row in table.items()}
    edit(shop.shop, {"product": shirt, "renameOptions": {"Size": "Fit"}, "reorderVariants": [2]})
    rows: list[Record] = list(table.values())
    assert {row["sku"]: row["id"] for row in rows} == before

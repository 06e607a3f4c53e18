"""What a change of a product sends: as little as it needs, and always what Shopify's schema takes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from shopify_sync.entities import entity
from shopify_sync.entities.products import push
from shopify_sync.records import Operation, Record
from shopify_sync.spec import ShopFacts, compare
from tests.shared import needs_schema, refusals

PRODUCTS = entity("products")
FACTS = ShopFacts(publication_id=7)


def product(**changes: Any) -> Record:
    record: Record = {
        "shopify_id": 1,
        "handle": "tee",
        "title": "Tee",
        "description_html": "<p>Soft</p>",
        "vendor": "Acme",
        "product_type": "Shirt",
        "status": "ACTIVE",
        "tags": ["a", "b"],
        "category_id": None,
        "template_suffix": None,
        "seo_title": None,
        "seo_description": None,
        "is_gift_card": False,
        "requires_selling_plan": False,
        "published_at": None,
        "created_at": None,
        "options": [{"shopify_id": 11, "name": "Size", "position": 1, "values": ["S", "M"]}],
        "variants": [variant(21, "S"), variant(22, "M")],
        "media": [{"shopify_id": 31, "url": "https://cdn/x.jpg", "alt": "front", "media_type": "IMAGE"}],
        "metafields": [
            {
                "shopify_id": 41,
                "namespace": "custom",
                "key": "care",
                "type": "single_line_text_field",
                "value": "wash",
                "compare_digest": "d1",
            }
        ],
        "collections": [{"shopify_id": 51, "handle": "all", "title": "All"}],
    }
    return record | changes


def variant(number: int | None, size: str, **changes: Any) -> Record:
    made: Record = {
        "shopify_id": number,
        "inventory_item_id": None,
        "title": size,
        "sku": f"T-{size}",
        "barcode": None,
        "position": {"S": 1, "M": 2}.get(size, 3),
        "price": Decimal("19.90"),
        "compare_at_price": None,
        "option_values": {"Size": size},
        "taxable": True,
        "inventory_policy": "DENY",
        "weight": Decimal("0.25"),
        "weight_unit": "KILOGRAMS",
        "requires_shipping": True,
        "tracked": True,
        "cost": None,
        "country_code_of_origin": None,
        "harmonized_system_code": None,
    }
    return made | changes


def sent(before: Record, after: Record) -> list[Operation]:
    return push.update(1, before, after, compare(PRODUCTS, before, after), FACTS)


def test_a_new_title_sends_only_the_title() -> None:
    """A scalar change names nothing but that scalar, so nothing else can be overwritten."""
    (operation,) = sent(product(), product(title="Tee 2"))
    assert operation.variables["input"] == {"title": "Tee 2"}
    assert operation.variables["identifier"] == {"id": "gid://shopify/Product/1"}


def test_a_new_price_touches_that_variant_alone() -> None:
    """A variant's price goes by the variant's own mutation; the list of variants is not sent."""
    after = product(variants=[variant(21, "S", price=Decimal("21.00")), variant(22, "M")])
    (operation,) = sent(product(), after)
    assert operation.root == "productVariantsBulkUpdate"
    assert operation.variables["variants"] == [{"id": "gid://shopify/ProductVariant/21", "price": "21.00"}]


def test_money_is_sent_as_text() -> None:
    """No float stands in for money anywhere in a create."""
    operation = push.create("tee", product(variants=[variant(None, "S", cost=Decimal("7.10"))]))
    (item,) = operation.variables["input"]["variants"]
    assert item["price"] == "19.90"
    assert item["inventoryItem"]["cost"] == "7.10"


def test_a_removed_variant_sends_the_whole_list() -> None:
    """A structural change sends options and variants together and complete, known ones by id."""
    (operation,) = sent(product(), product(variants=[variant(21, "S")]))
    assert [item["id"] for item in operation.variables["input"]["variants"]] == ["gid://shopify/ProductVariant/21"]
    (option,) = operation.variables["input"]["productOptions"]
    assert option["id"] == "gid://shopify/ProductOption/11"


def test_metafields_are_compared_and_set() -> None:
    """A changed metafield carries the digest of the base; a removed one is deleted by name."""
    before = product()
    after = product(metafields=[{**before["metafields"][0], "value": "dry clean"}])
    (operation,) = sent(before, after)
    (item,) = operation.variables["metafields"]
    assert (item["value"], item["compareDigest"]) == ("dry clean", "d1")
    (operation,) = sent(before, product(metafields=[]))
    assert operation.root == "metafieldsDelete"


def test_many_metafields_are_deleted_in_several_calls() -> None:
    """Shopify refuses a list of more than 250 elements."""
    (one,) = product()["metafields"]
    many = [one | {"shopify_id": 100 + at, "key": f"key{at}"} for at in range(300)]
    operations = sent(product(metafields=many), product(metafields=[]))
    assert [len(operation.variables["metafields"]) for operation in operations] == [250, 50]


def test_collections_travel_as_joins_and_leaves() -> None:
    """Membership is sent as the difference, so other collections stay."""
    (operation,) = sent(product(), product(collections=[{"shopify_id": 52, "handle": "new", "title": "New"}]))
    assert operation.variables["product"]["collectionsToJoin"] == ["gid://shopify/Collection/52"]
    assert operation.variables["product"]["collectionsToLeave"] == ["gid://shopify/Collection/51"]


@pytest.mark.parametrize(
    ("typed", "handle"),
    [
        ("My Handle", "my-handle"),
        ("  Déjà-vu  ", "deja-vu"),
        ("東京 タワー", "東京-タワー"),
        ("!!!", "product"),
        ("a__b", "a-b"),
    ],
)
def test_handles_are_spelled_as_shopify_spells_them(typed: str, handle: str) -> None:
    """The key we look up is the one that Shopify will store (recorded: product-handle-validation-parity)."""
    assert push.key({"handle": typed}) == handle


CHANGES: list[Record] = [
    product(title="Other"),
    product(tags=[]),
    product(category_id=None, seo_title="SEO", seo_description=None),
    product(variants=[variant(21, "S", sku=None, cost=Decimal(1), weight=Decimal(2)), variant(22, "M")]),
    product(variants=[variant(21, "S"), variant(None, "L")], media=[]),
    product(media=[{"shopify_id": None, "url": "https://x/y.png", "alt": None, "media_type": "IMAGE"}]),
    product(options=[], variants=[variant(None, "", option_values={})]),
    product(metafields=[{"namespace": "n", "key": "k", "type": None, "value": "v"}], collections=[]),
    product(vendor=None, description_html=None, template_suffix=None),
]


@needs_schema
@pytest.mark.parametrize("after", CHANGES)
def test_what_is_sent_is_valid_for_shopify(after: Record) -> None:
    """Documents and variables of every operation validate against Shopify's full schema."""
    operations = [*sent(product(), after), push.create("tee", after), push.lookup(["a", "b"])]
    operations += sent(product(), after | {"published_at": "now"}) + push.finish(1, {"published_at": 1}, FACTS)
    for operation in operations:
        variables = json.loads(json.dumps(operation.variables))
        assert refusals(operation.document, variables) == [], operation.name


def test_every_mutation_may_be_repeated() -> None:
    """No operation of a push is marked as unsafe: each is an upsert, an absolute value, a set or a state."""
    operations = [*sent(product(), product(title="x", metafields=[], collections=[])), push.create("a", product())]
    assert all(operation.repeatable and operation.mutation for operation in operations)

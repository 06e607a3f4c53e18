"""What is sent and what is read back: each row is recorded or reported of real stores, its source beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shopfront import Json, Shopfront

SET = """mutation($input: ProductSetInput!) { productSet(input: $input) { product {
  title handle tags descriptionHtml vendor productType templateSuffix seo { title description } category { id }
  variants(first: 9) { nodes { price compareAtPrice barcode sku
    inventoryItem { harmonizedSystemCode measurement { weight { value unit } } } } }
  metafields(first: 9) { nodes { type value jsonValue } } }
  userErrors { field message } } }"""
FIRST = "variants nodes 0"
ITEM = f"{FIRST} inventoryItem"
HTML = "<P class=x>A &amp; B&nbsp;<br/>\n<script>1</script></p>"


@pytest.fixture
def shop() -> Shopfront:
    return Shopfront.fresh()


def stored(shop: Shopfront, path: str, **given: Any) -> Any:
    """What a new product says at `path` after it was made with these fields."""
    payload = shop.data(SET, input={"title": "Shirt", **given})
    assert payload["userErrors"] == []
    found = payload["product"]
    for step in path.split():
        found = found[int(step)] if step.isdigit() else found[step]
    return found


def variant(**given: Any) -> Json:
    """The fields of a product with one variant."""
    values = [{"optionName": "Title", "name": "Default Title"}]
    return {
        "productOptions": [{"name": "Title", "values": [{"name": "Default Title"}]}],
        "variants": [{"optionValues": values, **given}],
    }


@pytest.mark.parametrize(
    ("path", "given", "read"),
    [
        # product-create-parity, product-handle-dedup-parity
        ("handle", {"handle": "  Weird Handle / 100%  "}, "weird-handle-100"),
        ("handle", {"handle": "  Mixed CASE / 東京 100 % "}, "mixed-case-東京-100"),
        ("handle", {"handle": "   "}, "shirt"),
        ("handle", {"handle": "%%%"}, "product"),
        # tags-normalization-parity; blanks at the ends: lightward/mechanic-tasks#198
        ("tags", {"tags": ["Red", "blue, green"]}, ["blue", "green", "Red"]),
        ("tags", {"tags": ["Red", "red", " Red "]}, ["Red"]),
        # product-option-update-parity, product-create-parity
        ("descriptionHtml", {}, ""),
        ("productType", {}, ""),
        ("templateSuffix", {}, None),
        ("seo", {}, {"title": None, "description": None}),
        ("category", {}, None),
        # product-variants-bulk-create-parity, inventory-item-update-parity
        (f"{ITEM} harmonizedSystemCode", {"inventoryItem": {"harmonizedSystemCode": "1234.56"}}, "123456"),
        (
            f"{ITEM} measurement weight",
            {"inventoryItem": {"measurement": {"weight": {"value": 0.25, "unit": "KILOGRAMS"}}}},
            {"value": 0.25, "unit": "KILOGRAMS"},
        ),
        # every recorded price has two decimals
        (f"{FIRST} price", {"price": "12.00"}, "12.00"),
        (f"{FIRST} barcode", {}, None),
        # a zero is kept, only null clears: microsoft/BCApps#7949, Shopify/dawn#3581
        (f"{FIRST} compareAtPrice", {"compareAtPrice": "0"}, "0.00"),
        (f"{FIRST} compareAtPrice", {"compareAtPrice": None}, None),
    ],
)
def test_a_field_is_read_back_as_shopify_keeps_it(shop: Shopfront, path: str, given: Json, read: Any) -> None:
    fields = variant(**given) if path.startswith(FIRST) else given
    assert stored(shop, path, **fields) == read


@pytest.mark.parametrize(
    ("type_name", "sent", "kept", "json_value"),
    [
        # metafieldsSet-value-type-fidelity
        ("boolean", "t", "true", True),
        ("boolean", "1", "true", True),
        ("boolean", " TRUE ", "true", True),
        ("boolean", "f", "false", "false"),
        ("boolean", "0", "false", "false"),
        ("number_integer", "5.0", "5", 5),
        ("number_integer", "5.000", "5", 5),
        ("number_decimal", "1.1234567891", "1.123456789", "1.123456789"),
        # lightward/mechanic-tasks#198: text keeps its blanks
        ("single_line_text_field", "cotton ", "cotton ", "cotton "),
    ],
)
def test_a_metafield_is_read_back_as_shopify_keeps_it(
    shop: Shopfront, type_name: str, sent: str, kept: str, json_value: Any
) -> None:
    row = {"namespace": "a.b", "key": "ab", "type": type_name, "value": sent}
    assert stored(shop, "metafields nodes 0", metafields=[row]) == {
        "type": type_name,
        "value": kept,
        "jsonValue": json_value,
    }


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("title", {"title": " Two  blanks "}),
        ("vendor", {"vendor": " V "}),
        ("productType", {"productType": " T "}),
        ("descriptionHtml", {"descriptionHtml": HTML}),
        ("templateSuffix", {"templateSuffix": ""}),
        (f"{FIRST} sku", {"sku": " S-1 "}),
        (f"{FIRST} barcode", {"barcode": " 1 "}),
    ],
)
def test_what_nobody_recorded_is_kept_as_it_was_sent(shop: Shopfront, path: str, given: Json) -> None:
    fields = variant(**given) if path.startswith(FIRST) else given
    assert stored(shop, path, **fields) == next(iter(given.values()))

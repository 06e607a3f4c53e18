"""productVariantsBulk* and productOption*: atomicity, strategies, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shopfront import Json, Shopfront

PRODUCT = """product { id updatedAt options { id name position optionValues { id name hasVariants } }
  variants(first: 50) { nodes { id title sku price position } } }"""
ERRORS = "userErrors { field message code }"
SET = f"mutation($input: ProductSetInput!) {{ productSet(input: $input) {{ {PRODUCT} {ERRORS} }} }}"
CREATE = f"""mutation($id: ID!, $variants: [ProductVariantsBulkInput!]!,
  $strategy: ProductVariantsBulkCreateStrategy) {{
  productVariantsBulkCreate(productId: $id, variants: $variants, strategy: $strategy) {{
    {PRODUCT} productVariants {{ id title sku }} {ERRORS} }} }}"""
UPDATE = f"""mutation($id: ID!, $variants: [ProductVariantsBulkInput!]!, $partial: Boolean) {{
  productVariantsBulkUpdate(productId: $id, variants: $variants, allowPartialUpdates: $partial) {{
    {PRODUCT} productVariants {{ id price }} {ERRORS} }} }}"""
DELETE = f"""mutation($id: ID!, $ids: [ID!]!) {{ productVariantsBulkDelete(productId: $id, variantsIds: $ids) {{
  {PRODUCT} {ERRORS} }} }}"""
REORDER = f"""mutation($id: ID!, $positions: [ProductVariantPositionInput!]!) {{
  productVariantsBulkReorder(productId: $id, positions: $positions) {{ {PRODUCT} {ERRORS} }} }}"""
ADD_OPTIONS = f"""mutation($id: ID!, $options: [OptionCreateInput!]!,
  $strategy: ProductOptionCreateVariantStrategy) {{
  productOptionsCreate(productId: $id, options: $options, variantStrategy: $strategy) {{ {PRODUCT} {ERRORS} }} }}"""
UPDATE_OPTION = f"""mutation($id: ID!, $option: OptionUpdateInput!, $add: [OptionValueCreateInput!], $delete: [ID!],
  $strategy: ProductOptionUpdateVariantStrategy) {{ productOptionUpdate(productId: $id, option: $option,
  optionValuesToAdd: $add, optionValuesToDelete: $delete, variantStrategy: $strategy) {{ {PRODUCT} {ERRORS} }} }}"""
DELETE_OPTIONS = f"""mutation($id: ID!, $options: [ID!]!, $strategy: ProductOptionDeleteStrategy) {{
  productOptionsDelete(productId: $id, options: $options, strategy: $strategy) {{
    deletedOptionsIds {PRODUCT} {ERRORS} }} }}"""
UNKNOWN = "gid://shopify/Product/1"
MISSING = [(["productId"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")]


@pytest.fixture
def shop() -> Shopfront:
    return Shopfront.fresh()


def shirt(shop: Shopfront, *titles: str) -> Json:
    """A product with options Color and Size, its variants as "Red / S"."""
    rows = [title.split(" / ") for title in titles]
    names = [list(dict.fromkeys(row[place] for row in rows)) for place in (0, 1)]
    options = [{"name": name, "values": [{"name": v} for v in names[i]]} for i, name in enumerate(("Color", "Size"))]
    variants = [{**values(*row), "sku": "-".join(row)} for row in rows]
    payload = shop.data(SET, input={"title": "Shirt", "productOptions": options, "variants": variants})
    assert payload["userErrors"] == []
    product: Json = payload["product"]
    return product


def values(color: str, size: str, **more: Any) -> Json:
    return {"optionValues": [{"optionName": "Color", "name": color}, {"optionName": "Size", "name": size}], **more}


def titles(product: Json) -> list[str]:
    return [one["title"] for one in product["variants"]["nodes"]]


def plain(shop: Shopfront) -> Json:
    product: Json = shop.data(SET, input={"title": "Plain"})["product"]
    return product


def test_bulk_create_adds_values_and_is_all_or_none(shop: Shopfront) -> None:
    product = shirt(shop, "Red / S")
    payload = shop.data(CREATE, id=product["id"], variants=[values("Blue", "M", inventoryItem={"sku": "BM"})])
    assert titles(payload["product"]) == ["Red / S", "Blue / M"]
    assert payload["productVariants"][0]["sku"] == "BM"
    rows = [values("Green", "S"), values("Red", "S"), values("Red", "L", price="-1")]
    errors = shop.errors(CREATE, id=product["id"], variants=rows[:2])
    text = "The variant 'Red / S' already exists. Please change at least one option value."
    assert errors == [(["variants", "1"], text, "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE")]
    assert [code for _, _, code in shop.errors(CREATE, id=product["id"], variants=rows[2:])] == [
        "GREATER_THAN_OR_EQUAL_TO"
    ]
    less = [{"optionValues": [{"optionName": "Color", "name": "Red"}]}]
    missing = (["variants", "0"], "You need to add option values for Size", "NEED_TO_ADD_OPTION_VALUES")
    assert shop.errors(CREATE, id=product["id"], variants=less) == [missing]
    assert shop.errors(CREATE, id=UNKNOWN, variants=[]) == MISSING


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("DEFAULT", ["Red"]),
        ("REMOVE_STANDALONE_VARIANT", ["Red"]),
        ("PRESERVE_STANDALONE_VARIANT", ["Default Title", "Red"]),
    ],
)
def test_strategies_for_the_default_variant(shop: Shopfront, strategy: str, expected: list[str]) -> None:
    row = {"optionValues": [{"optionName": "Title", "name": "Red"}]}
    payload = shop.data(CREATE, id=plain(shop)["id"], variants=[row], strategy=strategy)
    assert payload["userErrors"] == []
    assert titles(payload["product"]) == expected


@pytest.mark.parametrize(
    ("strategy", "count"), [("DEFAULT", 2), ("REMOVE_STANDALONE_VARIANT", 1), ("PRESERVE_STANDALONE_VARIANT", 2)]
)
def test_strategies_for_a_custom_single_variant(shop: Shopfront, strategy: str, count: int) -> None:
    product = shirt(shop, "Red / S")
    payload = shop.data(CREATE, id=product["id"], variants=[values("Red", "M")], strategy=strategy)
    assert len(payload["product"]["variants"]["nodes"]) == count


def test_bulk_update_is_atomic_unless_partial(shop: Shopfront) -> None:
    product = shirt(shop, "Red / S", "Red / M")
    first, second = (one["id"] for one in product["variants"]["nodes"])
    kind = {"namespace": "custom", "key": "kind", "type": "single_line_text_field", "value": "x"}
    wrong = {"id": second, "price": "-5", "metafields": [kind]}
    rows: list[Json] = [{"id": first, "price": "5"}, wrong, {"price": "1"}]
    expected = [
        (["variants", "1", "price"], "GREATER_THAN_OR_EQUAL_TO"),
        (["variants", "2", "id"], "PRODUCT_VARIANT_ID_MISSING"),
    ]
    assert [(f, c) for f, _, c in shop.errors(UPDATE, id=product["id"], variants=rows)] == expected
    payload = shop.data(UPDATE, id=product["id"], variants=rows, partial=True)
    assert [(row["field"], row["code"]) for row in payload["userErrors"]] == expected
    assert payload["productVariants"] == [{"id": first, "price": "5.00"}]
    assert [one["price"] for one in payload["product"]["variants"]["nodes"]] == ["5.00", "0.00"]
    assert shop.shop.table("Metafield") == {}


def test_bulk_update_changes_option_values(shop: Shopfront) -> None:
    product = shirt(shop, "Red / S", "Red / M")
    first = product["variants"]["nodes"][0]["id"]
    blue = {"id": first, "optionValues": [{"optionName": "Color", "name": "Blue"}]}
    assert titles(shop.data(UPDATE, id=product["id"], variants=[blue])["product"]) == ["Blue / S", "Red / M"]
    twin = {"id": first, **values("Red", "M")}
    assert shop.errors(UPDATE, id=product["id"], variants=[twin])[0][2] == "VARIANT_ALREADY_EXISTS"
    unknown = {"id": first, "optionValues": [{"optionName": "Form", "name": "x"}]}
    assert shop.errors(UPDATE, id=product["id"], variants=[unknown])[0][2] == "OPTION_DOES_NOT_EXIST"


def test_bulk_update_refuses_stock_and_strangers(shop: Shopfront) -> None:
    product = shirt(shop, "Red / S")
    first = product["variants"]["nodes"][0]["id"]
    stock = [{"locationId": "gid://shopify/Location/1", "availableQuantity": 1}]
    errors = shop.errors(UPDATE, id=product["id"], variants=[{"id": first, "inventoryQuantities": stock}])
    assert [code for _, _, code in errors] == ["NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"]
    other = plain(shop)["variants"]["nodes"][0]["id"]
    errors = shop.errors(UPDATE, id=product["id"], variants=[{"id": other}])
    expected = (["variants", "0", "id"], "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")
    assert errors == [expected]
    assert shop.errors(UPDATE, id=UNKNOWN, variants=[]) == MISSING


def test_bulk_delete(shop: Shopfront) -> None:
    product = shirt(shop, "Red / S", "Blue / S")
    first, second = (one["id"] for one in product["variants"]["nodes"])
    assert shop.errors(DELETE, id=product["id"], ids=[first, second])[0][2] == "CANNOT_DELETE_LAST_VARIANT"
    stranger = [first, "gid://shopify/ProductVariant/1"]
    code = "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT"
    assert [(f, c) for f, _, c in shop.errors(DELETE, id=product["id"], ids=stranger)] == [(["variantsIds", "1"], code)]
    after = shop.data(DELETE, id=product["id"], ids=[first])["product"]
    assert titles(after) == ["Blue / S"]
    assert after["variants"]["nodes"][0]["position"] == 1
    assert len(shop.shop.table("InventoryItem")) == 1


def test_bulk_reorder(shop: Shopfront) -> None:
    product = shirt(shop, "Red / S", "Blue / S", "Green / S")
    ids = [one["id"] for one in product["variants"]["nodes"]]
    moves = [{"id": ids[2], "position": 1}, {"id": ids[0], "position": 2}]
    after = shop.data(REORDER, id=product["id"], positions=moves)["product"]
    assert titles(after) == ["Green / S", "Red / S", "Blue / S"]
    wrong = [
        {"id": ids[0], "position": 0},
        {"id": ids[0], "position": 1},
        {"id": "gid://shopify/ProductVariant/1", "position": 1},
    ]
    codes = [code for _, _, code in shop.errors(REORDER, id=product["id"], positions=wrong)]
    assert codes == ["INVALID_POSITION", "DUPLICATED_VARIANT_ID", "MISSING_VARIANT"]


def test_options_create_all_combinations(shop: Shopfront) -> None:
    options = [
        {"name": name, "values": [{"name": v} for v in texts]} for name, texts in (("Color", "RB"), ("Size", "SM"))
    ]
    after = shop.data(ADD_OPTIONS, id=plain(shop)["id"], options=options, strategy="CREATE")["product"]
    assert titles(after) == ["R / S", "R / M", "B / S", "B / M"]
    after = shop.data(
        ADD_OPTIONS, id=after["id"], options=[{"name": "Fit", "position": 1, "values": [{"name": "Slim"}]}]
    )
    assert [one["name"] for one in after["product"]["options"]] == ["Fit", "Color", "Size"]
    assert titles(after["product"])[0] == "Slim / R / S"


def test_option_update_manages_variants(shop: Shopfront) -> None:
    product = shirt(shop, "Red / S", "Red / M")
    color = product["options"][0]
    given = {"id": product["id"], "option": {"id": color["id"]}, "add": [{"name": "Blue"}], "strategy": "MANAGE"}
    after = shop.data(UPDATE_OPTION, **given)["product"]
    assert sorted(titles(after)) == ["Blue / M", "Blue / S", "Red / M", "Red / S"]
    red = color["optionValues"][0]["id"]
    given = {"id": product["id"], "option": {"id": color["id"]}, "delete": [red]}
    assert [code for _, _, code in shop.errors(UPDATE_OPTION, **given)] == ["OPTION_VALUE_HAS_VARIANTS"]
    after = shop.data(UPDATE_OPTION, **given, strategy="MANAGE")["product"]
    assert sorted(titles(after)) == ["Blue / M", "Blue / S"]


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ({"name": "Size"}, "OPTION_ALREADY_EXISTS"),
        ({"name": "x" * 256}, "OPTION_NAME_TOO_LONG"),
        ({"name": "a / b"}, "INVALID_NAME"),
        ({"position": 3}, "INVALID_POSITION"),
        ({"id": "gid://shopify/ProductOption/1"}, "OPTION_DOES_NOT_EXIST"),
    ],
)
def test_refused_option_updates(shop: Shopfront, option: Json, code: str) -> None:
    product = shirt(shop, "Red / S")
    given = {"id": product["options"][0]["id"], **option}
    assert [row[2] for row in shop.errors(UPDATE_OPTION, id=product["id"], option=given)] == [code]


def test_options_delete_strategies(shop: Shopfront) -> None:
    product = shirt(shop, "Red / S", "Red / M", "Blue / S")
    color, size = (one["id"] for one in product["options"])
    given = {"id": product["id"], "options": [color]}
    assert shop.errors(DELETE_OPTIONS, **given)[0][2] == "CANNOT_DELETE_OPTION_WITH_MULTIPLE_VALUES"
    assert (
        shop.errors(DELETE_OPTIONS, **given, strategy="NON_DESTRUCTIVE")[0][2] == "CANNOT_USE_NON_DESTRUCTIVE_STRATEGY"
    )
    payload = shop.data(DELETE_OPTIONS, **given, strategy="POSITION")
    assert payload["deletedOptionsIds"] == [color]
    assert titles(payload["product"]) == ["S", "M"]
    assert [one["sku"] for one in payload["product"]["variants"]["nodes"]] == ["Red-S", "Red-M"]
    payload = shop.data(DELETE_OPTIONS, id=product["id"], options=[size], strategy="POSITION")
    assert titles(payload["product"]) == ["Default Title"]
    assert [one["name"] for one in payload["product"]["options"]] == ["Title"]

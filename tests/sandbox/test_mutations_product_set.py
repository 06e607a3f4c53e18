"""`productSet`: lists are the complete truth, absent fields stay, refusals change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shopfront import Json, Shopfront

SET = """mutation($identifier: ProductSetIdentifiers, $input: ProductSetInput!, $synchronous: Boolean) {
  productSet(identifier: $identifier, input: $input, synchronous: $synchronous) {
    product { id handle title status vendor tags updatedAt descriptionHtml
      options { id name position optionValues { id name hasVariants } }
      variants(first: 50) { nodes { id title sku position price barcode selectedOptions { name value }
        inventoryItem { id tracked requiresShipping unitCost { amount } measurement { weight { value unit } } }
        media(first: 2) { nodes { id } } metafields(first: 5) { nodes { key value } } } }
      media(first: 10) { nodes { id alt status } }
      collections(first: 5) { nodes { id } }
      metafields(first: 10) { nodes { id namespace key value } } }
    productSetOperation { id status product { id } userErrors { field message code } }
    userErrors { field message code } } }"""
OPERATION = """query($id: ID!) { productOperation(id: $id) { __typename status product { id title }
  ... on ProductSetOperation { userErrors { field message code } } } }"""
COUNT = "{ productsCount { count } }"


@pytest.fixture
def shop() -> Shopfront:
    return Shopfront.fresh()


def variant(color: str, size: str | None = None, **more: Any) -> Json:
    rows = [{"optionName": "Color", "name": color}]
    if size is not None:
        rows.append({"optionName": "Size", "name": size})
    return {"optionValues": rows, **more}


def options(*colors: str, sizes: tuple[str, ...] = ()) -> list[Json]:
    rows: list[Json] = [{"name": "Color", "values": [{"name": color} for color in colors]}]
    if sizes:
        rows.append({"name": "Size", "values": [{"name": size} for size in sizes]})
    return rows


def made(shop: Shopfront, **given: Any) -> Json:
    payload = shop.data(SET, input=given)
    assert payload["userErrors"] == []
    product: Json = payload["product"]
    return product


def shirt(shop: Shopfront, **more: Any) -> Json:
    return made(
        shop,
        title="Shirt",
        productOptions=options("Red", "Blue", sizes=("S", "M")),
        variants=[
            variant("Red", "S", sku="R-S", price="10.5"),
            variant("Red", "M", sku="R-M", price=11),
            variant("Blue", "S", sku="B-S", price="12.00", barcode="4006381333931"),
        ],
        **more,
    )


def test_a_title_alone_makes_a_default_variant(shop: Shopfront) -> None:
    product = made(shop, title="Plain")
    assert (product["title"], product["handle"], product["status"]) == ("Plain", "plain", "ACTIVE")
    assert [one["title"] for one in product["variants"]["nodes"]] == ["Default Title"]
    assert [one["name"] for one in product["options"]] == ["Title"]


def test_variants_are_written_with_their_item(shop: Shopfront) -> None:
    item = {
        "cost": "4.2",
        "tracked": True,
        "requiresShipping": False,
        "measurement": {"weight": {"value": 1.5, "unit": "POUNDS"}},
    }
    product = made(
        shop, title="Mug", productOptions=options("Red"), variants=[variant("Red", price="3", inventoryItem=item)]
    )
    one = product["variants"]["nodes"][0]
    assert one["price"] == "3.00"
    assert one["inventoryItem"]["unitCost"]["amount"] in ("4.20", "4.2")
    assert one["inventoryItem"]["tracked"] is True
    assert one["inventoryItem"]["requiresShipping"] is False
    assert one["inventoryItem"]["measurement"]["weight"] == {"value": 1.5, "unit": "POUNDS"}


def test_a_forgotten_variant_is_deleted_and_the_others_keep_their_ids(shop: Shopfront) -> None:
    before = shirt(shop)
    ids = {one["sku"]: one["id"] for one in before["variants"]["nodes"]}
    shop.wait()
    after = made(
        shop,
        id=before["id"],
        productOptions=options("Red", "Blue", sizes=("S", "M")),
        variants=[variant("Blue", "S"), variant("Red", "S", price="99.999")],
    )
    assert [(one["id"], one["title"], one["position"]) for one in after["variants"]["nodes"]] == [
        (ids["B-S"], "Blue / S", 1),
        (ids["R-S"], "Red / S", 2),
    ]
    assert after["variants"]["nodes"][0]["barcode"] == "4006381333931"  # what is absent stays
    assert after["variants"]["nodes"][1]["sku"] == "R-S"
    assert after["updatedAt"] > before["updatedAt"]
    assert len(shop.shop.table("ProductVariant")) == len(shop.shop.table("InventoryItem")) == 2


def test_a_variant_is_renamed_by_its_id(shop: Shopfront) -> None:
    before = shirt(shop)
    first = before["variants"]["nodes"][0]
    rows = [variant("Green", "S", id=first["id"]), variant("Red", "M"), variant("Blue", "S")]
    after = made(shop, id=before["id"], productOptions=options("Green", "Red", "Blue", sizes=("S", "M")), variants=rows)
    assert [one["title"] for one in after["variants"]["nodes"]] == ["Green / S", "Red / M", "Blue / S"]
    assert after["variants"]["nodes"][0]["id"] == first["id"]
    assert after["variants"]["nodes"][0]["sku"] == "R-S"


def test_options_and_values_keep_ids_by_name_and_by_id(shop: Shopfront) -> None:
    before = shirt(shop)
    color = before["options"][0]
    red = color["optionValues"][0]
    after = made(
        shop,
        id=before["id"],
        productOptions=[
            {"id": color["id"], "name": "Tone", "values": [{"id": red["id"], "name": "Crimson"}, {"name": "Blue"}]},
            {"name": "Size", "values": [{"name": "S"}, {"name": "M"}]},
        ],
        variants=[
            {"optionValues": [{"optionName": "Tone", "name": "Crimson"}, {"optionName": "Size", "name": size}]}
            for size in ("S", "M")
        ],
    )
    assert (after["options"][0]["id"], after["options"][0]["name"]) == (color["id"], "Tone")
    assert after["options"][0]["optionValues"][0] == {"id": red["id"], "name": "Crimson", "hasVariants": True}
    assert [value["hasVariants"] for value in after["options"][0]["optionValues"]] == [True, False]
    assert [one["sku"] for one in after["variants"]["nodes"]] == ["R-S", "R-M"]


def test_absent_lists_and_scalars_stay(shop: Shopfront) -> None:
    before = shirt(shop, tags=["b", "A"], vendor="Acme", files=[{"originalSource": "https://example.com/a.jpg"}])
    after = made(shop, id=before["id"], descriptionHtml="<p>new</p>")
    assert after["variants"] == before["variants"]
    assert after["options"] == before["options"]
    assert (after["tags"], after["vendor"], after["handle"]) == (["A", "b"], "Acme", "shirt")
    assert len(after["media"]["nodes"]) == 1
    assert after["descriptionHtml"] == "<p>new</p>"


def test_the_same_input_again_changes_nothing(shop: Shopfront) -> None:
    product = shirt(shop, metafields=[{"namespace": "custom", "key": "kind", "type": "color", "value": "#aabbcc"}])
    before = shop.shop.digest()
    shop.wait()
    rows = [{"id": one["id"], **variant(*one["title"].split(" / "))} for one in product["variants"]["nodes"]]
    again = made(
        shop,
        id=product["id"],
        title="Shirt",
        productOptions=options("Red", "Blue", sizes=("S", "M")),
        variants=rows,
        metafields=[{"namespace": "custom", "key": "kind", "type": "color", "value": "#aabbcc"}],
    )
    assert again["updatedAt"] == product["updatedAt"]
    assert shop.shop.digest() == before


def test_files_become_the_media_in_order(shop: Shopfront) -> None:
    product = made(
        shop,
        title="Poster",
        files=[{"originalSource": f"https://example.com/{name}.jpg", "alt": name} for name in "ab"],
    )
    assert [(one["alt"], one["status"]) for one in product["media"]["nodes"]] == [
        ("a", "UPLOADED"),
        ("b", "UPLOADED"),
    ]
    first, second = (one["id"] for one in product["media"]["nodes"])
    shop.wait()
    after = made(
        shop,
        id=product["id"],
        files=[{"id": second, "alt": "B"}, {"originalSource": "https://youtu.be/x"}],
    )
    assert [one["alt"] for one in after["media"]["nodes"]] == ["B", None]
    assert after["media"]["nodes"][0]["id"] == second
    assert after["media"]["nodes"][1]["id"].startswith("gid://shopify/ExternalVideo/")
    assert first not in [one["id"] for one in after["media"]["nodes"]]
    assert made(shop, id=product["id"], files=[])["media"]["nodes"] == []


def test_a_variant_takes_one_of_the_files(shop: Shopfront) -> None:
    source = "https://example.com/red.jpg"
    given = {"title": "Cap", "productOptions": options("Red"), "files": [{"originalSource": source}]}
    product = made(shop, **given, variants=[variant("Red", file={"originalSource": source})])
    assert product["variants"]["nodes"][0]["media"]["nodes"] == [{"id": product["media"]["nodes"][0]["id"]}]
    other = variant("Red", file={"originalSource": "https://example.com/none.jpg"})
    errors = shop.errors(SET, input={**given, "title": "Hat", "variants": [other]})
    assert [(field, code) for field, _, code in errors] == [(["input", "variants", "0", "file"], "INVALID_INPUT")]


def test_metafields_are_the_whole_truth(shop: Shopfront) -> None:
    def row(key: str, value: str) -> Json:
        return {"namespace": "custom", "key": key, "type": "single_line_text_field", "value": value}

    product = made(shop, title="Book", metafields=[row("author", "A"), row("year", "1999")])
    kept = {one["key"]: one["id"] for one in product["metafields"]["nodes"]}
    after = made(shop, id=product["id"], metafields=[row("author", "B"), row("isbn", "3")])
    assert sorted((one["key"], one["value"]) for one in after["metafields"]["nodes"]) == [
        ("author", "B"),
        ("isbn", "3"),
    ]
    assert {one["key"]: one["id"] for one in after["metafields"]["nodes"]}["author"] == kept["author"]


def test_metafields_of_other_apps_stay(shop: Shopfront) -> None:
    product = made(shop, title="Book")
    number = shop.shop.next_id("Metafield")
    row = {"id": number, "ownerType": "PRODUCT", "ownerGid": product["id"], "namespace": "app--1--x", "key": "theirs"}
    shop.shop.put("Metafield", {**row, "type": "id", "value": "1", "createdAt": "", "updatedAt": ""})
    assert [one["key"] for one in made(shop, id=product["id"], metafields=[])["metafields"]["nodes"]] == ["theirs"]


def test_collections_are_the_whole_truth(shop: Shopfront) -> None:
    create = "mutation($c: CollectionCreateInput) { collectionCreate(collection: $c) { collection { id } } }"
    one, two = (shop.data(create, c={"title": name})["collection"]["id"] for name in ("One", "Two"))
    product = made(shop, title="Book", collections=[one])
    assert product["collections"]["nodes"] == [{"id": one}]
    assert made(shop, id=product["id"], collections=[two])["collections"]["nodes"] == [{"id": two}]
    assert made(shop, id=product["id"], title="Novel")["collections"]["nodes"] == [{"id": two}]


def test_upsert_by_handle(shop: Shopfront) -> None:
    for title in ("First", "Second"):
        payload = shop.data(SET, identifier={"handle": "the-one"}, input={"title": title, "handle": "the-one"})
        assert payload["userErrors"] == []
    assert payload["product"]["title"] == "Second"
    assert shop.data(COUNT)["count"] == 1


def test_a_handle_that_is_the_products_own_is_left_alone(shop: Shopfront) -> None:
    """Stored handles may come from elsewhere, and need not be what this shop would have made of them."""
    product = made(shop, title="A")
    record = shop.shop.table("Product")[int(product["id"].rpartition("/")[2])]
    shop.shop.put("Product", {**record, "handle": "été"})
    payload = shop.data(SET, identifier={"handle": "été"}, input={"title": "B", "handle": "été"})
    assert (payload["product"]["id"], payload["product"]["handle"]) == (product["id"], "été")


def test_an_asynchronous_set_is_complete_at_the_next_read(shop: Shopfront) -> None:
    payload = shop.data(SET, input={"title": "Late"}, synchronous=False)
    assert payload["product"] is None
    operation = payload["productSetOperation"]
    assert (operation["status"], operation["product"], operation["userErrors"]) == ("CREATED", None, [])
    read = shop.data(OPERATION, id=operation["id"])
    assert (read["status"], read["product"]["title"], read["userErrors"]) == ("COMPLETE", "Late", [])


def test_an_asynchronous_set_reports_its_errors_there(shop: Shopfront) -> None:
    payload = shop.data(SET, input={"title": ""}, synchronous=False)
    read = shop.data(OPERATION, id=payload["productSetOperation"]["id"])
    assert (read["status"], read["product"]) == ("COMPLETE", None)
    assert read["userErrors"][0]["message"] == "Title can't be blank"


FOUR = [{"name": name, "values": [{"name": "1"}]} for name in "ABCD"]
GHOST = variant("Red", id="gid://shopify/ProductVariant/1")
NOWHERE = [{"originalSource": "nowhere"}]


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"title": "x" * 256}, ["input", "title"], "INVALID_PRODUCT"),
        ({"title": "A", "vendor": "x" * 256}, ["input"], "INVALID_PRODUCT"),
        ({"title": "A", "productOptions": options("Red")}, ["input", "variants"], "VARIANTS_INPUT_MISSING"),
        (
            {"title": "A", "variants": [variant("Red")]},
            ["input", "productOptions"],
            "PRODUCT_OPTIONS_INPUT_MISSING",
        ),
        (
            {"title": "A", "productOptions": options("Red"), "variants": [variant("Red"), variant("Red")]},
            ["input", "variants", "1"],
            "INVALID_VARIANT",
        ),
        (
            {"title": "A", "productOptions": options("Red"), "variants": [variant("Blue")]},
            ["input", "variants", "0", "optionValues", "0"],
            "OPTION_VALUE_DOES_NOT_EXIST",
        ),
        (
            {"title": "A", "productOptions": options("Red", sizes=("S",)), "variants": [variant("Red")]},
            ["input", "variants", "0"],
            "INVALID_VARIANT",
        ),
        (
            {"title": "A", "productOptions": options("A / B"), "variants": [variant("A / B")]},
            ["input", "productOptions", "0", "values", "0", "name"],
            "INVALID_INPUT",
        ),
        (
            {"title": "A", "productOptions": FOUR, "variants": []},
            ["input", "productOptions"],
            "OPTIONS_OVER_LIMIT",
        ),
        (
            {"title": "A", "productOptions": options("Red"), "variants": [variant("Red", price="-1")]},
            ["input", "variants", "0", "price"],
            "INVALID_VARIANT",
        ),
        (
            {"title": "A", "productOptions": options("Red"), "variants": [GHOST]},
            ["input", "variants", "0", "id"],
            "PRODUCT_VARIANT_DOES_NOT_EXIST",
        ),
        ({"title": "A", "files": NOWHERE}, ["input", "files", "0", "originalSource"], "INVALID_INPUT"),
        ({"title": "A", "tags": ["x" * 256]}, ["input", "tags"], "INVALID_PRODUCT"),
    ],
)  # fmt: skip
def test_refusals(shop: Shopfront, given: Json, field: list[str], code: str) -> None:
    assert [(where, what) for where, _, what in shop.errors(SET, input=given)] == [(field, code)]


def test_the_equal_variant_is_named(shop: Shopfront) -> None:
    rows = [variant("Red", "S"), variant("Blue", "S"), variant("Red", "S")]
    given = {"title": "A", "productOptions": options("Red", "Blue", sizes=("S",)), "variants": rows}
    message = "The variant 'Red / S' already exists. Please change at least one option value."
    assert shop.errors(SET, input=given) == [(["input", "variants", "2"], message, "INVALID_VARIANT")]


@pytest.mark.parametrize(
    ("identifier", "given", "field", "code"),
    [
        ({"handle": "a"}, {"title": "A"}, ["input", "handle"], "MISSING_FIELD_REQUIRED"),
        ({"handle": "a"}, {"title": "A", "handle": "b"}, ["input", "handle"], "INPUT_MISMATCH"),
        ({"id": "gid://shopify/Product/1"}, {"title": "A"}, ["input"], "NOT_FOUND"),
        (None, {"title": "A", "id": "gid://shopify/Product/1"}, ["input", "id"], "PRODUCT_DOES_NOT_EXIST"),
    ],
)
def test_wrong_identifiers(shop: Shopfront, identifier: Json, given: Json, field: list[str], code: str) -> None:
    assert [(f, c) for f, _, c in shop.errors(SET, identifier=identifier, input=given)] == [(field, code)]


def test_a_custom_id_needs_a_definition(shop: Shopfront) -> None:
    custom = {"customId": {"namespace": "custom", "key": "erp", "value": "1"}}
    body = shop.run(SET, {"identifier": custom, "input": {"title": "A"}})
    assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert body["data"] == {"productSet": None}


def test_an_update_of_a_big_product_keeps_what_it_can(shop: Shopfront) -> None:
    """2,048 variants go in and half of them out again, the rest with their ids."""
    sizes = [str(number) for number in range(2048)]
    rows = [{"optionValues": [{"optionName": "Size", "name": size}], "sku": f"S{size}"} for size in sizes]
    given = {
        "title": "Many",
        "productOptions": [{"name": "Size", "values": [{"name": size} for size in sizes[:200]]}],
    }
    product = made(shop, **{**given, "variants": rows[:200]})
    ids = [one["id"] for one in product["variants"]["nodes"]]
    after = made(shop, id=product["id"], productOptions=given["productOptions"], variants=rows[:100])
    assert len(shop.shop.table("ProductVariant")) == 100
    assert [one["id"] for one in after["variants"]["nodes"]] == ids
    over = [{"optionValues": [{"optionName": "Size", "name": "x"}]} for _ in range(2049)]
    body = shop.run(SET, {"input": {**given, "variants": over}})
    assert body["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"

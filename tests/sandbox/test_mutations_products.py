"""productCreate, productUpdate, productDelete, handles, tags, publications, collections."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import text

from shopify_sync.sandbox.resources.handles import bumped, generated, slug
from shopify_sync.sandbox.resources.tags import normalised
from tests.sandbox.shopfront import Json, Shopfront

PRODUCT = "product { id title handle status tags updatedAt publishedAt seo { title description } }"
CREATE = f"""mutation($product: ProductCreateInput, $media: [CreateMediaInput!]) {{
  productCreate(product: $product, media: $media) {{ {PRODUCT} shop {{ name }} userErrors {{ field message }} }} }}"""
UPDATE = f"""mutation($identifier: ProductUpdateIdentifiers, $product: ProductUpdateInput) {{
  productUpdate(identifier: $identifier, product: $product) {{ {PRODUCT} userErrors {{ field message }} }} }}"""
DELETE = """mutation($id: ID!, $synchronous: Boolean) { productDelete(input: { id: $id }, synchronous: $synchronous) {
  deletedProductId productDeleteOperation { id status } userErrors { field message } } }"""
OPERATION = """query($id: ID!) { productOperation(id: $id) { status product { id }
  ... on ProductDeleteOperation { deletedProductId userErrors { message } } } }"""
READ = f"query($id: ID!) {{ product(id: $id) {{ id collections(first: 5) {{ nodes {{ id }} }} {PRODUCT[10:-2]} }} }}"
PUBLISH = """mutation($id: ID!, $input: [PublicationInput!]!) { publishablePublish(id: $id, input: $input) {
  publishable { ... on Product { id publishedAt } } shop { name } userErrors { field message } } }"""
UNPUBLISH = PUBLISH.replace("publishablePublish", "publishableUnpublish")
COLLECT = """mutation($collection: CollectionCreateInput) { collectionCreate(collection: $collection) {
  collection { id handle } userErrors { field message } } }"""
ADD = """mutation($id: ID!, $ids: [ID!]!) { collectionAddProducts(id: $id, productIds: $ids) {
  collection { products(first: 9) { nodes { id } } } userErrors { field message } } }"""
REMOVE = """mutation($id: ID!, $ids: [ID!]!) { collectionRemoveProducts(id: $id, productIds: $ids) {
  job { id done } userErrors { field message } } }"""
TAGS = "mutation($id: ID!, $tags: [String!]!) { %s(id: $id, tags: $tags) { node { id } userErrors { field message } } }"
UNKNOWN = "gid://shopify/Product/1"


@pytest.fixture
def shop() -> Shopfront:
    return Shopfront.fresh()


def created(shop: Shopfront, **fields: Any) -> Json:
    payload = shop.data(CREATE, product=fields)
    assert payload["userErrors"] == []
    product: Json = payload["product"]
    return product


@pytest.mark.parametrize(
    ("title", "handle"),
    [
        ("  Weird Handle / 100%  ", "weird-handle-100"),  # recorded: product-create-parity
        ("Mixed CASE / 東京 100 % ", "mixed-case-東京-100"),  # recorded: product-handle-dedup-parity
        ("Crème Brûlée", "creme-brulee"),
        ("Men's Shirt", "mens-shirt"),
        ("%%%", ""),
        ("ガラス", "ガラス"),
        ("No № 5 ½ ﬁne ™", "no-5-½-fine"),
        ("Ελλάδα & Россия", "ελλάδα-россия"),
    ],
)
def test_slug(title: str, handle: str) -> None:
    assert slug(title) == handle


@given(text())
def test_a_handle_is_its_own_slug(title: str) -> None:
    assert slug(slug(title)) == slug(title)


def test_generated_handles_count_up() -> None:
    assert bumped("a-20260719114534") == "a-20260719114535"
    assert bumped("a-09") == "a-10"
    assert bumped("product") == "product-1"
    assert generated("%%%", {"product", "product-1"}) == "product-2"


def test_tags_are_split_folded_and_sorted() -> None:
    assert normalised(["b, A", " a ", "", "10"]) == ["10", "A", "b"]


def test_create_answers_with_defaults_and_keeps_html_as_sent(shop: Shopfront) -> None:
    product = created(shop, title="A", descriptionHtml="<P>x</p>\n", seo={"title": "S"})
    record = shop.shop.table("Product")[int(product["id"].rpartition("/")[2])]
    assert record["descriptionHtml"] == "<P>x</p>\n"
    assert product["seo"] == {"title": "S", "description": None}
    assert record["vendor"] == shop.shop.name
    assert product["publishedAt"] is None


def test_a_bad_image_refuses_the_whole_create(shop: Shopfront) -> None:
    media = [{"mediaContentType": "IMAGE", "originalSource": "not-a-url"}]
    errors = shop.errors(CREATE, product={"title": "A"}, media=media)
    assert errors == [(["media", "0", "originalSource"], "Image URL is invalid", None)]


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"title": " "}, ["title"], "Title can't be blank"),
        ({"title": "x" * 256}, ["title"], "Title is too long (maximum is 255 characters)"),
        ({"title": "A", "vendor": "x" * 256}, ["vendor"], "Vendor is too long (maximum is 255 characters)"),
        ({"title": "A", "tags": ["x" * 256]}, ["tags"], "Product tags is invalid"),
    ],
)  # fmt: skip
def test_refused_creates(shop: Shopfront, fields: Json, field: list[str], message: str) -> None:
    assert shop.errors(CREATE, product=fields) == [(field, message, None)]


def test_update_by_identifier_and_only_what_is_given(shop: Shopfront) -> None:
    product = created(shop, title="A", tags=["x"], handle="a-b")
    shop.wait()
    after = shop.data(UPDATE, identifier={"handle": "a-b"}, product={"title": "B"})["product"]
    assert (after["title"], after["handle"], after["tags"]) == ("B", "a-b", ["x"])
    assert after["updatedAt"] > product["updatedAt"]
    again = shop.data(UPDATE, product={"id": product["id"], "title": "B"})["product"]
    assert again["updatedAt"] == after["updatedAt"]


def test_update_of_an_unknown_product(shop: Shopfront) -> None:
    expected = [(["id"], "Product does not exist", None)]
    assert shop.errors(UPDATE, product={"id": UNKNOWN, "title": "B"}) == expected
    assert shop.errors(UPDATE, identifier={"handle": "none"}, product={"title": "B"}) == expected


def test_product_or_input_but_not_both(shop: Shopfront) -> None:
    both = 'mutation { productCreate(product: { title: "A" }, input: { title: "A" }) { product { id } } }'
    assert shop.run(both)["errors"][0]["extensions"]["code"] == "INVALID_FIELD_ARGUMENTS"


def test_an_unknown_category_is_a_top_level_error(shop: Shopfront) -> None:
    body = shop.run(CREATE, {"product": {"title": "A", "category": "gid://shopify/TaxonomyCategory/nope"}})
    assert body["errors"][0]["extensions"]["code"] == "INVALID_PRODUCT_TAXONOMY_NODE_ID"
    assert shop.shop.table("Product") == {}


def test_delete_takes_everything_along(shop: Shopfront) -> None:
    product = created(shop, title="A", metafields=[{"namespace": "custom", "key": "ab", "type": "id", "value": "1"}])
    collection = shop.data(COLLECT, collection={"title": "C"})["collection"]["id"]
    shop.data(ADD, id=collection, ids=[product["id"]])
    payload = shop.data(DELETE, id=product["id"], synchronous=True)
    assert payload["deletedProductId"] == product["id"]
    for kind in ("Product", "ProductVariant", "InventoryItem", "Metafield"):
        assert shop.shop.table(kind) == {}
    assert next(iter(shop.shop.table("Collection").values()))["productIds"] == []
    assert shop.errors(DELETE, id=product["id"]) == [(["id"], "Product does not exist", None)]


def test_an_asynchronous_delete_ends_while_it_is_polled(shop: Shopfront) -> None:
    product = created(shop, title="A")
    operation = shop.data(DELETE, id=product["id"], synchronous=False)["productDeleteOperation"]
    assert operation["status"] == "CREATED"
    busy = "Another operation already in progress. Please wait until current one is finished."
    assert shop.errors(DELETE, id=product["id"], synchronous=False) == [(None, busy, None)]
    first = shop.data(OPERATION, id=operation["id"])
    assert (first["status"], first["product"], first["deletedProductId"]) == ("ACTIVE", {"id": product["id"]}, None)
    second = shop.data(OPERATION, id=operation["id"])
    assert (second["status"], second["product"], second["deletedProductId"]) == ("COMPLETE", None, product["id"])
    assert shop.data(READ, id=product["id"]) is None


def test_an_asynchronous_delete_ends_without_being_polled(shop: Shopfront) -> None:
    product = created(shop, title="A")
    operation = shop.data(DELETE, id=product["id"], synchronous=False)["productDeleteOperation"]
    assert shop.data(READ, id=product["id"])["id"] == product["id"]
    shop.wait(2)
    assert shop.data(READ, id=product["id"]) is None
    assert shop.data(OPERATION, id=operation["id"])["status"] == "COMPLETE"


def test_tags_are_added_and_removed_whatever_their_case(shop: Shopfront) -> None:
    product = created(shop, title="A", tags=["Red"])
    shop.data(TAGS % "tagsAdd", id=product["id"], tags=["red", "blue,Green"])
    assert shop.data(READ, id=product["id"])["tags"] == ["blue", "Green", "Red"]
    shop.data(TAGS % "tagsRemove", id=product["id"], tags=["RED", "none"])
    assert shop.data(READ, id=product["id"])["tags"] == ["blue", "Green"]
    assert shop.errors(TAGS % "tagsAdd", id=UNKNOWN, tags=["a"]) == [(["id"], "Product does not exist", None)]
    body = shop.run(TAGS % "tagsAdd", {"id": "gid://shopify/Unheard/1", "tags": ["a"]})
    assert body["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"


def test_publishing_on_the_online_store_sets_the_date(shop: Shopfront) -> None:
    product = created(shop, title="A")
    publications = {
        row["name"]: f"gid://shopify/Publication/{row['id']}" for row in shop.shop.table("Publication").values()
    }
    shop.data(PUBLISH, id=product["id"], input=[{"publicationId": publications["Point of Sale"]}])
    assert shop.data(READ, id=product["id"])["publishedAt"] is None
    online = [{"publicationId": publications["Online Store"]}]
    payload = shop.data(PUBLISH, id=product["id"], input=online)
    assert payload["publishable"]["publishedAt"] == shop.shop.now_iso()
    assert shop.data(UNPUBLISH, id=product["id"], input=online)["publishable"]["publishedAt"] is None
    errors = shop.errors(PUBLISH, id=product["id"], input=[{"publicationId": "gid://shopify/Publication/1"}])
    assert [field for field, _, _ in errors] == [["input", "0", "publicationId"]]
    assert [field for field, _, _ in shop.errors(PUBLISH, id=UNKNOWN, input=online)] == [["id"]]


def test_products_of_a_manual_collection(shop: Shopfront) -> None:
    product = created(shop, title="A")
    collection = shop.data(COLLECT, collection={"title": "Summer"})["collection"]
    assert shop.data(COLLECT, collection={"title": "Summer"})["collection"]["handle"] == "summer-1"
    shop.wait()
    after = shop.data(ADD, id=collection["id"], ids=[product["id"]])["collection"]
    assert after["products"]["nodes"] == [{"id": product["id"]}]
    assert shop.data(READ, id=product["id"])["collections"]["nodes"] == [{"id": collection["id"]}]
    assert shop.data(READ, id=product["id"])["updatedAt"] > product["updatedAt"]
    job = shop.data(REMOVE, id=collection["id"], ids=[product["id"]])["job"]
    assert job["id"].startswith("gid://shopify/Job/") and job["done"] is False
    assert shop.data(READ, id=product["id"])["collections"]["nodes"] == []


def test_refused_collections(shop: Shopfront) -> None:
    collection = shop.data(COLLECT, collection={"title": "Summer"})["collection"]["id"]
    assert shop.errors(COLLECT, collection={"title": " "}) == [(["title"], "Title can't be blank", None)]
    assert shop.errors(ADD, id=collection, ids=[UNKNOWN]) == [(["productIds"], "Product does not exist", None)]
    gone = "gid://shopify/Collection/1"
    assert shop.errors(REMOVE, id=gone, ids=[]) == [(["id"], "Collection does not exist", None)]

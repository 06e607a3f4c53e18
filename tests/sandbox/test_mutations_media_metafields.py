"""Media, files and metafields: readiness, references, limits, digests, types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shopify_sync.sandbox.resources.metafield_values import Refused, json_value, normalised
from tests.sandbox.shopfront import Json, Shopfront

CREATE = """mutation($title: String!) { productCreate(product: { title: $title }) {
  product { id updatedAt variants(first: 1) { nodes { id } } } userErrors { field message } } }"""
ADD = """mutation($id: ID!, $media: [CreateMediaInput!]!) { productCreateMedia(productId: $id, media: $media) {
  media { id status alt ... on MediaImage { image { url } } } mediaUserErrors { field message code } } }"""
READ = """query($id: ID!) { product(id: $id) { updatedAt media(first: 10) { nodes { id alt status
  ... on MediaImage { image { url } } } } metafields(first: 30) { nodes { key value compareDigest } } } }"""
REORDER = """mutation($id: ID!, $moves: [MoveInput!]!) { productReorderMedia(id: $id, moves: $moves) {
  job { id done } mediaUserErrors { field message code } } }"""
REMOVE = """mutation($id: ID!, $ids: [ID!]!) { productDeleteMedia(productId: $id, mediaIds: $ids) {
  deletedMediaIds mediaUserErrors { field message code } } }"""
FILES = """mutation($files: [FileUpdateInput!]!) { fileUpdate(files: $files) {
  files { id alt fileStatus } userErrors { field message code } } }"""
SET = """mutation($metafields: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $metafields) {
  metafields { id namespace key value jsonValue compareDigest } userErrors { field message code elementIndex } } }"""
UNSET = """mutation($metafields: [MetafieldIdentifierInput!]!) { metafieldsDelete(metafields: $metafields) {
  deletedMetafields { ownerId namespace key } userErrors { field message } } }"""


@pytest.fixture
def shop() -> Shopfront:
    return Shopfront.fresh()


def product(shop: Shopfront, title: str = "A") -> Json:
    made: Json = shop.data(CREATE, title=title)["product"]
    return made


def image(name: str) -> Json:
    return {"mediaContentType": "IMAGE", "originalSource": f"https://example.com/{name}.jpg?x=1", "alt": name}


def media_of(shop: Shopfront, gid: str) -> list[Json]:
    nodes: list[Json] = shop.data(READ, id=gid)["media"]["nodes"]
    return nodes


def test_an_image_is_uploaded_then_processed_then_ready(shop: Shopfront) -> None:
    shop.shop.media_delay_s = 3
    gid = product(shop)["id"]
    made = shop.data(ADD, id=gid, media=[image("a")])["media"]
    assert made == [{"id": made[0]["id"], "status": "UPLOADED", "alt": "a", "image": None}]
    assert media_of(shop, gid)[0]["status"] == "PROCESSING"
    shop.wait(3)
    ready = media_of(shop, gid)[0]
    assert ready["status"] == "READY"
    assert ready["image"]["url"].startswith("https://cdn.shopify.com/s/files/1/0000/0001/files/a.jpg?v=")


def test_without_a_delay_the_next_read_is_ready(shop: Shopfront) -> None:
    gid = product(shop)["id"]
    assert shop.data(ADD, id=gid, media=[image("a")])["media"][0]["status"] == "UPLOADED"
    assert media_of(shop, gid)[0]["status"] == "READY"


def test_reordering_moves_one_after_the_other(shop: Shopfront) -> None:
    gid = product(shop)["id"]
    ids = [row["id"] for row in shop.data(ADD, id=gid, media=[image(name) for name in "abcd"])["media"]]
    moves = [{"id": ids[3], "newPosition": "1"}, {"id": "gid://shopify/MediaImage/1", "newPosition": "0"}]
    payload = shop.data(REORDER, id=gid, moves=moves)
    assert payload["mediaUserErrors"] == [] and payload["job"]["done"] is False
    assert "".join(row["alt"] for row in media_of(shop, gid)) == "adbc"


def test_deleted_media_leave_product_and_variant(shop: Shopfront) -> None:
    gid = product(shop)["id"]
    ids = [row["id"] for row in shop.data(ADD, id=gid, media=[image("a"), image("b")])["media"]]
    shop.wait()
    assert shop.data(REMOVE, id=gid, ids=ids[:1])["deletedMediaIds"] == ids[:1]
    assert [row["id"] for row in media_of(shop, gid)] == ids[1:]
    assert len(shop.shop.table("Media")) == 1


def test_file_update_links_and_unlinks(shop: Shopfront) -> None:
    one, two = product(shop)["id"], product(shop, "B")["id"]
    file = shop.data(ADD, id=one, media=[image("a")])["media"][0]["id"]
    shop.wait()
    given = {"id": file, "alt": "new", "referencesToAdd": [two], "referencesToRemove": [one]}
    assert shop.data(FILES, files=[given])["files"] == [{"id": file, "alt": "new", "fileStatus": "READY"}]
    assert media_of(shop, one) == []
    assert [row["alt"] for row in media_of(shop, two)] == ["new"]
    assert shop.data(READ, id=two)["updatedAt"] == shop.shop.now_iso()


def test_file_update_needs_product_access_for_references(shop: Shopfront) -> None:
    gid = product(shop)["id"]
    file = shop.data(ADD, id=gid, media=[image("a")])["media"][0]["id"]
    body = shop.run(FILES, {"files": [{"id": file, "referencesToAdd": [gid]}]}, ["write_files", "read_files"])
    assert body["errors"][0]["message"] == "Access denied: Missing permission to manage products."


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"id": "gid://shopify/MediaImage/1"}, "FILE_DOES_NOT_EXIST"),
        ({"originalSource": "nowhere"}, "INVALID_IMAGE_SOURCE_URL"),
        ({"filename": "a.png"}, "INVALID_FILENAME_EXTENSION"),
        ({"referencesToAdd": ["gid://shopify/Product/1"]}, "REFERENCE_TARGET_DOES_NOT_EXIST"),
        ({"alt": "x" * 513}, "ALT_VALUE_LIMIT_EXCEEDED"),
    ],
)
def test_refused_file_updates(shop: Shopfront, given: Json, code: str) -> None:
    gid = product(shop)["id"]
    file = shop.data(ADD, id=gid, media=[image("a")])["media"][0]["id"]
    shop.wait()
    assert [row[2] for row in shop.errors(FILES, files=[{"id": file, **given}])] == [code]


def row(owner: str, key: str, value: str, type_name: str = "single_line_text_field", **more: Any) -> Json:
    return {"ownerId": owner, "namespace": "custom", "key": key, "type": type_name, "value": value, **more}


def test_metafields_move_the_owners_date(shop: Shopfront) -> None:
    made = product(shop)
    shop.wait()
    variant = made["variants"]["nodes"][0]["id"]
    payload = shop.data(SET, metafields=[row(variant, "size", "L")])
    assert payload["userErrors"] == []
    assert shop.data(READ, id=made["id"])["updatedAt"] == shop.shop.now_iso()
    at = shop.shop.now_iso()
    shop.wait()
    again = shop.data(SET, metafields=[row(variant, "size", "L")])["metafields"]
    assert again == payload["metafields"]
    assert shop.data(READ, id=made["id"])["updatedAt"] == at


def test_no_more_than_25_metafields(shop: Shopfront) -> None:
    gid = product(shop)["id"]
    payload = shop.data(SET, metafields=[row(gid, f"key{number}", "x") for number in range(26)])
    assert payload["metafields"] is None
    assert payload["userErrors"][0]["code"] == "LESS_THAN_OR_EQUAL_TO"
    assert len(shop.data(SET, metafields=[row(gid, f"key{number}", "x") for number in range(25)])["metafields"]) == 25


def test_digests(shop: Shopfront) -> None:
    gid = product(shop)["id"]
    fresh = shop.data(SET, metafields=[row(gid, "kind", "a", compareDigest=None)])["metafields"][0]
    assert shop.errors(SET, metafields=[row(gid, "kind", "b", compareDigest=None)])[0][2] == "STALE_OBJECT"
    assert shop.errors(SET, metafields=[row(gid, "none", "b", compareDigest="x")])[0][2] == "INVALID_COMPARE_DIGEST"
    changed = [row(gid, "kind", "b", compareDigest=fresh["compareDigest"])]
    after = shop.data(SET, metafields=changed)["metafields"][0]
    assert after["id"] == fresh["id"] and after["compareDigest"] != fresh["compareDigest"]
    changed[0]["value"] = "c"
    assert shop.errors(SET, metafields=changed)[0][2] == "STALE_OBJECT"


def test_metafields_are_set_all_or_none_and_deleted_singly(shop: Shopfront) -> None:
    gid = product(shop)["id"]
    rows = [row(gid, "good", "x"), row(gid, "bad", "x", "number_integer"), row(gid, "odd", "x", "unheard")]
    errors = shop.errors(SET, metafields=rows)
    assert [(field, code) for field, _, code in errors] == [
        (["metafields", "1", "value"], "INVALID_VALUE"),
        (["metafields", "2", "type"], "INCLUSION"),
    ]
    untyped = {key: value for key, value in rows[0].items() if key != "type"}
    assert shop.errors(SET, metafields=[untyped]) == [(["metafields", "0", "type"], "Type can't be blank", "BLANK")]
    shop.data(SET, metafields=rows[:1])
    names = [{"ownerId": gid, "namespace": "custom", "key": key} for key in ("good", "none")]
    assert shop.data(UNSET, metafields=names)["deletedMetafields"] == [names[0], None]


@pytest.mark.parametrize(
    ("type_name", "value", "kept", "parsed"),
    [
        ("boolean", "1", "true", True),
        ("number_integer", "5.0", "5", 5),
        ("number_decimal", "1.50", "1.50", "1.50"),
        ("json", '{"a": [1, 2]}', '{"a": [1, 2]}', {"a": [1, 2]}),
        ("money", '{"amount": "5", "currency_code": "USD"}', '{"amount":"5.00","currency_code":"USD"}', None),
        ("dimension", '{"value": 2, "unit": "cm"}', '{"value":2.0,"unit":"cm"}', {"value": 2.0, "unit": "cm"}),
        ("date_time", "2022-06-01T15:30:00", "2022-06-01T15:30:00+00:00", "2022-06-01T15:30:00+00:00"),
        ("list.number_integer", "[1, 2]", "[1,2]", [1, 2]),
        ("list.single_line_text_field", '["ü"]', '["ü"]', ["ü"]),
        ("multi_line_text_field", "a\nb", "a\nb", "a\nb"),
        ("metaobject_reference", "gid://shopify/Metaobject/1", "gid://shopify/Metaobject/1", "gid://shopify/Metaobject/1"),
    ],
)  # fmt: skip
def test_values_as_shopify_keeps_them(shop: Shopfront, type_name: str, value: str, kept: str, parsed: Any) -> None:
    assert normalised(shop.shop, type_name, value) == kept
    expected = json.loads(kept) if parsed is None else parsed
    assert json_value({"type": type_name, "value": kept}) == expected


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("list.color", "{}"),
        ("rating", '{"value": "1"}'),
        ("rating", '{"value":"0","scale_min":"1","scale_max":"5"}'),
        ("rich_text_field", "[1]"),
        ("weight", "[]"),
        ("number_integer", "9007199254740992"),
        ("number_decimal", "1,5"),
        ("file_reference", "gid://shopify/MediaImage/1"),
    ],
)
def test_values_that_are_refused(shop: Shopfront, type_name: str, value: str) -> None:
    with pytest.raises(Refused):
        normalised(shop.shop, type_name, value)

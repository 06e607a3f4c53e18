"""The merchant's hand: changes of the store as they are made in Shopify's admin, for tests and demos.

Each goes through the mutation that an app would use, so the same rules hold; the events say that it was the merchant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shopify_sync.sandbox.registry import MUTATIONS, Context
from shopify_sync.sandbox.resources.media_model import content_type_of, gid_of
from shopify_sync.sandbox.state import Record, Shop

Given = dict[str, Any]
Hand = Callable[[Shop, int, Any], None]

_PRODUCT_KEYS = frozenset(
    (
        "title", "handle", "descriptionHtml", "vendor", "productType", "tags", "status", "templateSuffix", "seo",
        "category", "requiresSellingPlan",
    )
)  # fmt: skip
_VARIANT_KEYS = frozenset(("price", "compareAtPrice", "barcode", "taxable", "inventoryPolicy", "inventoryItem"))
_WHICH_VARIANT = frozenset(("id", "sku", "position", "values"))


# Hands on other resources, from modules of their own: each answers, or says None when the change is not about it.
EDITORS: list[Callable[[Shop, Given], Given | None]] = []


class BadControl(ValueError):
    """The request to the control endpoint makes no sense; the text says why."""


def edit(shop: Shop, given: Given) -> Given:
    """Change the store as its merchant would; what a refused part leaves undone, earlier parts have done.

    {"create": {"title": ..., any product key, "price" "compareAtPrice" "barcode" "sku" of its only variant, or
      "options": {"Size": ["S", "M"]} and "variants": as in addVariants; any key of a change below}}
    {"createCollection": {"title": ..., "handle": ...}}
    {"product": gid or handle, "delete": true}
    {"product": gid or handle, and any of these, done in this order:
      "set": {product keys, "price": for all variants}
      "addTags", "removeTags": [tag, ...]
      "renameOptions": {old: new}, "renameValues": {option: {old: new}}, "addOptions": {name: [value, ...]},
      "removeOptions": [name, ...], "reorderOptions": [name or {"name", "values": [value, ...]}, ...]
      "variants": [{which variant, keys to set: price compareAtPrice barcode taxable inventoryPolicy inventoryItem
                    newSku newValues inventoryQuantity}]
      "addVariants": [{"values": {"Size": "S"}, "sku", keys to set}], "removeVariants": [which, ...],
      "reorderVariants": [which, ...: these come first]
      "media": [{which medium, "alt"}], "addMedia": [url or {"url", "alt"}], "removeMedia": [which, ...],
      "reorderMedia": [which, ...: these come first]
      "metafields": [{"namespace", "key", "type", "value", "variant": which or absent}]; another type is taken over,
      "deleteMetafields": [{"namespace", "key", "variant"}]
      "join", "leave": [collection's gid or handle, ...]
      "publish": true or false, on every publication; "touch": true moves `updatedAt` and nothing else}

    A variant is meant by its gid, SKU or position (from 1), or by {"id" | "sku" | "position" | "values": {...}}; a
    medium by its gid, source or address, or position, or {"id" | "url" | "position"}.

    Returns {"product": {id, handle, title, updatedAt}} or {"collection": {id, handle, title}}. Raises BadControl with
    the userErrors' texts. Orders: see order_hand.py and order_trade.py.
    """
    with shop.lock:
        shop.merchant_acts = True
        try:
            for editor in EDITORS:
                answer = editor(shop, given)
                if answer is not None:
                    return answer
            if "createCollection" in given:
                made = call(shop, "collectionCreate", {"collection": given["createCollection"]})["collection"]
                return {"collection": shown(shop, made, "handle", "title")}
            product = _create(shop, given["create"]) if "create" in given else _change(shop, given)
            return {"product": shown(shop, product, "handle", "title", "updatedAt")}
        finally:
            shop.merchant_acts = False
            shop.flush()


def shown(shop: Shop, record: Record, *keys: str) -> Given:
    """The id of a record and some of its keys."""
    return {"id": shop.gid(record["_type"], record["id"]), **{key: record[key] for key in keys}}


def call(shop: Shop, name: str, args: Given, errors: str = "userErrors") -> Given:
    """The payload of a mutation carried out by the merchant. Raises BadControl with the texts of its `errors`."""
    payload: Given = MUTATIONS[name](Context(shop=shop, mutating=True), args)
    if payload.get(errors):
        raise BadControl("; ".join(error["message"] for error in payload[errors]))
    return payload


def _create(shop: Shop, given: Given) -> Record:
    rest = {key: value for key, value in given.items() if key not in _PRODUCT_KEYS}
    values: Given = {key: given[key] for key in given.keys() & _PRODUCT_KEYS}
    options = rest.pop("options", None)
    if options:
        values["productOptions"] = _options(options)
    number: int = call(shop, "productCreate", {"product": values})["product"]["id"]
    only: Given = {key: rest.pop(key) for key in ("price", "compareAtPrice", "barcode", "sku") if key in rest}
    if only:
        if "sku" in only:
            only["newSku"] = only.pop("sku")
        _edit_variants(shop, number, [{"position": 1, **only}])
    if options and "variants" in rest:
        _add_variants(shop, number, rest.pop("variants"), strategy="REMOVE_STANDALONE_VARIANT")
    return _carry_out(shop, number, rest)


def _change(shop: Shop, given: Given) -> Record:
    name = str(given.get("product", ""))
    product = shop.find(name, "Product") or shop.by_handle("Product", name)
    if product is None:
        raise BadControl(f"no product {name!r}")
    if given.get("delete"):
        gid = shop.gid("Product", product["id"])
        call(shop, "productDelete", {"input": {"id": gid}, "synchronous": True})
        return product
    return _carry_out(shop, product["id"], {key: given[key] for key in given if key not in ("product", "delete")})


def _carry_out(shop: Shop, number: int, given: Given) -> Record:
    unknown = given.keys() - _HANDS.keys()
    if unknown:
        raise BadControl(f"cannot {', '.join(sorted(unknown))}; known: {', '.join(_HANDS)}")
    for key, hand in _HANDS.items():
        if given.get(key) is not None:
            hand(shop, number, given[key])
    return shop.table("Product")[number]


# -- the product's own fields


def _set(shop: Shop, number: int, given: Given) -> None:
    values = dict(given)
    price = values.pop("price", None)
    unknown = values.keys() - _PRODUCT_KEYS
    if unknown:
        raise BadControl(f"cannot set {', '.join(sorted(unknown))}; known: {', '.join(sorted(_PRODUCT_KEYS))}, price")
    if values:
        call(shop, "productUpdate", {"product": {"id": shop.gid("Product", number), **values}})
    if price is not None:
        count = len(shop.table("Product")[number]["variantIds"])
        _edit_variants(shop, number, [{"position": place, "price": price} for place in range(1, count + 1)])


def _tags(mutation: str) -> Hand:
    def hand(shop: Shop, number: int, tags: list[str]) -> None:
        call(shop, mutation, {"id": shop.gid("Product", number), "tags": tags})

    return hand


def _collections(key: str) -> Hand:
    def hand(shop: Shop, number: int, names: list[str]) -> None:
        gids = []
        for name in names:
            collection = shop.find(name, "Collection") or shop.by_handle("Collection", name)
            if collection is None:
                raise BadControl(f"no collection {name!r}")
            gids.append(shop.gid("Collection", collection["id"]))
        call(shop, "productUpdate", {"product": {"id": shop.gid("Product", number), key: gids}})

    return hand


def _publish(shop: Shop, number: int, on: bool) -> None:
    rows = [{"publicationId": shop.gid("Publication", each)} for each in shop.table("Publication")]
    call(
        shop,
        "publishablePublish" if on else "publishableUnpublish",
        {"id": shop.gid("Product", number), "input": rows},
    )


def _touch(shop: Shop, number: int, on: bool) -> None:
    """Recorded: product-change-status-parity, where `updatedAt` moved 8 s after the change, by itself."""
    if on:
        shop.touch_product(number)


# -- options


def _options(given: dict[str, list[str]]) -> list[Given]:
    return [{"name": name, "values": [{"name": value} for value in values]} for name, values in given.items()]


def _option(shop: Shop, number: int, name: str) -> Record:
    options = shop.table("Product")[number]["options"]
    option: Record | None = next((row for row in options if row["name"] == name), None)
    if option is None:
        raise BadControl(f"no option {name!r}")
    return option


def _rename_options(shop: Shop, number: int, names: dict[str, str]) -> None:
    for old, new in names.items():
        option = {"id": shop.gid("ProductOption", _option(shop, number, old)["id"]), "name": new}
        call(shop, "productOptionUpdate", {"productId": shop.gid("Product", number), "option": option})


def _rename_values(shop: Shop, number: int, names: dict[str, dict[str, str]]) -> None:
    for name, values in names.items():
        option = _option(shop, number, name)
        ids = {row["name"]: shop.gid("ProductOptionValue", row["id"]) for row in option["optionValues"]}
        missing = values.keys() - ids.keys()
        if missing:
            raise BadControl(f"no value {', '.join(sorted(missing))} of option {name!r}")
        args = {
            "productId": shop.gid("Product", number),
            "option": {"id": shop.gid("ProductOption", option["id"])},
            "optionValuesToUpdate": [{"id": ids[old], "name": new} for old, new in values.items()],
        }
        call(shop, "productOptionUpdate", args)


def _add_options(shop: Shop, number: int, given: dict[str, list[str]]) -> None:
    call(shop, "productOptionsCreate", {"productId": shop.gid("Product", number), "options": _options(given)})


def _remove_options(shop: Shop, number: int, names: list[str]) -> None:
    gids = [shop.gid("ProductOption", _option(shop, number, name)["id"]) for name in names]
    args = {"productId": shop.gid("Product", number), "options": gids, "strategy": "POSITION"}
    call(shop, "productOptionsDelete", args)


def _reorder_options(shop: Shop, number: int, given: list[Any]) -> None:
    rows = [{"name": each} if isinstance(each, str) else each for each in given]
    options = [
        {**row, "values": [{"name": value} for value in row["values"]]} if row.get("values") else row for row in rows
    ]
    call(shop, "productOptionsReorder", {"productId": shop.gid("Product", number), "options": options})


# -- variants


def _variant(shop: Shop, number: int, which: Any) -> Record:
    table = shop.table("ProductVariant")
    variants = [table[each] for each in shop.table("Product")[number]["variantIds"]]
    found = next((variant for variant in variants if _meant(shop, variant, which)), None)
    if found is None:
        raise BadControl(f"no such variant: {which}")
    return found


def _meant(shop: Shop, variant: Record, which: Any) -> bool:
    gid = shop.gid("ProductVariant", variant["id"])
    if not isinstance(which, dict):
        return which in (gid, variant["sku"], variant["position"])
    if "id" in which:
        return bool(which["id"] == gid)
    if "position" in which:
        return bool(which["position"] == variant["position"])
    if "sku" in which:
        return bool(which["sku"] == variant["sku"])
    return bool(which.get("values") == {row["name"]: row["value"] for row in variant["selectedOptions"]})


def _variant_gids(shop: Shop, number: int, given: list[Any]) -> list[str]:
    return [shop.gid("ProductVariant", _variant(shop, number, which)["id"]) for which in given]


def _variant_input(given: Given, sku: str, values: str) -> Given:
    """The mutation's input; `sku` and `values` name the keys that hold them."""
    made: Given = {key: given[key] for key in given.keys() & _VARIANT_KEYS}
    if sku in given:
        made["inventoryItem"] = {**made.get("inventoryItem", {}), "sku": given[sku]}
    if values in given:
        made["optionValues"] = [{"optionName": name, "name": value} for name, value in given[values].items()]
    return made


def _edit_variants(shop: Shop, number: int, given: list[Given]) -> None:
    inputs = []
    for change in given:
        variant = _variant(shop, number, {key: change[key] for key in change.keys() & _WHICH_VARIANT})
        values = _variant_input(change, "newSku", "newValues")
        if values:
            inputs.append({"id": shop.gid("ProductVariant", variant["id"]), **values})
        if "inventoryQuantity" in change:
            fresh = {**variant, "inventoryQuantity": int(change["inventoryQuantity"]), "updatedAt": shop.now_iso()}
            shop.put("ProductVariant", fresh)
            shop.touch_product(number)
    if inputs:
        args = {"productId": shop.gid("Product", number), "variants": inputs}
        call(shop, "productVariantsBulkUpdate", args)


def _add_variants(shop: Shop, number: int, given: list[Given], strategy: str = "DEFAULT") -> None:
    inputs = [_variant_input(each, "sku", "values") for each in given]
    args = {"productId": shop.gid("Product", number), "variants": inputs, "strategy": strategy}
    call(shop, "productVariantsBulkCreate", args)


def _remove_variants(shop: Shop, number: int, given: list[Any]) -> None:
    args = {"productId": shop.gid("Product", number), "variantsIds": _variant_gids(shop, number, given)}
    call(shop, "productVariantsBulkDelete", args)


def _reorder_variants(shop: Shop, number: int, given: list[Any]) -> None:
    gids = _variant_gids(shop, number, given)
    positions = [{"id": gid, "position": place} for place, gid in enumerate(gids, 1)]
    call(shop, "productVariantsBulkReorder", {"productId": shop.gid("Product", number), "positions": positions})


# -- media


def _medium(shop: Shop, number: int, which: Any) -> str:
    """The gid of the medium meant."""
    if isinstance(which, dict):
        which = next((which[key] for key in ("id", "url", "position") if key in which), None)
    for position, each in enumerate(shop.table("Product")[number]["mediaIds"], 1):
        medium = shop.table("Media")[each]
        if which in (gid_of(shop, medium), medium["originalSource"], medium["url"], position):
            return gid_of(shop, medium)
    raise BadControl(f"no such medium: {which}")


def _edit_media(shop: Shop, number: int, given: list[Given]) -> None:
    media = [{"id": _medium(shop, number, each), "alt": each.get("alt")} for each in given]
    call(shop, "productUpdateMedia", {"productId": shop.gid("Product", number), "media": media})


def _add_media(shop: Shop, number: int, given: list[Any]) -> None:
    rows = [{"url": each} if isinstance(each, str) else each for each in given]
    media = [
        {"originalSource": row["url"], "mediaContentType": content_type_of(row["url"], None), "alt": row.get("alt")}
        for row in rows
    ]
    call(shop, "productUpdate", {"product": {"id": shop.gid("Product", number)}, "media": media})


def _remove_media(shop: Shop, number: int, given: list[Any]) -> None:
    gids = [_medium(shop, number, which) for which in given]
    call(shop, "productDeleteMedia", {"productId": shop.gid("Product", number), "mediaIds": gids})


def _reorder_media(shop: Shop, number: int, given: list[Any]) -> None:
    gids = [_medium(shop, number, which) for which in given]
    moves = [{"id": gid, "newPosition": str(place)} for place, gid in enumerate(gids)]
    call(shop, "productReorderMedia", {"id": shop.gid("Product", number), "moves": moves})


# -- metafields


def _owned(shop: Shop, number: int, row: Given) -> Given:
    """A row of a mutation's input: the owner is the product, or the variant that the row names."""
    owner = shop.gid("Product", number)
    if row.get("variant") is not None:
        owner = shop.gid("ProductVariant", _variant(shop, number, row["variant"])["id"])
    return {"ownerId": owner, **{key: value for key, value in row.items() if key != "variant"}}


def _set_metafields(shop: Shop, number: int, given: list[Given]) -> None:
    call(shop, "metafieldsSet", {"metafields": [_owned(shop, number, row) for row in given]})


def _delete_metafields(shop: Shop, number: int, given: list[Given]) -> None:
    payload = call(shop, "metafieldsDelete", {"metafields": [_owned(shop, number, row) for row in given]})
    if None in payload["deletedMetafields"]:
        raise BadControl("no such metafield")


_HANDS: dict[str, Hand] = {
    "set": _set,
    "addTags": _tags("tagsAdd"),
    "removeTags": _tags("tagsRemove"),
    "renameOptions": _rename_options,
    "renameValues": _rename_values,
    "addOptions": _add_options,
    "removeOptions": _remove_options,
    "reorderOptions": _reorder_options,
    "variants": _edit_variants,
    "addVariants": _add_variants,
    "removeVariants": _remove_variants,
    "reorderVariants": _reorder_variants,
    "media": _edit_media,
    "addMedia": _add_media,
    "removeMedia": _remove_media,
    "reorderMedia": _reorder_media,
    "metafields": _set_metafields,
    "deleteMetafields": _delete_metafields,
    "join": _collections("collectionsToJoin"),
    "leave": _collections("collectionsToLeave"),
    "publish": _publish,
    "touch": _touch,
}

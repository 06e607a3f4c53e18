"""A product's own fields: defaults, checks, handles, collections, and its removal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from shopify_sync.sandbox.registry import Context
from shopify_sync.sandbox.resources import handles
from shopify_sync.sandbox.resources.checks import TEXT_LIMIT, Path, category, error, find, too_long
from shopify_sync.sandbox.resources.draft import Draft, copied
from shopify_sync.sandbox.resources.event_log import note
from shopify_sync.sandbox.resources.option_model import default_options, is_default, select
from shopify_sync.sandbox.resources.tags import normalised, refusal
from shopify_sync.sandbox.resources.variant_model import add_variant
from shopify_sync.sandbox.state import Record, Shop

_LABELS = {"title": "Title", "vendor": "Vendor", "productType": "Product type", "handle": "Handle"}
_PLAIN = (
    "title", "descriptionHtml", "vendor", "productType", "status", "templateSuffix", "giftCardTemplateSuffix",
    "requiresSellingPlan", "combinedListingRole",
)  # fmt: skip
_NOT_NULL = {
    "title": "",
    "descriptionHtml": "",
    "vendor": "",
    "productType": "",
    "requiresSellingPlan": False,
}


class Handles:
    """The handles that a record of this type may not take; its own is free for itself."""

    def __init__(self, shop: Shop, kind: str, own: int | None) -> None:
        self._shop, self._kind, self._own = shop, kind, own

    def __contains__(self, handle: object) -> bool:
        record = self._shop.by_handle(self._kind, str(handle))
        return record is not None and record["id"] != self._own


def new_product(shop: Shop) -> Draft:
    """A product with nothing but defaults; recorded: product-create-parity. It is on no publication."""
    now = shop.now_iso()
    product: Record = {
        "id": shop.next_id("Product"),
        "title": "",
        "handle": "",
        "descriptionHtml": "",
        "vendor": shop.name,
        "productType": "",
        "tags": [],
        "status": "ACTIVE",
        "templateSuffix": None,
        "isGiftCard": False,
        "giftCardTemplateSuffix": None,
        "requiresSellingPlan": False,
        "createdAt": now,
        "updatedAt": now,
        "publishedAt": None,
        "seo": {"title": None, "description": None},
        "category": None,
        "combinedListingRole": None,
        "options": default_options(shop),
        "variantIds": [],
        "mediaIds": [],
        "collectionIds": [],
        "publicationIds": [],
    }
    return Draft(shop, product, new=True)


def ensure_variant(draft: Draft) -> None:
    """Make the one variant that each product has: first value of each option (product-create-with-options-parity)."""
    if draft.variants:
        return
    options = draft.product["options"]
    variant = add_variant(draft)
    select(
        variant,
        [(row["name"], row["optionValues"][0]["name"], row["optionValues"][0]["id"]) for row in options],
    )


def scalar_errors(given: dict[str, Any], new: bool, at: Callable[[str], Path], code: str | None) -> list[Record]:
    """What is wrong with the plain fields of an input; `at(key)` is the error's field for a key.

    Recorded: product-create-parity, product-update-parity, product-handle-validation-parity.
    """
    errors: list[Record] = []
    if (new or "title" in given) and not (given.get("title") or "").strip():
        errors.append(error(at("title"), "Title can't be blank", code))
    for key, label in _LABELS.items():
        if len(given.get(key) or "") > TEXT_LIMIT:
            errors.append(error(at(key), too_long(label), code))
    wrong = refusal(given.get("tags") or [], at("tags"), code)
    return [*errors, wrong] if wrong else errors


def write_scalars(draft: Draft, given: dict[str, Any]) -> None:
    """Write the present plain fields. Raises `TopLevelError` for an unknown category."""
    product = draft.product
    for key in _PLAIN:
        if key in given and not (given[key] is None and key in ("status", "title")):
            product[key] = _NOT_NULL.get(key) if given[key] is None else given[key]
    if "tags" in given:
        product["tags"] = normalised(given["tags"] or [])
    if "seo" in given:
        seo = given["seo"] or {"title": None, "description": None}
        product["seo"] = {
            **product["seo"],
            **{key: seo[key] or None for key in ("title", "description") if key in seo},
        }
    if "category" in given:
        product["category"] = category(given["category"])
    if given.get("giftCard") is not None:
        product["isGiftCard"] = given["giftCard"]


def write_handle(draft: Draft, raw: str | None, code: str | None) -> list[Record]:
    """Give the product the handle it asks for, or one made from its title when there is none; the title must be set.

    Recorded: product-handle-dedup-parity. A blank handle counts as absent, and an update then makes a new one.
    """
    product = draft.product
    taken = Handles(draft.shop, "Product", product["id"])
    if product["handle"] and raw in (None, product["handle"]):
        return []
    if raw is None or not raw.strip():
        product["handle"] = handles.generated(product["title"], taken)
        return []
    handle = handles.wanted(raw)
    if handle is None:
        product["handle"] = handles.generated("", taken)
    elif handle in taken:
        return [error(["input", "handle"], handles.in_use(raw), code)]
    else:
        product["handle"] = handle
    return []


def join(draft: Draft, gids: Iterable[str]) -> None:
    """Put the product into manual collections; unknown ids are ignored (productCreate-collections-to-join-parity)."""
    for gid in gids:
        collection = find(draft.shop, "Collection", gid)
        if collection is None or collection["ruleSet"] is not None:
            continue
        row = draft.collections.setdefault(collection["id"], copied(collection))
        if draft.product["id"] not in row["productIds"]:
            row["productIds"].append(draft.product["id"])
        if collection["id"] not in draft.product["collectionIds"]:
            draft.product["collectionIds"].append(collection["id"])


def leave(draft: Draft, numbers: Iterable[int]) -> None:
    """Take the product out of manual collections, named by their ids."""
    for number in list(numbers):
        collection = draft.shop.table("Collection").get(number)
        if collection is None or collection["ruleSet"] is not None or number not in draft.product["collectionIds"]:
            continue
        row = draft.collections.setdefault(number, copied(collection))
        if draft.product["id"] in row["productIds"]:
            row["productIds"].remove(draft.product["id"])
        draft.product["collectionIds"].remove(number)


def delete_product(shop: Shop, product: Record) -> None:
    """Remove a product with its variants, inventory items and metafields; files and collections lose it only."""
    number = product["id"]
    for medium_id in product["mediaIds"]:
        medium = shop.table("Media").get(medium_id)
        if medium is not None:
            medium["productIds"] = [other for other in medium["productIds"] if other != number]
            shop.put("Media", medium)
    for collection_id in product["collectionIds"]:
        collection = shop.table("Collection").get(collection_id)
        if collection is not None and number in collection["productIds"]:
            collection["productIds"].remove(number)
            shop.put("Collection", collection)
    for variant_id in product["variantIds"]:
        _drop_metafields(shop, shop.gid("ProductVariant", variant_id))
        shop.drop("InventoryItem", shop.table("ProductVariant")[variant_id]["inventoryItemId"])
        shop.drop("ProductVariant", variant_id)
    _drop_metafields(shop, shop.gid("Product", number))
    note(shop, "destroy", product)
    shop.drop("Product", number)


def _drop_metafields(shop: Shop, owner: str) -> None:
    for row in shop.metafields_of(owner):
        shop.drop("Metafield", row["id"])


def by_custom_id(ctx: Context, custom: dict[str, Any]) -> Record | None:
    """The product with a unique metafield value.

    The caller has checked that a definition of type `id` exists.
    """
    for row in ctx.shop.table("Metafield").values():
        same = (row["namespace"], row["key"], row["value"]) == (
            custom["namespace"],
            custom["key"],
            custom["value"],
        )
        if same and row["ownerType"] == "PRODUCT" and row["type"] == "id":
            return ctx.shop.find(row["ownerGid"], "Product")
    return None


def has_options(product: Record) -> bool:
    return not is_default(product["options"])

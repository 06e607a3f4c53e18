"""The fields of products, options, variants and inventory items that are more than a key of their record."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from shopify_sync.sandbox.registry import Args, Context, Page, connection, encode_cursor, field
from shopify_sync.sandbox.state import Record

Resolver = Callable[[Context, Record, Args], Any]


def money(ctx: Context, amount: str) -> Record:
    """A `MoneyV2`: a Decimal is sent without trailing zeros but with one decimal (recorded: 11709.0, 777.77)."""
    number = Decimal(amount).normalize()
    text = format(number, "f")
    return {"amount": text if "." in text else f"{text}.0", "currencyCode": ctx.shop.currency}


def count(number: int) -> Record:
    """An exact `Count`."""
    return {"count": number, "precision": "EXACT"}


def variants_of(ctx: Context, product: Record) -> list[Record]:
    """A product's variants in position order."""
    table = ctx.shop.table("ProductVariant")
    return [table[number] for number in product["variantIds"]]


def product_of(ctx: Context, variant: Record) -> Record:
    return ctx.shop.table("Product")[variant["productId"]]


def item_of(ctx: Context, variant: Record) -> Record:
    return ctx.shop.table("InventoryItem")[variant["inventoryItemId"]]


def _position(record: Record) -> Any:
    return record["position"]


_VARIANT_ORDER: dict[str, Callable[[Record], Any]] = {
    "ID": lambda record: record["id"],
    "SKU": lambda record: (record["sku"] or "").casefold(),
    "TITLE": lambda record: record["title"].casefold(),
    "INVENTORY_QUANTITY": lambda record: record["inventoryQuantity"] or 0,
}


@field("Product", "variants")
def product_variants(ctx: Context, raw: Record, args: Args) -> Page:
    """In order of position; a query for one product may take up to 2,000 at once (Shopify docs)."""
    items = variants_of(ctx, raw)
    key = _VARIANT_ORDER.get(args.get("sortKey") or "POSITION")
    if key is not None:
        items.sort(key=lambda record: (key(record), record["id"]))
    return connection(items, args, key=key or _position, limit=250 if ctx.many else 2000)


@field("Product", "variantsCount")
def variants_count(ctx: Context, raw: Record, args: Args) -> Record:
    return count(len(raw["variantIds"]))


@field("Product", "totalVariants")
def total_variants(ctx: Context, raw: Record, args: Args) -> int:
    return len(raw["variantIds"])


@field("Product", "options")
def product_options(ctx: Context, raw: Record, args: Args) -> list[Record]:
    """Each option with the names and ids of the values that variants use."""
    used: set[int] = set()
    table = ctx.shop.table("ProductVariant")
    for number in raw["variantIds"]:
        for chosen in table[number]["selectedOptions"]:
            used.add(chosen["optionValueId"])
    options = [{**option, "_used": used} for option in raw["options"]]
    return options if args.get("first") is None else options[: args["first"]]


@field("ProductOption", "values")
def option_values(ctx: Context, raw: Record, args: Args) -> list[str]:
    """Names of the values in use."""
    used = raw.get("_used")
    return [value["name"] for value in raw["optionValues"] if used is None or value["id"] in used]


@field("ProductOption", "optionValues")
def option_value_objects(ctx: Context, raw: Record, args: Args) -> list[Record]:
    used = raw.get("_used")
    return [{**value, "hasVariants": used is None or value["id"] in used} for value in raw["optionValues"]]


@field("SelectedOption", "optionValue")
def selected_value(ctx: Context, raw: Record, args: Args) -> Record:
    return {"id": raw["optionValueId"], "name": raw["value"], "hasVariants": True, "linkedMetafieldValue": None}


@field("Product", "collections")
def product_collections(ctx: Context, raw: Record, args: Args) -> Page:
    table = ctx.shop.table("Collection")
    return connection([table[number] for number in sorted(raw["collectionIds"])], args)


@field("Product", "inCollection")
def in_collection(ctx: Context, raw: Record, args: Args) -> bool:
    found = ctx.shop.find(args["id"], "Collection")
    return found is not None and found["id"] in raw["collectionIds"]


@field("Product", "category")
def category(ctx: Context, raw: Record, args: Args) -> Record | None:
    """The taxonomy is not served: a category knows its id, level and parents, its name is its code."""
    gid = raw["category"]
    if not gid:
        return None
    prefix, _, code = str(gid).rpartition("/")
    parts = code.split("-")
    above = [f"{prefix}/{'-'.join(parts[:length])}" for length in range(len(parts) - 1, 0, -1)]
    return {
        "id": gid,
        "name": code,
        "fullName": " > ".join("-".join(parts[: length + 1]) for length in range(len(parts))),
        "level": len(parts),
        "isRoot": len(parts) == 1,
        "isLeaf": True,
        "isArchived": False,
        "ancestorIds": above,
        "childrenIds": [],
        "parentId": above[0] if above else None,
    }


@field("Product", "hasOnlyDefaultVariant")
def has_only_default_variant(ctx: Context, raw: Record, args: Args) -> bool:
    options = raw["options"]
    if len(raw["variantIds"]) != 1 or len(options) != 1 or options[0]["name"] != "Title":
        return False
    return [value["name"] for value in options[0]["optionValues"]] == ["Default Title"]


@field("Product", "hasOutOfStockVariants")
def has_out_of_stock_variants(ctx: Context, raw: Record, args: Args) -> bool:
    return any(
        item_of(ctx, variant)["tracked"] and (variant["inventoryQuantity"] or 0) <= 0
        for variant in variants_of(ctx, raw)
    )


@field("Product", "totalInventory")
def total_inventory(ctx: Context, raw: Record, args: Args) -> int:
    items, variants = ctx.shop.table("InventoryItem"), ctx.shop.table("ProductVariant")
    total = 0
    for number in raw["variantIds"]:
        variant = variants[number]
        if items[variant["inventoryItemId"]]["tracked"]:
            total += variant["inventoryQuantity"] or 0
    return total


@field("Product", "tracksInventory")
def tracks_inventory(ctx: Context, raw: Record, args: Args) -> bool:
    return any(item_of(ctx, variant)["tracked"] for variant in variants_of(ctx, raw))


@field("Product", "hasVariantsThatRequiresComponents")
def has_components(ctx: Context, raw: Record, args: Args) -> bool:
    return any(variant["requiresComponents"] for variant in variants_of(ctx, raw))


def _range(ctx: Context, prices: Iterable[str], low: str, high: str) -> Record | None:
    ordered = sorted(prices, key=Decimal)
    return {low: money(ctx, ordered[0]), high: money(ctx, ordered[-1])} if ordered else None


@field("Product", "priceRangeV2")
def price_range(ctx: Context, raw: Record, args: Args) -> Record | None:
    prices = (variant["price"] for variant in variants_of(ctx, raw))
    return _range(ctx, prices, "minVariantPrice", "maxVariantPrice")


@field("Product", "compareAtPriceRange")
def compare_at_price_range(ctx: Context, raw: Record, args: Args) -> Record | None:
    prices = (v["compareAtPrice"] for v in variants_of(ctx, raw) if v["compareAtPrice"] is not None)
    return _range(ctx, prices, "minVariantCompareAtPrice", "maxVariantCompareAtPrice")


def _plain(ctx: Context, raw: Record, args: Args) -> str:
    """The description without markup."""
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", raw["descriptionHtml"] or "")).split())
    limit = args.get("truncateAt")
    return text if limit is None or len(text) <= limit else text[: max(0, limit - 3)] + "..."


def _body(ctx: Context, raw: Record, args: Args) -> Any:
    return raw["descriptionHtml"]


def _preview_url(ctx: Context, raw: Record, args: Args) -> str:
    return f"https://{ctx.shop.domain}/products/{raw['handle']}"


def _store_url(ctx: Context, raw: Record, args: Args) -> str | None:
    live = raw["status"] == "ACTIVE" and raw["publishedAt"] is not None
    return f"https://{ctx.shop.domain}/products/{raw['handle']}" if live else None


def _cursor(ctx: Context, raw: Record, args: Args) -> str:
    return encode_cursor(raw["id"], raw["id"])


def _seo(ctx: Context, raw: Record, args: Args) -> Record:
    return raw.get("seo") or {"title": None, "description": None}


def _none_found(ctx: Context, raw: Record, args: Args) -> Page:
    return connection([], args)


def _zero(ctx: Context, raw: Record, args: Args) -> Record:
    return count(0)


for _type in ("Product", "Collection"):
    field(_type, "description")(_plain)
    field(_type, "seo")(_seo)
field("Product", "bodyHtml")(_body)
field("Product", "onlineStorePreviewUrl")(_preview_url)
field("Product", "onlineStoreUrl")(_store_url)
field("Product", "productComponentsCount")(_zero)
for _type in ("Product", "ProductVariant"):
    field(_type, "defaultCursor")(_cursor)
    field(_type, "productParents")(_none_found)
    field(_type, "sellingPlanGroupsCount")(_zero)


# -- variants


@field("ProductVariant", "product")
def variant_product(ctx: Context, raw: Record, args: Args) -> Record:
    return product_of(ctx, raw)


@field("ProductVariant", "inventoryItem")
def variant_item(ctx: Context, raw: Record, args: Args) -> Record:
    return item_of(ctx, raw)


@field("ProductVariant", "displayName")
def display_name(ctx: Context, raw: Record, args: Args) -> str:
    return f"{product_of(ctx, raw)['title']} - {raw['title']}"


@field("ProductVariant", "availableForSale")
def available_for_sale(ctx: Context, raw: Record, args: Args) -> bool:
    if raw["inventoryPolicy"] == "CONTINUE" or not item_of(ctx, raw)["tracked"]:
        return True
    return (raw["inventoryQuantity"] or 0) > 0


@field("ProductVariant", "sellableOnlineQuantity")
def sellable_online_quantity(ctx: Context, raw: Record, args: Args) -> int:
    return int(raw["inventoryQuantity"] or 0)


# -- inventory items


def _item_variant(ctx: Context, raw: Record) -> Record:
    return ctx.shop.table("ProductVariant")[raw["variantId"]]


@field("InventoryItem", "variant")
def item_variant(ctx: Context, raw: Record, args: Args) -> Record:
    return _item_variant(ctx, raw)


@field("InventoryItem", "variants")
def item_variants(ctx: Context, raw: Record, args: Args) -> Page:
    return connection([_item_variant(ctx, raw)], args)


@field("InventoryItem", "unitCost")
def unit_cost(ctx: Context, raw: Record, args: Args) -> Record | None:
    return None if raw["cost"] is None else money(ctx, raw["cost"])


@field("InventoryItem", "measurement")
def measurement(ctx: Context, raw: Record, args: Args) -> Record:
    return {"id": raw["id"], "weight": raw["weight"]}


@field("InventoryItem", "trackedEditable")
def tracked_editable(ctx: Context, raw: Record, args: Args) -> Record:
    return {"locked": False, "reason": None}


@field("InventoryItem", "duplicateSkuCount")
def duplicate_sku_count(ctx: Context, raw: Record, args: Args) -> int:
    if not raw["sku"]:
        return 0
    return sum(1 for item in ctx.shop.table("InventoryItem").values() if item["sku"] == raw["sku"]) - 1


@field("InventoryItem", "locationsCount")
def locations_count(ctx: Context, raw: Record, args: Args) -> Record:
    return count(1)

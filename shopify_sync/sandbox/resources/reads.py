"""The root fields that read products, variants, collections, publications and nodes.

Source: types and arguments from Shopify's schema; an id of another type or of nothing gives null (recorded answers).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from shopify_sync.sandbox.filters import index_page, matching, run_search
from shopify_sync.sandbox.registry import (
    QUERIES,
    Args,
    Context,
    Page,
    TopLevelError,
    connection,
    query_field,
)
from shopify_sync.sandbox.state import MEDIA_TYPES, Record, parse_gid

_EXACT = 25_000  # counts are exact so far
SortKeys = dict[str, Callable[[Record], Any]]


def _id(record: Record) -> Any:
    return record["id"]


PRODUCT_KEYS: SortKeys = {
    "ID": _id,
    "RELEVANCE": _id,
    "CREATED_AT": lambda record: record["createdAt"],
    "UPDATED_AT": lambda record: record["updatedAt"],
    "PUBLISHED_AT": lambda record: record["publishedAt"] or "",
    "TITLE": lambda record: record["title"].casefold(),
    "VENDOR": lambda record: (record["vendor"] or "").casefold(),
    "PRODUCT_TYPE": lambda record: (record["productType"] or "").casefold(),
    "INVENTORY_TOTAL": _id,
}
VARIANT_KEYS: SortKeys = {
    "ID": _id,
    "TITLE": lambda record: record["title"].casefold(),
    "NAME": lambda record: record["title"].casefold(),
    "FULL_TITLE": lambda record: record["title"].casefold(),
    "SKU": lambda record: (record["sku"] or "").casefold(),
    "POSITION": lambda record: record["position"],
    "INVENTORY_QUANTITY": lambda record: record["inventoryQuantity"] or 0,
}
COLLECTION_KEYS: SortKeys = {
    "ID": _id,
    "TITLE": lambda record: record["title"].casefold(),
    "UPDATED_AT": lambda record: record["updatedAt"],
}


def _page(ctx: Context, type_name: str, keys: SortKeys, args: Args) -> Page:
    sort_key = args.get("sortKey") or "ID"
    return index_page(ctx, type_name, sort_key, keys.get(sort_key, _id), args)


def _count(ctx: Context, type_name: str, args: Args) -> Record:
    """`Count` up to `limit` (default 10,000; none means 25,000, which is the most); beyond it `precision` is AT_LEAST.
    Source: Shopify's schema; shopify.dev, "API limits"."""
    limit = min(args.get("limit") or _EXACT, _EXACT)
    search = run_search(ctx, type_name, args.get("query"))
    if search is None:
        found = len(ctx.shop.table(type_name))
    else:
        rows = matching(ctx, type_name, search)
        found = sum(1 for _ in islice(rows, limit + 1))
    if found > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": found, "precision": "EXACT"}


@query_field("products")
def products(ctx: Context, args: Args) -> Page:
    return _page(ctx, "Product", PRODUCT_KEYS, args)


@query_field("productsCount")
def products_count(ctx: Context, args: Args) -> Record:
    return _count(ctx, "Product", args)


@query_field("productVariants")
def product_variants(ctx: Context, args: Args) -> Page:
    return _page(ctx, "ProductVariant", VARIANT_KEYS, args)


@query_field("productVariantsCount")
def product_variants_count(ctx: Context, args: Args) -> Record:
    return _count(ctx, "ProductVariant", args)


@query_field("collections")
def collections(ctx: Context, args: Args) -> Page:
    return _page(ctx, "Collection", COLLECTION_KEYS, args)


@query_field("collectionsCount")
def collections_count(ctx: Context, args: Args) -> Record:
    return _count(ctx, "Collection", args)


@query_field("product")
def product(ctx: Context, args: Args) -> Record | None:
    return ctx.shop.find(args["id"], "Product")


@query_field("productVariant")
def product_variant(ctx: Context, args: Args) -> Record | None:
    return ctx.shop.find(args["id"], "ProductVariant")


@query_field("collection")
def collection(ctx: Context, args: Args) -> Record | None:
    return ctx.shop.find(args["id"], "Collection")


@query_field("publication")
def publication(ctx: Context, args: Args) -> Record | None:
    return ctx.shop.find(args["id"], "Publication")


@query_field("publications")
def publications(ctx: Context, args: Args) -> Page:
    return connection(list(ctx.shop.table("Publication").values()), args)


@query_field("productByIdentifier")
def product_by_identifier(ctx: Context, args: Args) -> Record | None:
    """By id or handle; custom ids need a metafield definition, which the sandbox has none of."""
    return _by_identifier(ctx, "Product", args["identifier"])


@query_field("collectionByIdentifier")
def collection_by_identifier(ctx: Context, args: Args) -> Record | None:
    return _by_identifier(ctx, "Collection", args["identifier"])


def _by_identifier(ctx: Context, type_name: str, identifier: Args) -> Record | None:
    if identifier.get("customId"):
        message = "Metafield definition of type 'id' is required when using custom ids."
        raise TopLevelError(message, "NOT_FOUND")
    if identifier.get("handle") is not None:
        return ctx.shop.by_handle(type_name, str(identifier["handle"]))
    return ctx.shop.find(str(identifier.get("id")), type_name)


_NODES = (
    "Product",
    "ProductVariant",
    "InventoryItem",
    "Collection",
    "Publication",
    "Metafield",
    "BasicEvent",
    *MEDIA_TYPES,
)
# Types whose root field decides what of them a caller may see.
_BY_ROOT = {
    "Order": "order",
    "Fulfillment": "fulfillment",
    "FulfillmentOrder": "fulfillmentOrder",
    "Refund": "refund",
    "Return": "return",
}  # fmt: skip


def _node(ctx: Context, gid: str) -> Record | None:
    found = ctx.shop.find(gid, *_NODES)
    if found is not None:
        return found
    try:
        type_name, number = parse_gid(gid)
    except ValueError:
        return None
    if type_name in ("Shop", "AppInstallation"):
        one: Record = QUERIES["shop" if type_name == "Shop" else "currentAppInstallation"](ctx, {})
        return one if one["id"] == number else None
    if type_name in _BY_ROOT:
        part: Record | None = QUERIES[_BY_ROOT[type_name]](ctx, {"id": gid})
        return part
    if type_name == "BulkOperation":
        bulk: Record | None = QUERIES["bulkOperation"](ctx, {"id": gid})
        return bulk
    if type_name in ("ProductSetOperation", "ProductDeleteOperation"):
        operation: Record | None = QUERIES["productOperation"](ctx, {"id": gid})
        return operation
    if type_name in ("ProductOption", "ProductOptionValue"):
        return _option(ctx, type_name, number)
    return None


def _option(ctx: Context, type_name: str, number: int) -> Record | None:
    """An option or option value; they live inside their products, so this looks at all of them."""
    for owner in ctx.shop.table("Product").values():
        for option in owner["options"]:
            held = [option] if type_name == "ProductOption" else option["optionValues"]
            for each in held:
                if each["id"] == number:
                    return {**each, "_type": type_name}
    return None


@query_field("node")
def node(ctx: Context, args: Args) -> Record | None:
    return _node(ctx, args["id"])


@query_field("nodes")
def nodes(ctx: Context, args: Args) -> list[Record | None]:
    """In the order of the ids, null for what is not there."""
    return [_node(ctx, gid) for gid in args["ids"]]

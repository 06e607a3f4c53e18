"""The fields of media, metafields, collections and publications that are more than a key of their record."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from shopify_sync.sandbox.registry import Args, Context, Page, connection, field
from shopify_sync.sandbox.resources.metafield_values import digest
from shopify_sync.sandbox.resources.metafield_values import json_value as parsed
from shopify_sync.sandbox.resources.read_products import count, product_of
from shopify_sync.sandbox.state import MEDIA_TYPES, Record

# -- media


def media_status(ctx: Context, raw: Record) -> str:
    """UPLOADED in the answer of the mutation that made it, later PROCESSING until `readyAt`, then READY.

    Recorded: product-create-media-parity.
    """
    status = str(raw["status"])
    if status in ("READY", "FAILED"):
        return status
    if ctx.mutating and raw["id"] >= ctx.first_new_media:
        return "UPLOADED"
    return "READY" if raw["readyAt"] <= ctx.shop.now_iso() else "PROCESSING"


def image_of(ctx: Context, raw: Record) -> Record | None:
    """The `Image` of a ready medium."""
    if media_status(ctx, raw) != "READY":
        return None
    return {
        "id": f"gid://shopify/ImageSource/{raw['id']}",
        "url": raw["url"],
        "altText": raw["alt"],
        "width": raw["width"],
        "height": raw["height"],
        "thumbhash": None,
        "_type": "Image",
    }


def _status(ctx: Context, raw: Record, args: Args) -> str:
    return media_status(ctx, raw)


def _preview(ctx: Context, raw: Record, args: Args) -> Record:
    return {"status": media_status(ctx, raw), "image": image_of(ctx, raw)}


def _nothing(ctx: Context, raw: Record, args: Args) -> list[Any]:
    return []


def _updated(ctx: Context, raw: Record, args: Args) -> Any:
    return raw.get("updatedAt") or raw["createdAt"]


def _filename(ctx: Context, raw: Record, args: Args) -> str:
    return urlsplit(raw["url"]).path.rpartition("/")[2]


def _source(raw: Record) -> Record:
    return {
        "url": raw["url"],
        "fileSize": 524_288,
        "filesize": 524_288,
        "format": _format(raw),
        "mimeType": raw["mimeType"] or "application/octet-stream",
        "width": raw["width"] or 0,
        "height": raw["height"] or 0,
    }


def _format(raw: Record) -> str:
    return str(raw["mimeType"] or "").rpartition("/")[2]


def _sources(ctx: Context, raw: Record, args: Args) -> list[Record]:
    return [_source(raw)] if media_status(ctx, raw) == "READY" else []


def _original(ctx: Context, raw: Record, args: Args) -> Record | None:
    return _source(raw) if media_status(ctx, raw) == "READY" else None


for _type in MEDIA_TYPES:
    field(_type, "status")(_status)
    field(_type, "fileStatus")(_status)
    field(_type, "preview")(_preview)
    field(_type, "updatedAt")(_updated)
    for _name in ("mediaErrors", "mediaWarnings", "fileErrors"):
        field(_type, _name)(_nothing)
for _type in ("Video", "Model3d"):
    field(_type, "sources")(_sources)
    field(_type, "filename")(_filename)
for _type in ("Video", "Model3d", "MediaImage"):
    field(_type, "originalSource")(_original)


@field("MediaImage", "image")
def media_image(ctx: Context, raw: Record, args: Args) -> Record | None:
    return image_of(ctx, raw)


@field("MediaImage", "mimeType")
def media_mime_type(ctx: Context, raw: Record, args: Args) -> Any:
    return raw["mimeType"] if media_status(ctx, raw) == "READY" else None


@field("ExternalVideo", "host")
def external_host(ctx: Context, raw: Record, args: Args) -> str:
    return "VIMEO" if "vimeo" in raw["originalSource"] else "YOUTUBE"


@field("ExternalVideo", "originUrl")
def external_origin(ctx: Context, raw: Record, args: Args) -> Any:
    return raw["originalSource"]


@field("ExternalVideo", "embedUrl")
def external_embed(ctx: Context, raw: Record, args: Args) -> Any:
    return raw["originalSource"].replace("watch?v=", "embed/")


def _media_of(ctx: Context, raw: Record, args: Args) -> Page:
    table = ctx.shop.table("Media")
    return connection([table[number] for number in raw["mediaIds"]], args)


field("Product", "media")(_media_of)
field("ProductVariant", "media")(_media_of)


@field("Product", "mediaCount")
def media_count(ctx: Context, raw: Record, args: Args) -> Record:
    return count(len(raw["mediaIds"]))


@field("Product", "featuredMedia")
def featured_media(ctx: Context, raw: Record, args: Args) -> Record | None:
    return ctx.shop.table("Media")[raw["mediaIds"][0]] if raw["mediaIds"] else None


def _first_image(ctx: Context, raw: Record, args: Args) -> Record | None:
    table = ctx.shop.table("Media")
    for number in raw["mediaIds"]:
        if table[number]["type"] == "MediaImage":
            return image_of(ctx, table[number])
    return None


field("Product", "featuredImage")(_first_image)
field("ProductVariant", "image")(_first_image)

# -- metafields


def _owner_gid(ctx: Context, raw: Record) -> str:
    number = raw["id"]
    return number if isinstance(number, str) else ctx.shop.gid(raw["_type"], number)


def _metafields(ctx: Context, raw: Record, args: Args) -> Page:
    rows = ctx.shop.metafields_of(_owner_gid(ctx, raw))
    if args.get("namespace") is not None:
        rows = [row for row in rows if row["namespace"] == args["namespace"]]
    if args.get("keys") is not None:  # `namespace.key`, or the key alone when a namespace is given
        keys = set(args["keys"])
        rows = [row for row in rows if row["key"] in keys or f"{row['namespace']}.{row['key']}" in keys]
    return connection(rows, args)


def _metafield(ctx: Context, raw: Record, args: Args) -> Record | None:
    namespace, _, key = args["key"].rpartition(".")
    namespace = args.get("namespace") or namespace
    for row in ctx.shop.metafields_of(_owner_gid(ctx, raw)):
        if row["key"] == key and row["namespace"] == namespace:
            return row
    return None


for _type in ("Product", "ProductVariant", "Collection", "Shop", "AppInstallation", "Image", "Order"):
    field(_type, "metafields")(_metafields)
    field(_type, "metafield")(_metafield)


@field("Metafield", "compareDigest")
def compare_digest(ctx: Context, raw: Record, args: Args) -> str:
    return digest(raw)


@field("Metafield", "sizeInBytes")
def size_in_bytes(ctx: Context, raw: Record, args: Args) -> int:
    return len(raw["value"].encode())


@field("Metafield", "jsonValue")
def json_value(ctx: Context, raw: Record, args: Args) -> Any:
    return parsed(raw)


@field("Metafield", "owner")
def metafield_owner(ctx: Context, raw: Record, args: Args) -> Record | None:
    return ctx.shop.find(raw["ownerGid"])


# -- collections


@field("Collection", "products")
def collection_products(ctx: Context, raw: Record, args: Args) -> Page:
    table = ctx.shop.table("Product")
    return connection([table[number] for number in raw["productIds"] if number in table], args)


@field("Collection", "productsCount")
def collection_products_count(ctx: Context, raw: Record, args: Args) -> Record:
    return count(len(raw["productIds"]))


@field("Collection", "hasProduct")
def has_product(ctx: Context, raw: Record, args: Args) -> bool:
    found = ctx.shop.find(args["id"], "Product")
    return found is not None and found["id"] in raw["productIds"]


# -- publications


def _published_ids(ctx: Context, raw: Record) -> list[int]:
    """A variant is published where its product is; a collection says nothing and is everywhere."""
    if raw["_type"] == "ProductVariant":
        raw = product_of(ctx, raw)
    ids: list[int] = raw.get("publicationIds", list(ctx.shop.table("Publication")))
    return ids


def _resource_publications(ctx: Context, raw: Record, args: Args) -> Page:
    table = ctx.shop.table("Publication")
    date = raw.get("publishedAt") or raw.get("createdAt") or raw["updatedAt"]
    rows = [
        {"id": number, "isPublished": True, "publishDate": date, "publication": table[number], "publishable": raw}
        for number in _published_ids(ctx, raw)
        if number in table
    ]
    return connection(rows, args)


def _resource_publications_count(ctx: Context, raw: Record, args: Args) -> Record:
    return count(len(_published_ids(ctx, raw)))


def _available_publications_count(ctx: Context, raw: Record, args: Args) -> Record:
    return count(len(ctx.shop.table("Publication")))


def _published_on(ctx: Context, raw: Record, args: Args) -> bool:
    found = ctx.shop.find(args["publicationId"], "Publication")
    return found is not None and found["id"] in _published_ids(ctx, raw)


def _unpublished(ctx: Context, raw: Record, args: Args) -> Page:
    published = set(_published_ids(ctx, raw))
    return connection([row for row in ctx.shop.table("Publication").values() if row["id"] not in published], args)


for _type in ("Product", "ProductVariant", "Collection"):
    field(_type, "resourcePublications")(_resource_publications)
    field(_type, "resourcePublicationsV2")(_resource_publications)
    field(_type, "resourcePublicationsCount")(_resource_publications_count)
    field(_type, "availablePublicationsCount")(_available_publications_count)
    field(_type, "publishedOnPublication")(_published_on)
    field(_type, "unpublishedPublications")(_unpublished)


def _no(ctx: Context, raw: Record, args: Args) -> bool:
    return False


field("Publication", "autoPublish")(_no)
field("Publication", "supportsFuturePublishing")(_no)

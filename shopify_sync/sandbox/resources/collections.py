"""`collectionCreate`, `collectionAddProducts`, `collectionRemoveProducts`.

The error texts are those of the Admin documentation; no capture of collections is at hand.
"""

from __future__ import annotations

from shopify_sync.sandbox.registry import Context, TopLevelError, mutation
from shopify_sync.sandbox.resources import handles
from shopify_sync.sandbox.resources.checks import TEXT_LIMIT, error, find, too_long
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.resources.media import job
from shopify_sync.sandbox.resources.metafield_model import Rows
from shopify_sync.sandbox.resources.product_model import Handles, join, leave
from shopify_sync.sandbox.state import Record

_SMART = "Can't manually add or remove products of a smart collection"


@mutation("collectionCreate")
def collection_create(ctx: Context, args: Record) -> Record:
    """Create a collection; `input` is the deprecated form of `collection` (Admin schema 2026-10)."""
    shop = ctx.shop
    given = args.get("collection") or args.get("input")
    if given is None:
        raise TopLevelError("collectionCreate requires exactly one of collection, input", "INVALID_FIELD_ARGUMENTS")
    title = (given.get("title") or "").strip()
    errors = []
    if not title:
        errors.append(error(["title"], "Title can't be blank"))
    for key, label in (("title", "Title"), ("handle", "Handle")):
        if len(given.get(key) or "") > TEXT_LIMIT:
            errors.append(error([key], too_long(label)))
    taken = Handles(shop, "Collection", None)
    wanted = handles.wanted(given.get("handle") or "")
    if wanted is not None and wanted in taken:
        errors.append(error(["handle"], f"Handle '{given['handle']}' already in use. Please provide a new handle."))
    if errors:
        return {"collection": None, "userErrors": errors}
    record: Record = {
        "id": shop.next_id("Collection"),
        "handle": wanted or handles.generated(title, taken, "collection"),
        "title": title,
        "descriptionHtml": given.get("descriptionHtml") or "",
        "updatedAt": shop.now_iso(),
        "productIds": [],
        "ruleSet": given.get("ruleSet"),
        "sortOrder": given.get("sortOrder") or "BEST_SELLING",
        "templateSuffix": given.get("templateSuffix"),
        "seo": {key: (given.get("seo") or {}).get(key) for key in ("title", "description")},
    }
    rows = Rows(ctx, shop.gid("Collection", record["id"]), "COLLECTION")
    errors = rows.write_inputs(given.get("metafields") or [], ["metafields"], None, whole=False)
    if errors:
        return {"collection": None, "userErrors": errors}
    shop.put("Collection", record)
    for row in rows.changed.values():
        shop.put("Metafield", row)
    _join_all(ctx, record, given.get("products") or [])
    return {"collection": shop.table("Collection")[record["id"]], "userErrors": []}


def _join_all(ctx: Context, collection: Record, gids: list[str]) -> None:
    for gid in gids:
        product = find(ctx.shop, "Product", gid)
        if product is not None:
            draft = Draft(ctx.shop, product)
            join(draft, [ctx.shop.gid("Collection", collection["id"])])
            draft.commit()


def _refusal(ctx: Context, collection: Record | None, args: Record) -> Record | None:
    if collection is None:
        return error(["id"], "Collection does not exist")
    if collection["ruleSet"] is not None:
        return error(["id"], _SMART)
    if any(find(ctx.shop, "Product", gid) is None for gid in args["productIds"]):
        return error(["productIds"], "Product does not exist")
    return None


@mutation("collectionAddProducts")
def collection_add_products(ctx: Context, args: Record) -> Record:
    """Put products into a manual collection; those that are in it already stay where they are."""
    collection = find(ctx.shop, "Collection", args["id"])
    wrong = _refusal(ctx, collection, args)
    if collection is None or wrong:
        return {"collection": None, "userErrors": [wrong]}
    _join_all(ctx, collection, args["productIds"])
    return {"collection": ctx.shop.table("Collection")[collection["id"]], "userErrors": []}


@mutation("collectionRemoveProducts")
def collection_remove_products(ctx: Context, args: Record) -> Record:
    """Take products out of a manual collection, by a job that has run when the answer is sent."""
    collection = find(ctx.shop, "Collection", args["id"])
    wrong = _refusal(ctx, collection, args)
    if collection is None or wrong:
        return {"job": None, "userErrors": [wrong]}
    for gid in args["productIds"]:
        product = find(ctx.shop, "Product", gid)
        assert product is not None
        draft = Draft(ctx.shop, product)
        leave(draft, [collection["id"]])
        draft.commit()
    return {"job": job(ctx.shop), "userErrors": []}

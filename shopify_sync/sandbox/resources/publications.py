"""`publishablePublish` and `publishableUnpublish` for products. Recorded beside them: product-publish-unpublish.

`publishedAt` is the time of the Online Store. Texts of the errors are the Admin documentation's.
"""

from __future__ import annotations

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources.checks import error, find
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.resources.event_log import note
from shopify_sync.sandbox.state import Record

ONLINE_STORE = "Online Store"


@mutation("publishablePublish")
def publishable_publish(ctx: Context, args: Record) -> Record:
    """Put a product on publications."""
    return _change(ctx, args, publish=True)


@mutation("publishableUnpublish")
def publishable_unpublish(ctx: Context, args: Record) -> Record:
    """Take a product off publications."""
    return _change(ctx, args, publish=False)


def _change(ctx: Context, args: Record, *, publish: bool) -> Record:
    shop = ctx.shop
    product = find(shop, "Product", args["id"])
    if product is None:
        return {"publishable": None, "shop": {}, "userErrors": [error(["id"], "Resource does not exist")]}
    draft = Draft(shop, product)
    errors = []
    for place, given in enumerate(args["input"]):
        publication = find(shop, "Publication", given.get("publicationId"))
        if publication is None:
            path = ["input", str(place), "publicationId"]
            errors.append(error(path, "Publication does not exist or is not publishable"))
            continue
        numbers = draft.product["publicationIds"]
        if publish != (publication["id"] in numbers):
            if publish:
                numbers.append(publication["id"])
            else:
                numbers.remove(publication["id"])
            if publication["name"] == ONLINE_STORE:
                draft.product["publishedAt"] = (given.get("publishDate") or shop.now_iso()) if publish else None
    if errors:
        return {"publishable": product, "shop": {}, "userErrors": errors}
    before = product["publishedAt"]
    after = draft.commit()
    if (before is None) != (after["publishedAt"] is None):
        note(shop, "published" if publish else "unpublished", after)
    return {"publishable": after, "shop": {}, "userErrors": []}

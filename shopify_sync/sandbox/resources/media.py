"""Media of a product: create, update, delete, reorder. Recorded: product-media-validation-branches.

The first three are deprecated in 2026-10 (Admin schema) and still work. Their payloads carry the same errors twice:
`userErrors` without, `mediaUserErrors` with a code.
"""

from __future__ import annotations

import uuid
from typing import Any

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources.checks import ALT_LIMIT, FILE_LIMIT, error, find, product_missing
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.resources.media_model import (
    ALT_TOO_LONG,
    add_created,
    detach,
    gid_of,
    medium_of,
    number_of,
    url_problem,
)
from shopify_sync.sandbox.state import Record, Shop

_JOBS = uuid.UUID("5b1d6d1c-1d0c-4f5e-9a53-1f7a0f5e2c11")


def job(shop: Shop) -> Record:
    """A background job that has just begun; its gid holds a UUID. Recorded: product-reorder-media-parity."""
    number = uuid.uuid5(_JOBS, str(shop.next_id("Job")))
    return {"id": f"gid://shopify/Job/{number}", "done": False}


def media_errors(inputs: list[dict[str, Any]], codes: bool = True) -> dict[int, Record]:
    """What is wrong with `CreateMediaInput`s, by position."""
    errors: dict[int, Record] = {}
    for place, given in enumerate(inputs):
        path = ["media", str(place)]
        problem = url_problem(given["originalSource"], given["mediaContentType"])
        if problem:
            errors[place] = error([*path, "originalSource"], problem, "INVALID" if codes else None)
        elif len(given.get("alt") or "") > ALT_LIMIT:
            errors[place] = error([*path, "alt"], ALT_TOO_LONG, "INVALID" if codes else None)
    return errors


def _answer(payload: Record, errors: list[Record]) -> Record:
    return {**payload, "userErrors": errors, "mediaUserErrors": errors}


@mutation("productCreateMedia")
def product_create_media(ctx: Context, args: Record) -> Record:
    """Add media; valid ones are added beside refused ones."""
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        missing = product_missing("productId", "PRODUCT_DOES_NOT_EXIST")
        return _answer({"media": None, "product": None}, [missing])
    if len(product["mediaIds"]) + len(args["media"]) > FILE_LIMIT:
        full = error(["media"], "Exceeded the limit of media per product.", "PRODUCT_MEDIA_LIMIT_EXCEEDED")
        return _answer({"media": [], "product": product}, [full])
    errors = media_errors(args["media"])
    draft = Draft(ctx.shop, product)
    made = add_created(draft, [given for place, given in enumerate(args["media"]) if place not in errors])
    return _answer({"product": draft.commit(), "media": made}, list(errors.values()))


@mutation("productUpdateMedia")
def product_update_media(ctx: Context, args: Record) -> Record:
    """Change alt texts; one unknown medium refuses all."""
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        missing = product_missing("productId", "PRODUCT_DOES_NOT_EXIST")
        return _answer({"media": None, "product": None}, [missing])
    unknown = _unknown(ctx.shop, product, [given["id"] for given in args["media"]], "media")
    if unknown:
        return _answer({"media": None, "product": product}, unknown)
    long = [
        error(["media", str(place), "alt"], ALT_TOO_LONG, "INVALID")
        for place, given in enumerate(args["media"])
        if len(given.get("alt") or "") > ALT_LIMIT
    ]
    if long:
        return _answer({"media": None, "product": product}, long)
    draft = Draft(ctx.shop, product)
    touched = []
    for given in args["media"]:
        number = number_of(given["id"])
        assert number is not None
        medium = draft.medium(number)
        if "alt" in given:
            medium["alt"] = given["alt"]
        touched.append(number)
    after = draft.commit()
    media = ctx.shop.table("Media")
    return _answer({"media": [media[number] for number in touched], "product": after}, [])


@mutation("productDeleteMedia")
def product_delete_media(ctx: Context, args: Record) -> Record:
    """Delete media from the product and from the store; one unknown medium refuses all."""
    nothing = {"deletedMediaIds": None, "deletedProductImageIds": None}
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        missing = product_missing("productId", "PRODUCT_DOES_NOT_EXIST")
        return _answer({**nothing, "product": None}, [missing])
    unknown = _unknown(ctx.shop, product, args["mediaIds"], "mediaIds")
    if unknown:
        return _answer({**nothing, "product": product}, unknown)
    draft = Draft(ctx.shop, product)
    media, images = [], []
    for gid in args["mediaIds"]:
        medium = medium_of(ctx.shop, gid)
        if medium is None or medium["id"] not in draft.product["mediaIds"]:
            continue  # named twice
        detach(draft, medium["id"])
        media.append(gid_of(ctx.shop, medium))
        if medium["type"] == "MediaImage":
            images.append(ctx.shop.gid("ProductImage", medium["id"]))
        if not draft.media[medium["id"]]["productIds"]:
            del draft.media[medium["id"]]
            draft.dropped.append(("Media", medium["id"]))
    return _answer({"deletedMediaIds": media, "deletedProductImageIds": images, "product": draft.commit()}, [])


@mutation("productReorderMedia")
def product_reorder_media(ctx: Context, args: Record) -> Record:
    """Move media one after the other to zero-based positions; unknown media are passed over by the job.

    Recorded: product-reorder-media-parity, product-media-validation-branches.
    """
    product = find(ctx.shop, "Product", args["id"])
    if product is None:
        missing = product_missing("id", "PRODUCT_DOES_NOT_EXIST")
        return _answer({"job": None}, [missing])
    draft = Draft(ctx.shop, product)
    order = draft.product["mediaIds"]
    for move in args["moves"]:
        number = number_of(move["id"])
        if number in order:
            order.remove(number)
            order.insert(min(int(move["newPosition"]), len(order)), number)
    draft.commit()
    return _answer({"job": job(ctx.shop)}, [])


def _unknown(shop: Shop, product: Record, gids: list[str], field: str) -> list[Record]:
    for gid in gids:
        medium = medium_of(shop, gid)
        if medium is None:
            return [error([field], f"Media id {gid} does not exist", "MEDIA_DOES_NOT_EXIST")]
        if medium["id"] not in product["mediaIds"]:
            message = f"Media id {gid} does not exist on the given product"
            return [error([field], message, "MEDIA_DOES_NOT_EXIST_ON_PRODUCT")]
    return []

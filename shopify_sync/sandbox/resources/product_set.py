"""`productSet`: make a product what the input says.

A list that is present is the complete truth, entries it leaves out are deleted; a list that is absent stays as it is;
of the plain fields only present ones change. Sources: Admin API reference D.2, the descriptions of
`ProductSetUserErrorCode` in the Admin schema 2026-10, and recordings product-set-*.
"""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources import handles
from shopify_sync.sandbox.resources.checks import ALT_LIMIT, error, find, id_in, product_missing
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.resources.media_model import (
    ALT_TOO_LONG,
    attach,
    content_type_of,
    detach,
    medium_of,
    new_medium,
    url_problem,
)
from shopify_sync.sandbox.resources.metafield_model import Rows
from shopify_sync.sandbox.resources.operations import finished_set
from shopify_sync.sandbox.resources.product_model import (
    by_custom_id,
    ensure_variant,
    join,
    leave,
    new_product,
    scalar_errors,
    write_handle,
    write_scalars,
)
from shopify_sync.sandbox.resources.product_set_variants import set_options, set_variants
from shopify_sync.sandbox.resources.products import require_custom_id
from shopify_sync.sandbox.state import Record

Given = dict[str, Any]
Found = tuple[Record | None, list[Record]]


@mutation("productSet")
def product_set(ctx: Context, args: Record) -> Record:
    """Create or update; `synchronous: false` answers with an operation whose next read is COMPLETE."""
    product, errors = _set(ctx, args.get("identifier"), args["input"])
    if args.get("synchronous") is False:
        operation = finished_set(ctx.shop, None if errors else product, errors)
        return {"product": None, "productSetOperation": operation, "userErrors": []}
    return {"product": product, "productSetOperation": None, "userErrors": errors}


def _set(ctx: Context, identifier: Given | None, given: Given) -> Found:
    product, errors = _identified(ctx, identifier, given)
    if errors:
        return None, errors
    errors = scalar_errors(given, product is None, _at, "INVALID_PRODUCT")
    if product is not None and given.get("giftCard") not in (None, product["isGiftCard"]):
        message = "The product gift_card attribute cannot be changed after creation."
        errors.append(error(["input", "giftCard"], message, "GIFT_CARD_ATTRIBUTE_CANNOT_BE_CHANGED"))
    if errors:
        return product, errors
    draft = new_product(ctx.shop) if product is None else Draft(ctx.shop, product)
    write_scalars(draft, given)
    errors = write_handle(draft, given.get("handle"), "HANDLE_NOT_UNIQUE")
    errors += _files(draft, given)
    options = given.get("productOptions")
    errors += set_options(draft, options, given.get("variants"))
    if not errors and given.get("variants") is not None:
        errors += set_variants(ctx, draft, given["variants"])
    errors += _metafields(ctx, draft, given)
    if errors:
        return product, errors
    ensure_variant(draft)
    if given.get("collections") is not None:
        wanted = [id_in(gid, "Collection") for gid in given["collections"]]
        leave(draft, [number for number in draft.product["collectionIds"] if number not in wanted])
        join(draft, given["collections"])
    return draft.commit(), []


def _at(key: str) -> list[str]:
    """`["input", "title"]`, but `["input"]` for other fields; Admin API reference D.4."""
    return ["input", key] if key in ("title", "tags") else ["input"]


def _identified(ctx: Context, identifier: Given | None, given: Given) -> Found:
    """The product to update, None to create one; or why the identifier can't be used.

    Recorded: product-set-id-not-allowed, product-set-shape-validator-parity; messages of the rest: Admin schema.
    Raises `TopLevelError` for a custom id without definition.
    """
    if identifier is None:
        product = find(ctx.shop, "Product", given.get("id"))
        if given.get("id") is not None and product is None:
            missing = product_missing("id", "PRODUCT_DOES_NOT_EXIST")
            return None, [{**missing, "field": ["input", "id"]}]
        return product, []
    if given.get("id") is not None:
        message = "The id field is not allowed if identifier is provided."
        return None, [error(["input"], message, "ID_NOT_ALLOWED")]
    if identifier.get("id") is not None:
        product = find(ctx.shop, "Product", identifier["id"])
        message = "Resource matching the identifier was not found."
        return product, [] if product else [error(["input"], message, "NOT_FOUND")]
    if identifier.get("handle") is not None:
        handle = identifier["handle"]
        wrong = _mismatch(handle, given)
        if wrong:
            return None, [wrong]
        shop = ctx.shop
        return shop.by_handle("Product", handle) or shop.by_handle("Product", handles.slug(handle)), []
    custom = identifier.get("customId") or {}
    require_custom_id(ctx, custom)
    rows = given.get("metafields") or []
    if not any(all(row.get(key) == custom.get(key) for key in ("namespace", "key", "value")) for row in rows):
        message = "The input argument `metafields` (if present) must contain the `customId` value."
        return None, [error(["input", "metafields"], message, "METAFIELD_MISMATCH")]
    return by_custom_id(ctx, custom), []


def _mismatch(handle: str, given: Given) -> Record | None:
    if given.get("handle") is None:
        message = "The input field corresponding to the identifier is required."
        return error(["input", "handle"], message, "MISSING_FIELD_REQUIRED")
    if handles.slug(handle) != handles.slug(given["handle"]):
        message = "The identifier value does not match the value of the corresponding field in the input."
        return error(["input", "handle"], message, "INPUT_MISMATCH")
    return None


def _metafields(ctx: Context, draft: Draft, given: Given) -> list[Record]:
    if given.get("metafields") is None:
        return []
    rows = Rows(ctx, draft.gid, "PRODUCT")
    errors = rows.write_inputs(given["metafields"], ["input", "metafields"], "INVALID_METAFIELD", whole=True)
    draft.metafields.update(rows.changed)
    draft.dropped += rows.dropped
    return errors


def _files(draft: Draft, given: Given) -> list[Record]:
    """The media of the product become the given files, in their order; a file without an id is always a new one."""
    if given.get("files") is None:
        return []
    errors: list[Record] = []
    order: list[int] = []
    for place, file in enumerate(given["files"]):
        path = ["input", "files", str(place)]
        if len(file.get("alt") or "") > ALT_LIMIT:
            errors.append(error([*path, "alt"], ALT_TOO_LONG, "INVALID_INPUT"))
        elif file.get("id") is not None:
            known = medium_of(draft.shop, file["id"])
            if known is None:
                errors.append(error([*path, "id"], f"Media id {file['id']} does not exist", "INVALID_INPUT"))
                continue
            medium = draft.medium(known["id"])
            if "alt" in file:
                medium["alt"] = file["alt"]
            attach(draft, medium)
            order.append(medium["id"])
        else:
            source = file.get("originalSource") or ""
            kind = content_type_of(source, file.get("contentType"))
            problem = url_problem(source, kind)
            if problem:
                errors.append(error([*path, "originalSource"], problem, "INVALID_INPUT"))
                continue
            medium = new_medium(draft.shop, source, kind, file.get("alt"), file.get("filename"))
            attach(draft, medium)
            order.append(medium["id"])
    if not errors:
        for number in [number for number in draft.product["mediaIds"] if number not in order]:
            detach(draft, number)
        draft.product["mediaIds"] = list(dict.fromkeys(order))
    return errors

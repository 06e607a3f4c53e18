"""`productCreate`, `productUpdate`, `productChangeStatus`, `productDelete`."""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context, TopLevelError, mutation
from shopify_sync.sandbox.resources import option_inputs
from shopify_sync.sandbox.resources.checks import error, find, id_in, product_missing
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.resources.media import media_errors
from shopify_sync.sandbox.resources.media_model import add_created
from shopify_sync.sandbox.resources.metafield_model import Rows
from shopify_sync.sandbox.resources.operations import BUSY, begin_delete, deleting
from shopify_sync.sandbox.resources.option_model import renumbered
from shopify_sync.sandbox.resources.product_model import (
    by_custom_id,
    delete_product,
    ensure_variant,
    join,
    leave,
    new_product,
    scalar_errors,
    write_handle,
    write_scalars,
)
from shopify_sync.sandbox.state import Record

_NO_CUSTOM_ID = "Metafield definition of type 'id' is required when using custom ids."


def require_custom_id(ctx: Context, custom: dict[str, Any]) -> None:
    """Raise `TopLevelError` NOT_FOUND without a definition of type `id`; recorded: customer-set-custom-id."""
    for row in ctx.shop.table("MetafieldDefinition").values():
        named = (row["ownerType"], row["namespace"], row["key"], row["type"])
        if named == ("PRODUCT", custom.get("namespace"), custom["key"], "id"):
            return
    raise TopLevelError(_NO_CUSTOM_ID, "NOT_FOUND")


def _input(ctx: Context, name: str, args: Record) -> dict[str, Any]:
    """The one of `product` and the deprecated `input` that is given. Raises `TopLevelError` for none or both."""
    given = [args[key] for key in ("product", "input") if args.get(key) is not None]
    if len(given) != 1:
        raise TopLevelError(f"{name} requires exactly one of product, input", "INVALID_FIELD_ARGUMENTS")
    first: dict[str, Any] = given[0]
    return first


def _at(key: str) -> list[str]:
    return [key]


@mutation("productCreate")
def product_create(ctx: Context, args: Record) -> Record:
    """Create a product with its first variant. Recorded: product-create-*, productCreate-*."""
    given, media = _input(ctx, "productCreate", args), args.get("media") or []
    errors = scalar_errors(given, True, _at, None)
    errors += option_inputs.create_errors(given.get("productOptions") or [], [], ["productOptions"])
    errors += media_errors(media).values()
    if errors:
        return {"product": None, "shop": {}, "userErrors": errors}
    draft = new_product(ctx.shop)
    write_scalars(draft, given)
    if given.get("productOptions"):
        draft.product["options"] = renumbered(option_inputs.made(ctx.shop, given["productOptions"]))
    ensure_variant(draft)
    errors = _rest(ctx, draft, given, media)
    return {"product": None if errors else draft.commit(), "shop": {}, "userErrors": errors}


@mutation("productUpdate")
def product_update(ctx: Context, args: Record) -> Record:
    """Change the present fields. A refusal answers with the product unchanged; recorded: product-update-parity."""
    given, media = _input(ctx, "productUpdate", args), args.get("media") or []
    product = _identified(ctx, args.get("identifier"), given)
    if product is None:
        return {"product": None, "userErrors": [product_missing("id")]}
    errors = scalar_errors(given, False, _at, None)
    errors += media_errors(media).values()
    if errors:
        return {"product": product, "userErrors": errors}
    draft = Draft(ctx.shop, product)
    write_scalars(draft, given)
    errors = _rest(ctx, draft, given, media)
    return {"product": product if errors else draft.commit(), "userErrors": errors}


def _identified(ctx: Context, identifier: dict[str, Any] | None, given: dict[str, Any]) -> Record | None:
    if identifier is None:
        return find(ctx.shop, "Product", given.get("id"))
    if identifier.get("handle") is not None:
        return ctx.shop.by_handle("Product", identifier["handle"])
    if identifier.get("customId") is not None:
        require_custom_id(ctx, identifier["customId"])
        return by_custom_id(ctx, identifier["customId"])
    return find(ctx.shop, "Product", identifier.get("id"))


def _rest(ctx: Context, draft: Draft, given: dict[str, Any], media: list[dict[str, Any]]) -> list[Record]:
    """Handle, metafields, collections and media; returns errors, after which the draft is to be dropped."""
    errors = write_handle(draft, given.get("handle"), None)
    if given.get("metafields"):
        rows = Rows(ctx, draft.gid, "PRODUCT")
        errors += rows.write_inputs(given["metafields"], ["metafields"], None, whole=False)
        draft.metafields.update(rows.changed)
    if not errors:
        leaving = [id_in(gid, "Collection") for gid in given.get("collectionsToLeave") or []]
        leave(draft, [number for number in leaving if number is not None])
        join(draft, given.get("collectionsToJoin") or [])
        add_created(draft, media)
    return errors


@mutation("productChangeStatus")
def product_change_status(ctx: Context, args: Record) -> Record:
    """Recorded: product-change-status-parity, product-change-status-unknown-product-parity."""
    product = find(ctx.shop, "Product", args["productId"])
    if product is None:
        return {"product": None, "userErrors": [product_missing("productId", "PRODUCT_NOT_FOUND")]}
    draft = Draft(ctx.shop, product)
    draft.product["status"] = args["status"]
    return {"product": draft.commit(), "userErrors": []}


@mutation("productDelete")
def product_delete(ctx: Context, args: Record) -> Record:
    """Delete at once, or later by an operation. Recorded: product-delete-async-operation."""
    payload: Record = {"deletedProductId": None, "productDeleteOperation": None, "shop": {}}
    product = find(ctx.shop, "Product", args["input"]["id"])
    if product is None:
        return {**payload, "userErrors": [product_missing("id")]}
    if deleting(ctx.shop, product["id"]):
        return {**payload, "userErrors": [error(None, BUSY)]}
    if not args.get("synchronous", True):
        return {**payload, "productDeleteOperation": begin_delete(ctx.shop, product), "userErrors": []}
    delete_product(ctx.shop, product)
    return {**payload, "deletedProductId": ctx.shop.gid("Product", product["id"]), "userErrors": []}

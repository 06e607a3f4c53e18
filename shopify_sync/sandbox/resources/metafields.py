"""`metafieldsSet` and `metafieldsDelete`. Recorded: metafields-set-*, metafield-delete-not-found."""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources.checks import error
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.echo import expect
from shopify_sync.sandbox.resources.metafield_model import (
    NOT_ALLOWED,
    Rows,
    foreign,
    namespace_of,
    owner_type,
    problems,
)
from shopify_sync.sandbox.resources.metafield_values import Refused, digest
from shopify_sync.sandbox.state import Record, Shop, parse_gid

SET_LIMIT = 25
_STALE = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."


def _error(path: list[str], message: str, code: str | None, element: int | None = None) -> Record:
    return {**error(path, message, code), "elementIndex": element}


@mutation("metafieldsSet")
def metafields_set(ctx: Context, args: Record) -> Record:
    """Set up to 25 metafields, all or none.

    The same namespace and key twice: both answers are given, the last stays (metafields-set-duplicate-input-parity).
    The text of the limit's error is the Admin documentation's.
    """
    inputs = args["metafields"]
    if len(inputs) > SET_LIMIT:
        message = f"Exceeded the maximum metafields input limit of {SET_LIMIT}."
        return {"metafields": None, "userErrors": [_error(["metafields"], message, "LESS_THAN_OR_EQUAL_TO")]}
    owners: dict[str, Rows] = {}
    errors: list[Record] = []
    answers: list[Record] = []
    for place, given in enumerate(inputs):
        path = ["metafields", str(place)]
        kind = owner_type(ctx, given["ownerId"])
        if kind is None:
            errors.append(_error([*path, "ownerId"], "Owner does not exist.", "INVALID_VALUE"))
            continue
        rows = owners.setdefault(given["ownerId"], Rows(ctx, given["ownerId"], kind))
        wrong, row = _set_one(ctx, rows, given, path)
        errors += wrong
        if row is not None:
            answers.append(copied(row))
    if errors:
        return {"metafields": [], "userErrors": errors}
    for gid, rows in owners.items():
        for row in rows.changed.values():
            ctx.shop.put("Metafield", row)
        if rows.changed:
            _touch(ctx.shop, gid)
    return {"metafields": answers, "userErrors": []}


def _set_one(ctx: Context, rows: Rows, given: dict[str, Any], path: list[str]) -> tuple[list[Record], Record | None]:
    namespace = namespace_of(ctx, given.get("namespace"))
    wrong = problems(ctx, given, namespace, path)
    if wrong:
        return [{**one, "elementIndex": None} for one in wrong], None
    before = copied(rows.get(namespace, given["key"]))
    try:
        row = rows.write(namespace, given["key"], given["type"], given["value"])
    except Refused as refused:
        return [_error([*path, "value"], str(refused), "INVALID_VALUE", refused.element)], None
    if "compareDigest" in given and before != row:
        expected = given["compareDigest"]
        if before is None and expected is not None:
            return [_error(path, "The compareDigest is invalid.", "INVALID_COMPARE_DIGEST")], None
        if before is not None and expected != digest(before):
            return [_error(path, _STALE, "STALE_OBJECT")], None
    return [], row


@mutation("metafieldsDelete")
def metafields_delete(ctx: Context, args: Record) -> Record:
    """Delete metafields; a missing one is a null in the answer, no error."""
    named = [(given, namespace_of(ctx, given.get("namespace"))) for given in args["metafields"]]
    if any(foreign(ctx, namespace) for _, namespace in named):
        return {"deletedMetafields": [], "userErrors": [error(["metafields"], NOT_ALLOWED)]}
    deleted: list[Record | None] = []
    for given, namespace in named:
        rows = ctx.shop.metafields_of(given["ownerId"])
        row = next((row for row in rows if (row["namespace"], row["key"]) == (namespace, given["key"])), None)
        if row is None:
            deleted.append(None)
            continue
        ctx.shop.drop("Metafield", row["id"])
        _touch(ctx.shop, given["ownerId"])
        deleted.append({"ownerId": given["ownerId"], "namespace": namespace, "key": given["key"]})
    return {"deletedMetafields": deleted, "userErrors": []}


def _touch(shop: Shop, owner_gid: str) -> None:
    """Stamp the owner, and the product of a variant.

    That a metafield write moves the owner's `updatedAt` is unverified (Admin API reference L.5).
    """
    kind, number = parse_gid(owner_gid)
    record = shop.table(kind).get(number)
    if record is None:
        return
    if kind != "Product":
        record["updatedAt"] = shop.now_iso()
        shop.put(kind, record)
    if kind in ("Product", "ProductVariant"):
        product_id = record["productId"] if kind == "ProductVariant" else number
        shop.touch_product(product_id)
        expect(shop, product_id)

"""Operations that run behind a mutation's answer: `ProductSetOperation`, `ProductDeleteOperation`.

Both are rows of the table `ProductOperation`. A set operation has done its work when the mutation answers and says
CREATED in that answer only; the next read finds it COMPLETE (recorded: product-set-async-operation-parity). A delete
operation is found ACTIVE by the first read, the product still there (recorded: product-delete-async-operation); it is
carried out before the next read of it, or `DELETE_S` seconds after it began when nobody asks.
"""

from __future__ import annotations

from datetime import timedelta

from shopify_sync.sandbox.registry import Args, Context, before_each, node, query_field
from shopify_sync.sandbox.resources.product_model import delete_product
from shopify_sync.sandbox.state import Record, Shop, iso, parse_gid

BUSY = "Another operation already in progress. Please wait until current one is finished."
SET = "ProductSetOperation"
DELETE = "ProductDeleteOperation"
DELETE_S = 2
_TABLE = "ProductOperation"
_PENDING = "PendingDelete"  # by id of the product: the operation, and when it is carried out at the latest


def finished_set(shop: Shop, product: Record | None, errors: list[Record]) -> Record:
    """Note a productSet that is done; returns what its mutation answers, an operation that has just been created."""
    row = {
        "id": shop.next_id(_TABLE),
        "kind": SET,
        "status": "COMPLETE",
        "productId": None if product is None else product["id"],
        "userErrors": errors,
    }
    shop.put(_TABLE, row)
    return node(SET, {"id": row["id"], "status": "CREATED", "product": None, "userErrors": []})


def begin_delete(shop: Shop, product: Record) -> Record:
    """Note a deletion to be carried out; returns what its mutation answers."""
    due = iso(shop.now() + timedelta(seconds=DELETE_S))
    row = {
        "id": shop.next_id(_TABLE),
        "kind": DELETE,
        "status": "CREATED",
        "productId": product["id"],
        "userErrors": [],
    }
    shop.put(_TABLE, row)
    shop.put(_PENDING, {"id": product["id"], "operationId": row["id"], "dueAt": due})
    return node(DELETE, _delete_answer(shop, row))


def deleting(shop: Shop, product_id: int) -> bool:
    """Whether a deletion of this product is under way."""
    return product_id in shop.table(_PENDING)


@before_each
def settle(shop: Shop) -> None:
    """Carry out the deletions whose time has come."""
    for pending in list(shop.table(_PENDING).values()):
        if pending["dueAt"] <= shop.now_iso():
            _finish(shop, shop.table(_TABLE)[pending["operationId"]])


@query_field("productOperation")
def product_operation(ctx: Context, args: Args) -> Record | None:
    """The operation with this gid, null when there is none."""
    try:
        kind, number = parse_gid(args["id"])
    except ValueError:
        return None
    shop = ctx.shop
    row = shop.table(_TABLE).get(number)
    if row is None or row["kind"] != kind:
        return None
    if kind == SET:
        product = shop.table("Product").get(row["productId"])
        return node(SET, {**row, "product": product})
    _advance(shop, row)
    return node(DELETE, _delete_answer(shop, shop.table(_TABLE)[number]))


def _advance(shop: Shop, row: Record) -> None:
    if row["status"] == "CREATED":
        shop.put(_TABLE, {**row, "status": "ACTIVE"})
    elif row["status"] == "ACTIVE":
        _finish(shop, row)


def _finish(shop: Shop, row: Record) -> None:
    shop.put(_TABLE, {**row, "status": "COMPLETE"})
    shop.drop(_PENDING, row["productId"])
    product = shop.table("Product").get(row["productId"])
    if product is not None:
        delete_product(shop, product)


def _delete_answer(shop: Shop, row: Record) -> Record:
    done = row["status"] == "COMPLETE"
    return {
        "id": row["id"],
        "status": row["status"],
        "product": shop.table("Product").get(row["productId"]),
        "deletedProductId": shop.gid("Product", row["productId"]) if done else None,
        "userErrors": row["userErrors"],
    }

"""`orderMarkAsPaid` and `orderCapture`. Recorded: orderMarkAsPaid-state-and-money, orderMarkAsPaid-snapshot-staging.

That an authorization is captured rather than a sale added: description of orderMarkAsPaid in the schema.
"""

from __future__ import annotations

from decimal import Decimal

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources.amounts import parse, rounded, total_of
from shopify_sync.sandbox.resources.checks import error
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.order_log import note_order
from shopify_sync.sandbox.resources.order_model import (
    add_transaction,
    archive_soon,
    find_order,
    number_in,
    save,
)
from shopify_sync.sandbox.resources.order_money import currencies_of, in_presentment, uncaptured
from shopify_sync.sandbox.resources.orders import order_missing
from shopify_sync.sandbox.state import Record


def can_mark_as_paid(order: Record) -> bool:
    """`Order.canMarkAsPaid`: not cancelled, not paid, and something is left to be paid or captured."""
    if order["cancelledAt"] is not None or order["financial"] in ("PAID", "REFUNDED", "PARTIALLY_REFUNDED"):
        return False
    sums = order["totals"]
    return parse(sums["total_outstanding"]).shop + parse(sums["total_capturable"]).shop > 0


@mutation("orderMarkAsPaid")
def order_mark_as_paid(ctx: Context, args: Record) -> Record:
    """Capture what is authorized, and record a manual sale of what is then outstanding."""
    found = find_order(ctx, args["input"]["id"])
    if found is None:
        return {"order": None, "userErrors": [order_missing()]}
    if not can_mark_as_paid(found):
        return {"order": found, "userErrors": [error(["id"], "Order cannot be marked as paid.")]}
    order = copied(found)
    outstanding = parse(order["totals"]["total_outstanding"])
    rows = order.get("transactions") or []
    for row in list(rows):
        rest = uncaptured(row, rows) if row["kind"] == "AUTHORIZATION" and row["status"] == "SUCCESS" else None
        if rest:
            add_transaction(ctx.shop, order, "CAPTURE", rest, gateway=row["gateway"], parentId=row["id"])
    if outstanding.shop > 0:
        waiting = next((row for row in rows if row["kind"] == "SALE" and row["status"] == "PENDING"), None)
        extra = {} if waiting is None else {"gateway": waiting["gateway"], "parentId": waiting["id"]}
        add_transaction(ctx.shop, order, "SALE", outstanding, **extra)
    note_order(ctx.shop, "sale_success", order)
    save(ctx.shop, order)
    archive_soon(ctx.shop, order)
    return {"order": order, "userErrors": []}


@mutation("orderCapture")
def order_capture(ctx: Context, args: Record) -> Record:
    """Capture an authorization, wholly or in part. The texts of its errors were not recorded."""
    given = args["input"]
    found = find_order(ctx, given["id"])
    if found is None:
        return {"transaction": None, "userErrors": [order_missing()]}
    money = currencies_of(found)
    if not money.same and given.get("currency") is None:
        return _refused("currency", "Currency must be specified for a multi-currency order")
    if given.get("currency") not in (None, money.presentment):
        return _refused("currency", "Currency must be the presentment currency of the order")
    rows = found.get("transactions") or []
    number = number_in(given["parentTransactionId"], "OrderTransaction")
    parent = next((row for row in rows if row["id"] == number), None)
    if parent is None or parent["kind"] != "AUTHORIZATION" or parent["status"] != "SUCCESS":
        return _refused("parentTransactionId", "Transaction is not an authorization that can be captured")
    amount = rounded(Decimal(given["amount"]), money.presentment)
    rest = uncaptured(parent, rows)
    if amount <= 0:
        return _refused("amount", "Amount must be greater than 0")
    if amount > rest.presentment:
        return _refused("amount", "Amount exceeds the authorized amount")
    order = copied(found)
    before = total_of(row for row in rows if row["kind"] == "CAPTURE" and row.get("parentId") == parent["id"])
    part = in_presentment(parent, before, amount, money)
    made = add_transaction(ctx.shop, order, "CAPTURE", part, gateway=parent["gateway"], parentId=parent["id"])
    if given.get("finalCapture", True) is not False:  # captured once, what is left of the authorization lapses
        next(row for row in order["transactions"] if row["id"] == parent["id"])["final"] = True
    note_order(ctx.shop, "capture_success", order)
    save(ctx.shop, order)
    archive_soon(ctx.shop, order)
    return {"transaction": made, "userErrors": []}


def _refused(field: str, message: str) -> Record:
    return {"transaction": None, "userErrors": [error(["input", field], message)]}

"""`orderCancel`: checked at once, carried out by a job a moment later.

Recorded: orderCancel-error-messages, order-management-cleanup, orderCustomerSet-and-Remove-error-paths-cleanup (in
progress), fulfillment-create-preconditions (a paid order without refund stays open, its fulfilment orders are closed
with their units in them, and shipped orders can't be cancelled). An unpaid one is closed as well.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from shopify_sync.sandbox.registry import Context, before_each, mutation
from shopify_sync.sandbox.resources.amounts import parse
from shopify_sync.sandbox.resources.checks import TEXT_LIMIT, error
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.fulfillment_model import close_all
from shopify_sync.sandbox.resources.order_log import note_order
from shopify_sync.sandbox.resources.order_model import TABLE, add_transaction, find_order, parts_of, save
from shopify_sync.sandbox.resources.order_money import uncaptured
from shopify_sync.sandbox.resources.orders import MISSING
from shopify_sync.sandbox.resources.refund_model import everything, make_refund
from shopify_sync.sandbox.resources.shop import PENDING_JOBS as JOBS  # by id of the order: the job, what to do, when
from shopify_sync.sandbox.state import Record, Shop, iso

CANCEL_S = 1
_SPACE = uuid.UUID("5d0c7a52-3f5b-4b0e-9a4e-2f3f3f5f7a11")


@mutation("orderCancel")
def order_cancel(ctx: Context, args: Record) -> Record:
    """Begin a cancellation; `userErrors` is the deprecated list of the same errors."""
    found = find_order(ctx, args["orderId"])
    wrong = _problem(ctx.shop, found, args)
    if wrong is not None or found is None:
        return {"job": None, "orderCancelUserErrors": [wrong], "userErrors": [wrong]}
    job = f"gid://shopify/Job/{uuid.uuid5(_SPACE, str(ctx.shop.next_id('Job')))}"
    ctx.shop.put(
        JOBS,
        {
            "id": found["id"],
            "job": job,
            "dueAt": iso(ctx.shop.now() + timedelta(seconds=CANCEL_S)),
            "byMerchant": ctx.shop.merchant_acts,
            "reason": args["reason"],
            "restock": args["restock"],
            "refund": bool(args.get("refund") or (args.get("refundMethod") or {}).get("originalPaymentMethodsRefund")),
            "staffNote": args.get("staffNote"),
        },
    )
    return {"job": {"id": job, "done": False}, "orderCancelUserErrors": [], "userErrors": []}


def _problem(shop: Shop, order: Record | None, args: Record) -> Record | None:
    if order is None:
        return error(["orderId"], MISSING, "NOT_FOUND")
    if len(args.get("staffNote") or "") > TEXT_LIMIT:
        return error(["staffNote"], f"Staff note is too long. Maximum length is {TEXT_LIMIT} characters.", "INVALID")
    method = args.get("refundMethod") or {}
    if args.get("refund") is not None and args.get("refundMethod") is not None:
        message = "Only one of the arguments `refund` or `refund_method` is allowed."
        return error(["refund"], message, "INVALID")
    if method.get("storeCreditRefund") is not None:  # the text was not recorded
        if order.get("customerId") is None:
            message = "Store credit can only be refunded to a customer"
            return error(["refundMethod"], message, "STORE_CREDIT_REFUND_MISSING_CUSTOMER")
        message = "The app may not refund to store credit"
        return error(["refundMethod"], message, "NO_REFUND_TO_STORE_CREDIT_PERMISSION")
    if order["cancelledAt"] is not None:
        return error(["orderId"], "Cannot cancel an order that has already been canceled", "INVALID")
    if order["id"] in shop.table(JOBS):
        return error(None, "Cancellation is already in progress", "INVALID")
    shipped = any(row["status"] == "SUCCESS" for row in parts_of(shop, order, "fulfillmentIds"))
    if shipped and order.get("transactions"):  # recorded: of unpaid ones it is accepted (order-return-status-lifecycle)
        return error(["orderId"], "Cannot cancel an order that has outstanding fulfillments", "INVALID")
    return None


@before_each
def settle(shop: Shop) -> None:
    """Carry out the cancellations whose time has come; a job comes to nothing where a return is under way.

    Source: description of orderCancel, "no active returns in progress"; that it is accepted first was recorded.
    """
    pending = shop.table(JOBS)
    if not pending:
        return
    now = shop.now_iso()
    for row in list(pending.values()):
        if row["dueAt"] <= now:
            shop.drop(JOBS, row["id"])
            order = shop.table(TABLE).get(row["id"])
            if order is not None and not any(each["status"] == "OPEN" for each in parts_of(shop, order, "returnIds")):
                carry_out(shop, copied(order), row)


def carry_out(shop: Shop, order: Record, row: Record) -> None:
    """Cancel: void authorizations, refund if asked, close fulfilment orders, give stock back if asked."""
    by_merchant, shop.merchant_acts = shop.merchant_acts, bool(row["byMerchant"])
    rows = order.get("transactions") or []
    for each in list(rows):
        rest = uncaptured(each, rows) if each["kind"] == "AUTHORIZATION" and each["status"] == "SUCCESS" else None
        if rest:
            add_transaction(shop, order, "VOID", rest, gateway=each["gateway"], parentId=each["id"])
    if row["refund"]:
        wanted = everything(order, "CANCEL" if row["restock"] else "NO_RESTOCK")
        if wanted.payments:
            make_refund(shop, order, wanted)
    close_all(shop, order, restock=row["restock"])
    order["cancelledAt"] = shop.now_iso()
    order["cancelReason"] = row["reason"]
    if row["staffNote"]:
        order["staffNote"] = row["staffNote"]
    note_order(shop, "cancelled", order)
    save(shop, order, financial=bool(rows))
    if parse(order["totals"]["net_payment"]).shop <= 0 and order["closedAt"] is None:
        order["closedAt"] = order["cancelledAt"]
        shop.put(TABLE, order)
    shop.merchant_acts = by_merchant

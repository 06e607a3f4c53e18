"""`fulfillmentCreate`, `fulfillmentCancel`, `fulfillmentTrackingInfoUpdate`, and holds of fulfilment orders.

Recorded: fulfillment-create-preconditions, fulfillment-create-invalid-id, fulfillment-cancel-parity,
fulfillment-multi-tracking-info, fulfillment-unknown-not-found. Texts of the holds' errors were not recorded.
"""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context, TopLevelError, mutation
from shopify_sync.sandbox.resources.checks import error
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.fulfillment_model import (
    FULFILLABLE,
    fulfill,
    new_fulfillment_order,
    stamp,
    tracking,
    unfulfill,
)
from shopify_sync.sandbox.resources.order_log import note_order
from shopify_sync.sandbox.resources.order_model import archive_soon, find_part, number_in, reopen, save
from shopify_sync.sandbox.state import Record

_MISSING = "Fulfillment order does not exist."
HOLDS = 10  # Shopify docs: an app may place up to 10 holds on a fulfilment order
_REASONS = {
    "AWAITING_PAYMENT": "Awaiting payment",
    "AWAITING_RETURN_ITEMS": "Awaiting return items",
    "HIGH_RISK_OF_FRAUD": "High risk of fraud",
    "INCORRECT_ADDRESS": "Incorrect address",
    "INVENTORY_OUT_OF_STOCK": "Inventory out of stock",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL": "Post-purchase offer",
    "OTHER": "Other",
    "UNKNOWN_DELIVERY_DATE": "Unknown delivery date",
}


class _Refused(Exception):
    """The input can't be carried out; `row` is the user error."""

    def __init__(self, field: list[str], message: str) -> None:
        super().__init__(message)
        self.row = error(field, message)


@mutation("fulfillmentCreate")
def fulfillment_create(ctx: Context, args: Record) -> Record:
    """Fulfil what is named, or all that remains of a fulfilment order. Raises `TopLevelError` for a line id of
    nothing."""
    given = args["fulfillment"]
    try:
        order, wanted = _wanted(ctx, given["lineItemsByFulfillmentOrder"])
    except _Refused as refused:
        return {"fulfillment": None, "userErrors": [refused.row]}
    made = fulfill(
        ctx.shop,
        order,
        wanted,
        tracking=tracking(given.get("trackingInfo")),
        originAddress=given.get("originAddress"),
    )
    note_order(ctx.shop, "fulfillment_success", order)
    archive_soon(ctx.shop, save(ctx.shop, order, financial=False))
    return {"fulfillment": made, "userErrors": []}


def _wanted(ctx: Context, groups: list[dict[str, Any]]) -> tuple[Record, list[tuple[Record, Record, int]]]:
    found: list[tuple[Record, Record, int]] = []
    order: Record | None = None
    for place, group in enumerate(groups):
        gid = group["fulfillmentOrderId"]
        if number_in(gid, "FulfillmentOrder") is None or number_in(gid, "FulfillmentOrder") == 0:
            raise TopLevelError("invalid id", "RESOURCE_NOT_FOUND")
        parts = find_part(ctx, gid, "FulfillmentOrder")
        if parts is None:
            raise _Refused(["fulfillment"], _MISSING)
        owner, its_order = copied(parts[0]), parts[1]
        if order is not None and its_order["id"] != order["id"]:
            raise _Refused(["fulfillment"], "Fulfillment orders must belong to the same order.")
        order = order or copied(its_order)
        if owner["status"] not in FULFILLABLE:
            state = owner["status"].lower()
            message = f"Fulfillment order {owner['id']} has an unfulfillable status= {state}."
            raise _Refused(["fulfillment"], message)
        path = ["fulfillment", "lineItemsByFulfillmentOrder", str(place), "fulfillmentOrderLineItems"]
        found += _rows(owner, group.get("fulfillmentOrderLineItems"), path)
    if order is None or not found:
        raise _Refused(["fulfillment"], "Fulfillment must have at least one line item.")
    return order, found


def _rows(owner: Record, given: list[dict[str, Any]] | None, path: list[str]) -> list[tuple[Record, Record, int]]:
    if not given:
        return [(owner, row, row["remaining"]) for row in owner["lines"] if row["remaining"]]
    found = []
    for place, each in enumerate(given):
        if each["quantity"] <= 0:
            raise _Refused([*path, str(place), "quantity"], "Quantity must be greater than 0")
        number = number_in(each["id"], "FulfillmentOrderLineItem")
        row = next((row for row in owner["lines"] if row["id"] == number), None)
        if row is None:
            raise TopLevelError("invalid id", "RESOURCE_NOT_FOUND")
        if each["quantity"] > row["remaining"]:
            raise _Refused(["fulfillment"], "Invalid fulfillment order line item quantity requested.")
        found.append((owner, row, each["quantity"]))
    return found


@mutation("fulfillmentCancel")
def fulfillment_cancel(ctx: Context, args: Record) -> Record:
    """Undo a fulfilment; a closed order is open again (fulfillment-cancel-parity)."""
    parts = find_part(ctx, args["id"], "Fulfillment")
    if parts is None:
        return {"fulfillment": None, "userErrors": [error(["id"], "Fulfillment not found.")]}
    if parts[0]["status"] == "CANCELLED":  # the text was not recorded
        return {"fulfillment": parts[0], "userErrors": [error(["id"], "Fulfillment is already cancelled.")]}
    record, order = copied(parts[0]), copied(parts[1])
    unfulfill(ctx.shop, order, record)
    reopen(order)
    note_order(ctx.shop, "fulfillment_cancelled", order)
    save(ctx.shop, order, financial=False)
    return {"fulfillment": record, "userErrors": []}


@mutation("fulfillmentTrackingInfoUpdate")
def fulfillment_tracking_info_update(ctx: Context, args: Record) -> Record:
    """Replace the tracking of a fulfilment; the order's `updatedAt` moves with it (fulfillment-cancel-parity)."""
    parts = find_part(ctx, args["fulfillmentId"], "Fulfillment")
    if parts is None:
        return {"fulfillment": None, "userErrors": [error(["fulfillmentId"], "Fulfillment does not exist.")]}
    record = {**parts[0], "tracking": tracking(args["trackingInfoInput"]), "updatedAt": ctx.shop.now_iso()}
    ctx.shop.put("Fulfillment", record)
    save(ctx.shop, copied(parts[1]), financial=False)
    return {"fulfillment": record, "userErrors": []}


@mutation("fulfillmentOrderHold")
def fulfillment_order_hold(ctx: Context, args: Record) -> Record:
    """Put a fulfilment order, or some units of it, on hold. The order's own `updatedAt` does not move."""
    given = args["fulfillmentHold"]
    nothing: Record = {"fulfillmentHold": None, "fulfillmentOrder": None, "remainingFulfillmentOrder": None}
    parts = find_part(ctx, args["id"], "FulfillmentOrder")
    if parts is None:
        return {**nothing, "userErrors": [error(["id"], _MISSING, "FULFILLMENT_ORDER_NOT_FOUND")]}
    record, order = copied(parts[0]), copied(parts[1])
    wrong = _hold_problem(record, given)
    if wrong is not None:
        return {**nothing, "userErrors": [wrong]}
    rest = _part_off(ctx, order, record, given.get("fulfillmentOrderLineItems") or [])
    hold: Record = {
        "id": ctx.shop.next_id("FulfillmentHold"),
        "reason": given["reason"],
        "reasonNotes": given.get("reasonNotes"),
        "handle": given.get("handle") or "",
        "displayReason": _REASONS[given["reason"]],
        "heldByRequestingApp": True,
    }
    record.setdefault("holds", []).append(hold)
    record["status"] = "ON_HOLD"
    stamp(ctx.shop, record)
    save(ctx.shop, order, touch=False, financial=False)
    return {
        "fulfillmentHold": hold,
        "fulfillmentOrder": record,
        "remainingFulfillmentOrder": rest,
        "userErrors": [],
    }


def _hold_problem(record: Record, given: dict[str, Any]) -> Record | None:
    holds = record.get("holds") or []
    if record["status"] not in ("OPEN", "ON_HOLD"):
        message = f"Fulfillment order {record['id']} can't be held in status {record['status'].lower()}."
        return error(["id"], message, "FULFILLMENT_ORDER_NOT_SPLITTABLE")
    if any(hold["handle"] == (given.get("handle") or "") for hold in holds):
        message = "The handle is already used by a hold of this fulfillment order."
        return error(["fulfillmentHold", "handle"], message, "DUPLICATE_FULFILLMENT_HOLD_HANDLE")
    if len(holds) >= HOLDS:
        message = f"A fulfillment order can have at most {HOLDS} holds."
        return error(["id"], message, "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
    seen: set[str] = set()
    for place, each in enumerate(given.get("fulfillmentOrderLineItems") or []):
        path = ["fulfillmentHold", "fulfillmentOrderLineItems", str(place)]
        row = _row(record, each["id"])
        if each["id"] in seen:
            message = "Fulfillment order line items must be unique."
            return error([*path, "id"], message, "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")
        seen.add(each["id"])
        if each["quantity"] <= 0:
            return error([*path, "quantity"], "Quantity must be greater than 0", "GREATER_THAN_ZERO")
        if row is None or each["quantity"] > row["remaining"]:
            return error([*path, "quantity"], "Invalid line item quantity.", "INVALID_LINE_ITEM_QUANTITY")
    return None


def _row(record: Record, gid: str) -> Record | None:
    number = number_in(gid, "FulfillmentOrderLineItem")
    return next((row for row in record["lines"] if row["id"] == number), None)


def _part_off(ctx: Context, order: Record, record: Record, given: list[dict[str, Any]]) -> Record | None:
    """Leave the named units in the fulfilment order and move the others to a new one, if there are any."""
    if not given:
        return None
    held = {number_in(each["id"], "FulfillmentOrderLineItem"): each["quantity"] for each in given}
    others = []
    for row in record["lines"]:
        spare = row["remaining"] - held.get(row["id"], 0)
        if spare:
            row["remaining"] -= spare
            row["total"] -= spare
            fresh = {**row, "id": ctx.shop.next_id("FulfillmentOrderLineItem"), "total": spare, "remaining": spare}
            others.append(fresh)
    record["lines"] = [row for row in record["lines"] if row["total"]]
    if not others:
        return None
    rest = new_fulfillment_order(ctx.shop, order, record["locationId"])
    rest["lines"] = others
    return ctx.shop.put("FulfillmentOrder", rest)


@mutation("fulfillmentOrderReleaseHold")
def fulfillment_order_release_hold(ctx: Context, args: Record) -> Record:
    """Take holds away, all when none is named; without holds it is open. The order's `updatedAt` does not move."""
    parts = find_part(ctx, args["id"], "FulfillmentOrder")
    if parts is None:
        row = error(["id"], _MISSING, "FULFILLMENT_ORDER_NOT_FOUND")
        return {"fulfillmentOrder": None, "userErrors": [row]}
    record, order = copied(parts[0]), copied(parts[1])
    named = args.get("holdIds")
    numbers = None if named is None else {number_in(gid, "FulfillmentHold") for gid in named}
    kept = [hold for hold in record.get("holds") or [] if numbers is not None and hold["id"] not in numbers]
    record["holds"] = kept
    if not kept and record["status"] == "ON_HOLD":
        record["status"] = "OPEN"
    stamp(ctx.shop, record)
    save(ctx.shop, order, touch=False, financial=False)
    return {"fulfillmentOrder": record, "userErrors": []}


@mutation("fulfillmentOrderReportProgress")
def fulfillment_order_report_progress(ctx: Context, args: Record) -> Record:
    """Say that the work has begun; here the order's `updatedAt` moves (fulfillment-create-preconditions)."""
    parts = find_part(ctx, args["id"], "FulfillmentOrder")
    if parts is None:
        row = error(["id"], _MISSING, "FULFILLMENT_ORDER_NOT_FOUND")
        return {"fulfillmentOrder": None, "userErrors": [row]}
    record, order = copied(parts[0]), copied(parts[1])
    if record["status"] not in FULFILLABLE:  # the text was not recorded
        message = f"Fulfillment order {record['id']} has an invalid status= {record['status'].lower()}."
        return {"fulfillmentOrder": record, "userErrors": [error(["id"], message, "FULFILLMENT_ORDER_STATUS_INVALID")]}
    record["status"] = "IN_PROGRESS"
    stamp(ctx.shop, record)
    save(ctx.shop, order, financial=False)
    return {"fulfillmentOrder": record, "userErrors": []}

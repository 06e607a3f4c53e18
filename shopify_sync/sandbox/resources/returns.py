"""Returns: created, or requested and then approved or declined; closed, reopened, cancelled.

Recorded: return-quantity-validation, return-reason-validation, return-customer-note-recorded,
order-return-status-lifecycle, returnClose-Reopen-Cancel-state-preconditions (none moves the order's `updatedAt`).
What comes back in a return is refunded by `refundCreate` with restock type RETURN.
"""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources.checks import error
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.order_model import find_order, find_part, number_in, parts_of, save
from shopify_sync.sandbox.state import Record, Shop

Given = dict[str, Any]
# Recorded: return-reason-validation, the first ten of `returnReasonDefinitions`. By the enum's value: id, name, handle.
REASONS = {
    "UNKNOWN": (1, "Unknown", "unknown"),
    "UNWANTED": (2, "Changed my mind", "changed-my-mind"),
    "NOT_AS_DESCRIBED": (3, "Item not as described", "item-not-as-described"),
    "WRONG_ITEM": (4, "Received the wrong item", "received-the-wrong-item"),
    "OTHER": (5, "Other", "other-reason"),
    "DEFECTIVE": (6, "Damaged or defective", "damaged-or-defective"),
    "SIZE_TOO_SMALL": (7, "Too small", "too-small"),
    "SIZE_TOO_LARGE": (8, "Too big", "too-big"),
    "STYLE": (9, "Style", "style"),
    "COLOR": (10, "Color", "color"),
}
_BY_ID = {row[0]: reason for reason, row in REASONS.items()}
_NEITHER = "Return line items Either return reason or return reason definition must be provided"
_NOTE = 'Return line items return reason note The note is required when the return reason is "Other"'
_STATE = "Return status is invalid."
_HOLDING = ("OPEN", "REQUESTED", "CLOSED")  # returns in these states take up units


def reason_definition(reason: str) -> Record:
    """The `ReturnReasonDefinition` of a reason."""
    number, name, handle = REASONS[reason]
    return {"id": number, "name": name, "handle": handle, "deleted": False}


def returnable_units(shop: Shop, order: Record, part: Record) -> int:
    """Units of a fulfilment line that no return has taken up."""
    taken = 0
    for record in parts_of(shop, order, "returnIds"):
        if record["status"] in _HOLDING:
            taken += sum(row["quantity"] for row in record["lines"] if row["fulfillmentLineId"] == part["id"])
    return int(part["quantity"] - taken)


@mutation("returnCreate")
def return_create(ctx: Context, args: Record) -> Record:
    """Open a return of fulfilled units."""
    given = args["returnInput"]
    return _begin(ctx, given, "returnInput", "OPEN")


@mutation("returnRequest")
def return_request(ctx: Context, args: Record) -> Record:
    """Ask for a return; it waits for approval."""
    return _begin(ctx, args["input"], "input", "REQUESTED")


def _begin(ctx: Context, given: Given, root: str, status: str) -> Record:
    order = find_order(ctx, given["orderId"])
    if order is None:
        return _answer(error([root, "orderId"], "Order does not exist", "NOT_FOUND"))
    if given.get("exchangeLineItems"):
        return _answer(error([root, "exchangeLineItems"], "Exchanges are not enabled", "FEATURE_NOT_ENABLED"))
    if given.get("returnShippingFee") or any(row.get("restockingFee") for row in given["returnLineItems"]):
        return _answer(error([root], "Return fees are not enabled", "FEATURE_NOT_ENABLED"))
    if not given["returnLineItems"]:
        return _answer(error([root, "returnLineItems"], "Return line items can't be blank", "BLANK"))
    wrong: list[Record] = []
    lines = []
    asked: dict[int, int] = {}
    for place, row in enumerate(given["returnLineItems"]):
        found = _line(ctx, order, row, [root, "returnLineItems", str(place)], asked)
        if "message" in found:
            wrong.append(found)
        lines.append(found)
    if wrong:
        return _answer(*wrong)
    number = len(order.get("returnIds") or ()) + 1
    now = ctx.shop.now_iso()
    record: Record = {
        "id": ctx.shop.next_id("Return"),
        "orderId": order["id"],
        "name": f"{order['name']}-R{number}",
        "status": status,
        "createdAt": now,
        "closedAt": None,
        "requestApprovedAt": now if status == "OPEN" else None,
        "lines": [{"id": ctx.shop.next_id("ReturnLineItem"), **line} for line in lines],
    }
    ctx.shop.put("Return", record)
    fresh = copied(order)
    fresh.setdefault("returnIds", []).append(record["id"])
    save(ctx.shop, fresh, touch=False, financial=False)
    return {"return": record, "userErrors": []}


def _answer(*wrong: Record) -> Record:
    return {"return": None, "userErrors": list(wrong)}


def _line(ctx: Context, order: Record, row: Given, path: list[str], asked: dict[int, int]) -> Record:
    """A line of the return, or the user error."""
    number = number_in(row["fulfillmentLineItemId"], "FulfillmentLineItem")
    parts = [
        part
        for record in parts_of(ctx.shop, order, "fulfillmentIds")
        if record["status"] == "SUCCESS"
        for part in record["lines"]
        if part["id"] == number
    ]
    if not parts:
        return error([*path, "fulfillmentLineItemId"], "Fulfillment Line Item was not found.", "NOT_FOUND")
    part = parts[0]
    asked[part["id"]] = asked.get(part["id"], 0) + row["quantity"]
    if row["quantity"] <= 0 or asked[part["id"]] > returnable_units(ctx.shop, order, part):
        return error([*path, "quantity"], "Return line item has an invalid quantity.", "INVALID")
    definition = number_in(row.get("returnReasonDefinitionId"), "ReturnReasonDefinition")
    reason = row.get("returnReason") or _BY_ID.get(definition or 0)
    asking = path[0] == "input"
    if reason is None:
        if asking:
            return error([*path, "returnReason"], "Return reason can't be blank", "BLANK")
        return error(path, _NEITHER, "NOT_FOUND")
    note = row.get("returnReasonNote") or ""
    if not asking and row.get("returnReason") == "OTHER" and not note.strip():
        return error([*path, "returnReasonNote"], _NOTE, "BLANK")
    made: Record = {"fulfillmentLineId": part["id"], "quantity": row["quantity"], "reason": reason, "note": note}
    return {**made, "customerNote": row["customerNote"]} if row.get("customerNote") else made


def _moved(ctx: Context, gid: str, path: list[str], allowed: dict[str, str], refusal: str = _STATE) -> Record:
    """Bring a return into another state; in the state that it is to have, it stays as it is (recorded)."""
    parts = find_part(ctx, gid, "Return")
    if parts is None:
        return _answer(error(path, "Return not found.", "NOT_FOUND"))
    record, order = copied(parts[0]), copied(parts[1])
    if record["status"] in allowed.values():
        return {"return": parts[0], "userErrors": []}
    wanted = allowed.get(record["status"])
    if wanted is None:
        return _answer(error(path, refusal, "INVALID_STATE"))
    if record["status"] == "REQUESTED" and wanted == "OPEN":
        record["requestApprovedAt"] = ctx.shop.now_iso()
    record["status"] = wanted
    record["closedAt"] = ctx.shop.now_iso() if wanted == "CLOSED" else None
    ctx.shop.put("Return", record)
    save(ctx.shop, order, touch=False, financial=False)
    return {"return": record, "userErrors": []}


@mutation("returnClose")
def return_close(ctx: Context, args: Record) -> Record:
    return _moved(ctx, args["id"], ["id"], {"OPEN": "CLOSED"})


@mutation("returnReopen")
def return_reopen(ctx: Context, args: Record) -> Record:
    return _moved(ctx, args["id"], ["id"], {"CLOSED": "OPEN"})


@mutation("returnCancel")
def return_cancel(ctx: Context, args: Record) -> Record:
    """Only an open one, of which nothing was processed."""
    return _moved(ctx, args["id"], ["id"], {"OPEN": "CANCELED"}, "Return is not cancelable.")


@mutation("returnApproveRequest")
def return_approve_request(ctx: Context, args: Record) -> Record:
    return _moved(ctx, args["input"]["id"], ["input", "id"], {"REQUESTED": "OPEN"})


@mutation("returnDeclineRequest")
def return_decline_request(ctx: Context, args: Record) -> Record:
    given = args["input"]
    answer = _moved(ctx, given["id"], ["input", "id"], {"REQUESTED": "DECLINED"})
    record = answer["return"]
    if record is not None and record["status"] == "DECLINED":
        record["decline"] = {"reason": given["declineReason"], "note": given.get("declineNote") or ""}
        ctx.shop.put("Return", record)
    return answer

"""Editing an order: begin, set quantities, add variants, commit.

Recorded: order-edit-commit-history-and-fulfillment-orders, order-edit-money-math,
order-edit-existing-order-zero-removal, orderEdit-quantity-validation, order-edit-existing-order-validation. What stages
a change does not touch the order; the calculated order shows a private copy with all staged changes.
"""

from __future__ import annotations

import uuid
from decimal import Decimal

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources.amounts import parse
from shopify_sync.sandbox.resources.checks import error, find
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.fulfillment_model import assign, extend, release
from shopify_sync.sandbox.resources.order_input import line_from_variant
from shopify_sync.sandbox.resources.order_log import note_order
from shopify_sync.sandbox.resources.order_model import TABLE, archive_soon, find_order, line_of, save, seen
from shopify_sync.sandbox.resources.order_money import currencies_of, current_quantity
from shopify_sync.sandbox.resources.orders import order_missing
from shopify_sync.sandbox.state import Record, parse_gid

SESSIONS = "CalculatedOrder"  # id orderId quantities{line id: count} restock[line ids] added[lines with `key`]
_SPACE = uuid.UUID("8c1d7a0e-2f36-4d7e-8a56-6a2f9f6f0b0d")
_GONE = "The calculated order does not exist."


def edit_problems(order: Record) -> list[str]:
    """`merchantEditableErrors`: why an order can't be edited; source: description of `merchantEditable`."""
    return ["Cancelled orders can't be edited"] if order["cancelledAt"] is not None else []


@mutation("orderEditBegin")
def order_edit_begin(ctx: Context, args: Record) -> Record:
    """Open a session; an order may have several at once."""
    order = find_order(ctx, args["id"])
    wrong = [order_missing()] if order is None else [error(["id"], text) for text in edit_problems(order)]
    if wrong or order is None:
        return {"calculatedOrder": None, "orderEditSession": None, "userErrors": wrong}
    number = ctx.shop.next_id(SESSIONS)
    row: Record = {"id": number, "orderId": order["id"], "quantities": {}, "restock": [], "added": []}
    ctx.shop.put(SESSIONS, row)
    return _answer(ctx, row, None)


def _answer(ctx: Context, row: Record, line_key: str | None) -> Record:
    shown = calculated(ctx, row)
    line = None
    if line_key is not None:
        line = next(each for each in [*shown["lines"], *shown["addedLines"]] if each["key"] == line_key)
    session = {"id": f"gid://shopify/OrderEditSession/{row['id']}"}
    return {"calculatedOrder": shown, "calculatedLineItem": line, "orderEditSession": session, "userErrors": []}


def calculated(ctx: Context, row: Record) -> Record:
    """The order as it would be: `order` a private copy with the changes, its lines, and the added ones apart."""
    original = ctx.shop.table(TABLE)[row["orderId"]]
    order = edited(original, row)
    known = {line["id"] for line in original["lines"]}
    restocked = set(row["restock"])
    lines = []
    for line in order["lines"]:
        key = line.get("key") or str(line["id"])
        rest = {
            "key": key,
            "order": order,
            "restocking": line["id"] in restocked,
            "before": line_of(original, line["id"]),
        }
        lines.append({**line, **rest})
    return {
        "id": row["id"],
        "original": original,
        "order": order,
        "lines": [line for line in lines if line["id"] in known],
        "addedLines": [line for line in lines if line["id"] not in known],
    }


def edited(original: Record, row: Record) -> Record:
    """A copy of the order with a session's changes to its lines."""
    order: Record = copied(original)
    money = currencies_of(order)
    for number, wanted in row["quantities"].items():
        line = line_of(order, int(number))
        if line is None:
            continue
        more = wanted - current_quantity(line)
        if more < 0:
            line["edited"] = line.get("edited", 0) - more
            continue
        for tax in line.get("taxes") or ():  # more units at the same rate
            amount = parse(tax["amount"])
            factor = Decimal(line["quantity"] + more) / line["quantity"]
            tax["amount"] = money.text(money.bag(amount.shop * factor, amount.presentment * factor))
        line["quantity"] += more
    for line in row["added"]:
        order["lines"].append(copied(line))
    return order


def _session(ctx: Context, gid: str) -> Record | None:
    row = ctx.shop.find(gid, SESSIONS)
    order = None if row is None else seen(ctx, ctx.shop.table(TABLE).get(row["orderId"]))
    return None if order is None else copied(row)


def _refused(*rows: Record) -> Record:
    return {"calculatedOrder": None, "calculatedLineItem": None, "orderEditSession": None, "userErrors": list(rows)}


@mutation("orderEditSetQuantity")
def order_edit_set_quantity(ctx: Context, args: Record) -> Record:
    """Stage a new quantity; fulfilled units can't be taken off (`editableQuantity` in the schema)."""
    row = _session(ctx, args["id"])
    if row is None:
        return _refused(error(["id"], _GONE))
    if args["quantity"] < 0:
        return _refused(error(["quantity"], "must be greater than or equal to 0"))
    key = args["lineItemId"].rpartition("/")[2]
    added = next((line for line in row["added"] if line["key"] == key), None)
    original = ctx.shop.table(TABLE)[row["orderId"]]
    line = line_of(original, int(key)) if key.isdigit() else added
    if line is None:  # the text was not recorded
        return _refused(error(["lineItemId"], "The line item does not exist."))
    if args["quantity"] < line.get("fulfilled", 0) - line.get("returned", 0):
        return _refused(error(["quantity"], "can't be less than the fulfilled quantity"))
    if added is not None:
        added["quantity"] = args["quantity"]
    else:
        row["quantities"][key] = args["quantity"]
        row["restock"] = [number for number in row["restock"] if number != line["id"]]
        if args.get("restock"):
            row["restock"].append(line["id"])
    ctx.shop.put(SESSIONS, row)
    return _answer(ctx, row, key)


@mutation("orderEditAddVariant")
def order_edit_add_variant(ctx: Context, args: Record) -> Record:
    """Stage a new line for a variant at its present price."""
    row = _session(ctx, args["id"])
    if row is None:
        return _refused(error(["id"], _GONE))
    wrong = []
    if args["quantity"] <= 0:
        wrong.append(error(["quantity"], "must be greater than 0"))
    if args["quantity"] < 0:
        wrong.append(error(["quantity"], "must be greater than or equal to 0"))
    if wrong:
        return _refused(*wrong)
    if _number(args["variantId"]) == 0:
        message = "can't convert Integer[0] to a positive Integer to use as an untrusted id"
        return _refused(error(["variantId"], message))
    variant = find(ctx.shop, "ProductVariant", args["variantId"])
    if variant is None:  # the text was not recorded
        return _refused(error(["variantId"], "The variant does not exist."))
    original = ctx.shop.table(TABLE)[row["orderId"]]
    fresh = line_from_variant(ctx, variant)
    present = {line.get("variantId") for line in [*edited(original, row)["lines"]] if current_quantity(line)}
    if not args.get("allowDuplicates") and variant["id"] in present:
        message = f"{fresh['title']} was not added because it's already on the order."
        return _refused(error(["id"], message))
    money = currencies_of(original)
    number = ctx.shop.next_id("LineItem")
    key = str(uuid.uuid5(_SPACE, str(number)))
    line = {
        "id": number,
        "orderId": original["id"],
        "key": key,
        "quantity": args["quantity"],
        "price": money.text(money.bag(Decimal(variant["price"]))),
        **fresh,
    }
    row["added"].append(line)
    ctx.shop.put(SESSIONS, row)
    return _answer(ctx, row, key)


def _number(gid: str) -> int | None:
    try:
        return parse_gid(gid)[1]
    except ValueError:
        return None


@mutation("orderEditCommit")
def order_edit_commit(ctx: Context, args: Record) -> Record:
    """Write the staged changes to the order; the session is over."""
    row = _session(ctx, args["id"])
    if row is None:
        return {"order": None, "successMessages": [], "userErrors": [error(["id"], _GONE)]}
    shop = ctx.shop
    original = shop.table(TABLE)[row["orderId"]]
    wrong = [error(["id"], text) for text in edit_problems(original)]
    if wrong:
        return {"order": None, "successMessages": [], "userErrors": wrong}
    order = edited(original, row)
    for line in original["lines"]:
        fresh = line_of(order, line["id"])
        assert fresh is not None
        more = current_quantity(fresh) - current_quantity(line)
        if more < 0:
            release(shop, order, line, -more, restock=line["id"] in row["restock"])
        elif more > 0:
            extend(shop, order, line, more)
    added = order["lines"][len(original["lines"]) :]
    for line in added:
        line.pop("key")
    order["lines"] = [line for line in order["lines"] if line["quantity"]]
    added = [line for line in added if line["quantity"]]
    if added:
        assign(shop, order, added, claim=True)
    order["edited"] = True
    shop.drop(SESSIONS, row["id"])
    note_order(shop, "edited", order)
    save(shop, order)
    archive_soon(shop, order)
    return {"order": order, "successMessages": ["Order updated"], "userErrors": []}

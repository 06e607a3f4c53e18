"""The fields of fulfilment orders, fulfilments, refunds and returns that are more than a key of their record."""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Args, Context, Page, connection, field
from shopify_sync.sandbox.resources.amounts import parse, total_of
from shopify_sync.sandbox.resources.order_filters import grams
from shopify_sync.sandbox.resources.order_model import TABLE, line_of
from shopify_sync.sandbox.resources.order_money import currencies_of, net_of_units
from shopify_sync.sandbox.resources.order_states import ENDED
from shopify_sync.sandbox.resources.read_order_lines import line_discounts
from shopify_sync.sandbox.resources.read_order_money import bag
from shopify_sync.sandbox.resources.returns import reason_definition
from shopify_sync.sandbox.state import Record

_SHOP_PLACE = {"name": "Shop location", "countryCode": "US"}  # of a shop whose locations are not served


def _order(ctx: Context, raw: Record, args: Args) -> Record:
    return ctx.shop.table(TABLE)[raw["orderId"]]


for _type in ("FulfillmentOrder", "Fulfillment", "Refund", "Return"):
    field(_type, "order")(_order)


def _line(ctx: Context, raw: Record, args: Args) -> Record | None:
    return line_of(ctx.shop.table(TABLE)[raw["orderId"]], raw["lineId"])


for _type in ("FulfillmentOrderLineItem", "FulfillmentLineItem", "RefundLineItem"):
    field(_type, "lineItem")(_line)


def _location(ctx: Context, raw: Record, args: Args) -> Record | None:
    return ctx.shop.table("Location").get(raw.get("locationId") or 0)


for _type in ("Fulfillment", "RefundLineItem", "FulfillmentOrderAssignedLocation"):
    field(_type, "location")(_location)


def _rows(raw: Record, key: str = "lines") -> list[Record]:
    """The parts of a record, each with its order's id."""
    return [{**row, "orderId": raw["orderId"]} for row in raw.get(key) or ()]


# -- fulfilment orders


@field("FulfillmentOrder", "lineItems")
def fulfillment_order_lines(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(_rows(raw), args)


@field("FulfillmentOrder", "fulfillmentHolds")
def holds(ctx: Context, raw: Record, args: Args) -> list[Record]:
    return raw.get("holds") or []


@field("FulfillmentOrder", "orderId")
def fulfillment_order_order_id(ctx: Context, raw: Record, args: Args) -> str:
    return ctx.shop.gid(TABLE, raw["orderId"])


@field("FulfillmentOrder", "orderName")
def fulfillment_order_order_name(ctx: Context, raw: Record, args: Args) -> Any:
    return _order(ctx, raw, args)["name"]


@field("FulfillmentOrder", "orderProcessedAt")
def fulfillment_order_processed_at(ctx: Context, raw: Record, args: Args) -> Any:
    return _order(ctx, raw, args)["processedAt"]


@field("FulfillmentOrder", "assignedLocation")
def assigned_location(ctx: Context, raw: Record, args: Args) -> Record:
    """The location as it is now; Shopify keeps what it was once the work has begun."""
    place = ctx.shop.table("Location").get(raw["locationId"] or 0)
    if place is None:
        return {**_SHOP_PLACE, "locationId": None}
    held = place.get("address")
    address: Record = held if isinstance(held, dict) else place
    keys = ("address1", "address2", "city", "phone", "province", "zip")
    return {
        "locationId": place["id"],
        "name": place["name"],
        "countryCode": address.get("countryCode") or "US",
        **{key: address.get(key) for key in keys},
    }


@field("FulfillmentOrder", "destination")
def destination(ctx: Context, raw: Record, args: Args) -> Record | None:
    order = _order(ctx, raw, args)
    address = order.get("shippingAddress")
    if not address:
        return None
    own = {"id": raw["id"], "email": order["email"], "countryCode": address.get("countryCodeV2")}
    return {**address, **own}


@field("FulfillmentOrder", "fulfillments")
def fulfillment_order_fulfillments(ctx: Context, raw: Record, args: Args) -> Page:
    table = ctx.shop.table("Fulfillment")
    numbers = _order(ctx, raw, args).get("fulfillmentIds") or ()
    return connection([table[one] for one in numbers if raw["id"] in table[one]["fulfillmentOrderIds"]], args)


@field("FulfillmentOrder", "fulfillmentOrdersForMerge")
def for_merge(ctx: Context, raw: Record, args: Args) -> Page:
    """Open ones of the same order at the same location."""
    table = ctx.shop.table("FulfillmentOrder")
    rows = [table[number] for number in _order(ctx, raw, args).get("fulfillmentOrderIds") or ()]
    alike = [
        row
        for row in rows
        if row["id"] != raw["id"] and row["locationId"] == raw["locationId"] and row["status"] not in ENDED
    ]
    return connection(alike if raw["status"] not in ENDED else [], args)


@field("FulfillmentOrder", "remainingLineItemsWeight")
def remaining_weight(ctx: Context, raw: Record, args: Args) -> Record:
    order = _order(ctx, raw, args)
    total = 0
    for row in raw["lines"]:
        line = line_of(order, row["lineId"])
        total += grams(line) * row["remaining"] if line is not None else 0
    return {"value": float(total), "unit": "GRAMS"}


def _of_line(key: str) -> Any:
    def read(ctx: Context, raw: Record, args: Args) -> Any:
        line = _line(ctx, raw, args)
        return None if line is None else line.get(key)

    return read


for _name, _key in (
    ("productTitle", "title"),
    ("variantTitle", "variantTitle"),
    ("sku", "sku"),
    ("vendor", "vendor"),
    ("weight", "weight"),
):
    field("FulfillmentOrderLineItem", _name)(_of_line(_key))
field("FulfillmentOrderLineItem", "totalQuantity")(lambda ctx, raw, args: raw["total"])
field("FulfillmentOrderLineItem", "remainingQuantity")(lambda ctx, raw, args: raw["remaining"])


@field("FulfillmentOrderLineItem", "requiresShipping")
def fulfillment_line_ships(ctx: Context, raw: Record, args: Args) -> bool:
    line = _line(ctx, raw, args)
    return bool(line and line.get("requiresShipping"))


@field("FulfillmentOrderLineItem", "variant")
def fulfillment_line_variant(ctx: Context, raw: Record, args: Args) -> Record | None:
    line = _line(ctx, raw, args) or {}
    return ctx.shop.table("ProductVariant").get(line.get("variantId") or 0)


@field("FulfillmentOrderLineItem", "inventoryItemId")
def fulfillment_line_item(ctx: Context, raw: Record, args: Args) -> str | None:
    variant = fulfillment_line_variant(ctx, raw, args)
    return None if variant is None else ctx.shop.gid("InventoryItem", variant["inventoryItemId"])


# -- fulfilments


@field("Fulfillment", "fulfillmentLineItems")
def fulfillment_lines(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(_rows(raw), args)


@field("Fulfillment", "fulfillmentOrders")
def fulfillment_fulfillment_orders(ctx: Context, raw: Record, args: Args) -> Page:
    table = ctx.shop.table("FulfillmentOrder")
    return connection([table[number] for number in raw["fulfillmentOrderIds"]], args)


@field("Fulfillment", "trackingInfo")
def tracking_info(ctx: Context, raw: Record, args: Args) -> list[Record]:
    rows: list[Record] = raw["tracking"]
    return rows if args.get("first") is None else rows[: args["first"]]


@field("Fulfillment", "totalQuantity")
def fulfillment_quantity(ctx: Context, raw: Record, args: Args) -> int:
    return sum(row["quantity"] for row in raw["lines"])


@field("Fulfillment", "requiresShipping")
def fulfillment_ships(ctx: Context, raw: Record, args: Args) -> bool:
    order = _order(ctx, raw, args)
    lines = [line_of(order, row["lineId"]) for row in raw["lines"]]
    return any(line is not None and line.get("requiresShipping") for line in lines)


@field("FulfillmentLineItem", "originalTotalSet")
def fulfillment_line_original(ctx: Context, raw: Record, args: Args) -> Record:
    order, line = _order(ctx, raw, args), _line(ctx, raw, args)
    assert line is not None
    return bag(order, currencies_of(order).text(parse(line["price"]).times(raw["quantity"])))


@field("FulfillmentLineItem", "discountedTotalSet")
def fulfillment_line_discounted(ctx: Context, raw: Record, args: Args) -> Record:
    order, line = _order(ctx, raw, args), _line(ctx, raw, args)
    assert line is not None
    money = currencies_of(order)
    taken = money.share(line_discounts(line, order, codes=False), raw["quantity"], line["quantity"])
    return bag(order, money.text(parse(line["price"]).times(raw["quantity"]) - taken))


# -- refunds


@field("Refund", "totalRefundedSet")
def refund_total(ctx: Context, raw: Record, args: Args) -> Record:
    """The sum of its transactions that succeeded."""
    order = _order(ctx, raw, args)
    return bag(order, currencies_of(order).text(total_of(_transactions(order, raw))))


def _transactions(order: Record, refund: Record) -> list[Record]:
    numbers = set(refund["transactionIds"])
    return [row for row in order.get("transactions") or () if row["id"] in numbers and row["status"] == "SUCCESS"]


@field("Refund", "transactions")
def refund_transactions(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(_transactions(_order(ctx, raw, args), raw), args)


@field("Refund", "refundLineItems")
def refund_lines(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(_rows(raw), args)


@field("Refund", "refundShippingLines")
def refund_shipping_lines(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(_rows(raw, "shipping"), args)


@field("Refund", "orderAdjustments")
def order_adjustments(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(_rows(raw, "adjustments"), args)


@field("Refund", "return")
def refund_return(ctx: Context, raw: Record, args: Args) -> Record | None:
    return ctx.shop.table("Return").get(raw.get("returnId") or 0)


@field("RefundLineItem", "priceSet")
def refund_line_price(ctx: Context, raw: Record, args: Args) -> Record:
    """The price of one unit after all discounts."""
    order, line = _order(ctx, raw, args), _line(ctx, raw, args)
    assert line is not None
    money = currencies_of(order)
    return bag(order, money.text(net_of_units(line, 1, money)))


@field("RefundLineItem", "restocked")
def restocked(ctx: Context, raw: Record, args: Args) -> bool:
    return bool(raw["restockType"] != "NO_RESTOCK")


def _amount(key: str) -> Any:
    return lambda ctx, raw, args: bag(_order(ctx, raw, args), raw.get(key) or "0.0")


field("RefundLineItem", "subtotalSet")(_amount("subtotal"))
field("RefundLineItem", "totalTaxSet")(_amount("tax"))
field("RefundShippingLine", "subtotalAmountSet")(_amount("subtotal"))
field("RefundShippingLine", "taxAmountSet")(_amount("tax"))
field("OrderAdjustment", "amountSet")(_amount("amount"))
field("OrderAdjustment", "taxAmountSet")(_amount("tax"))


@field("RefundShippingLine", "shippingLine")
def refund_shipping_line(ctx: Context, raw: Record, args: Args) -> Record | None:
    rows = _order(ctx, raw, args).get("shipping") or ()
    return next((row for row in rows if row["id"] == raw["shippingLineId"]), None)


# -- returns


@field("Return", "returnLineItems")
def return_lines(ctx: Context, raw: Record, args: Args) -> Page:
    rows = [{**row, "_type": "ReturnLineItem"} for row in _rows(raw)]
    wanted = args.get("processingStatus")
    if wanted is not None:
        rows = [row for row in rows if (row.get("processed", 0) >= row["quantity"]) is (wanted == "PROCESSED")]
    return connection(rows, args)


@field("Return", "totalQuantity")
def return_quantity(ctx: Context, raw: Record, args: Args) -> int:
    return sum(row["quantity"] for row in raw["lines"])


@field("Return", "refunds")
def return_refunds(ctx: Context, raw: Record, args: Args) -> Page:
    table = ctx.shop.table("Refund")
    rows = [table[number] for number in _order(ctx, raw, args).get("refundIds") or ()]
    return connection([row for row in rows if row.get("returnId") == raw["id"]], args)


@field("Return", "transactions")
def return_transactions(ctx: Context, raw: Record, args: Args) -> Page:
    order = _order(ctx, raw, args)
    refunds = return_refunds(ctx, raw, {"first": 250}).items
    return connection([row for refund in refunds for row in _transactions(order, refund)], args)


@field("ReturnLineItem", "fulfillmentLineItem")
def return_fulfillment_line(ctx: Context, raw: Record, args: Args) -> Record | None:
    table = ctx.shop.table("Fulfillment")
    for number in _order(ctx, raw, args).get("fulfillmentIds") or ():
        for row in table[number]["lines"]:
            if row["id"] == raw["fulfillmentLineId"]:
                return {**row, "orderId": raw["orderId"]}
    return None


@field("ReturnLineItem", "returnReasonDefinition")
def return_reason(ctx: Context, raw: Record, args: Args) -> Record:
    return reason_definition(raw["reason"])


_COUNTS = {
    "processedQuantity": lambda row: row.get("processed", 0),
    "unprocessedQuantity": lambda row: row["quantity"] - row.get("processed", 0),
    "processableQuantity": lambda row: row["quantity"] - row.get("processed", 0),
    "refundedQuantity": lambda row: row.get("refunded", 0),
    "refundableQuantity": lambda row: row["quantity"] - row.get("refunded", 0),
    "returnReasonNote": lambda row: row.get("note") or "",
}
for _name, _read in _COUNTS.items():
    field("ReturnLineItem", _name)(lambda ctx, raw, args, read=_read: read(raw))


@field("ReturnLineItem", "totalWeight")
def return_weight(ctx: Context, raw: Record, args: Args) -> Record | None:
    line = _returned_line(ctx, raw, args)
    return None if line is None else {"value": float(grams(line) * raw["quantity"]), "unit": "GRAMS"}


@field("ReturnLineItem", "withCodeDiscountedTotalPriceSet")
def return_price(ctx: Context, raw: Record, args: Args) -> Record:
    order, line = _order(ctx, raw, args), _returned_line(ctx, raw, args)
    assert line is not None
    money = currencies_of(order)
    return bag(order, money.text(net_of_units(line, raw["quantity"], money)))


def _returned_line(ctx: Context, raw: Record, args: Args) -> Record | None:
    part = return_fulfillment_line(ctx, raw, args)
    return None if part is None else _line(ctx, part, args)

"""The fields of line items, shipping lines, discounts, transactions and calculated orders.

What a discount of a line is, and what of the whole order, follows the descriptions of `LineItem` in the schema:
`discountedTotalSet` and `totalDiscountSet` leave out the order's discounts, and codes unless they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shopify_sync.sandbox.registry import FIELDS, Args, Context, Page, connection, field
from shopify_sync.sandbox.resources.amounts import ZERO, Bag, parse
from shopify_sync.sandbox.resources.order_model import TABLE
from shopify_sync.sandbox.resources.order_money import (
    allocated,
    cart_applications,
    currencies_of,
    current_quantity,
    net_of_units,
    net_total,
    original_total,
    tax_of_units,
    tax_rows,
    totals,
    uncaptured,
    unfulfilled_quantity,
)
from shopify_sync.sandbox.resources.read_order_money import application, bag, tax_lines
from shopify_sync.sandbox.resources.refund_model import shipping_left
from shopify_sync.sandbox.state import Record

Reader = Callable[[Context, Record, Args], Any]
_MANUAL = frozenset(("manual", "cash", "Cash on Delivery (COD)", "Bank Deposit", "Money Order"))


def order_of(ctx: Context, raw: Record) -> Record:
    """The order that a part belongs to; the calculated one for a line that is being edited."""
    found: Record = raw["order"] if "order" in raw else ctx.shop.table(TABLE)[raw["orderId"]]
    return found


def _money(read: Callable[[Record, Record], Bag]) -> Reader:
    """A field whose amount is `read(line, order)`."""

    def get(ctx: Context, raw: Record, args: Args) -> Record:
        order = order_of(ctx, raw)
        return bag(order, currencies_of(order).text(read(raw, order)))

    return get


def line_discounts(line: Record, order: Record, *, codes: bool) -> Bag:
    """What the discounts of this line take off: not those of the whole order, and those by code only with `codes`."""
    rows = order.get("discounts") or ()
    carts = cart_applications(order)
    chosen = {place for place, row in enumerate(rows) if place not in carts and (codes or "code" not in row)}
    if codes:  # asked for, codes of the whole order count too
        chosen |= {place for place in carts if "code" in rows[place]}
    return allocated(line, frozenset(chosen))


def _per_unit(whole: Bag, line: Record) -> Bag:
    return Bag(whole.shop / line["quantity"], whole.presentment / line["quantity"]) if line["quantity"] else ZERO


def _discounted(line: Record, order: Record) -> Bag:
    return original_total(line) - line_discounts(line, order, codes=False)


def _before_taxes(line: Record, order: Record) -> Bag:
    money, count = currencies_of(order), current_quantity(line)
    found = net_of_units(line, count, money)
    return found - tax_of_units(line, count, money) if order.get("taxesIncluded") else found


def _unfulfilled_discounted(line: Record, order: Record) -> Bag:
    return currencies_of(order).share(_discounted(line, order), unfulfilled_quantity(line), line["quantity"])


_LINE_MONEY: dict[str, Callable[[Record, Record], Bag]] = {
    "originalUnitPriceSet": lambda line, order: parse(line["price"]),
    "originalTotalSet": lambda line, order: original_total(line),
    "discountedUnitPriceSet": lambda line, order: _per_unit(_discounted(line, order), line),
    "discountedUnitPriceAfterAllDiscountsSet": lambda line, order: _per_unit(net_total(line), line),
    "totalDiscountSet": lambda line, order: line_discounts(line, order, codes=False),
    "priceAfterAllDiscountsBeforeTaxesSet": _before_taxes,
    "unfulfilledOriginalTotalSet": lambda line, order: parse(line["price"]).times(unfulfilled_quantity(line)),
    "unfulfilledDiscountedTotalSet": _unfulfilled_discounted,
}
for _name, _read in _LINE_MONEY.items():
    field("LineItem", _name)(_money(_read))


@field("LineItem", "discountedTotalSet")
def discounted_total(ctx: Context, raw: Record, args: Args) -> Record:
    order = order_of(ctx, raw)
    taken = line_discounts(raw, order, codes=bool(args.get("withCodeDiscounts")))
    return bag(order, currencies_of(order).text(original_total(raw) - taken))


_LINE_NUMBERS: dict[str, Callable[[Record], int]] = {
    "currentQuantity": current_quantity,
    "refundableQuantity": current_quantity,
    "unfulfilledQuantity": unfulfilled_quantity,
    "fulfillableQuantity": unfulfilled_quantity,
    "nonFulfillableQuantity": lambda line: line.get("edited", 0) + line.get("cancelled", 0),
}
_LINE_FLAGS: dict[str, Callable[[Record], bool]] = {
    "isGiftCard": lambda line: bool(line.get("isGiftCard")),
    "merchantEditable": lambda line: unfulfilled_quantity(line) > 0,
    "requiresShipping": lambda line: bool(line.get("requiresShipping")),
    "restockable": lambda line: bool(line.get("variantId")) and current_quantity(line) > 0,
    "taxable": lambda line: line.get("taxable", True) is not False,
}


def _plain(read: Callable[[Record], Any]) -> Reader:
    return lambda ctx, raw, args: read(raw)


for _name, _number in _LINE_NUMBERS.items():
    field("LineItem", _name)(_plain(_number))
for _name, _flag in _LINE_FLAGS.items():
    field("LineItem", _name)(_plain(_flag))


def line_name(line: Record) -> str:
    """Title, and the variant's title where there is one."""
    return f"{line['title']} - {line['variantTitle']}" if line.get("variantTitle") else str(line["title"])


field("LineItem", "name")(_plain(line_name))


def _variant(ctx: Context, raw: Record, args: Args) -> Record | None:
    """Null for a line without one, and once it was deleted."""
    return ctx.shop.table("ProductVariant").get(raw.get("variantId") or 0)


def _image(ctx: Context, raw: Record, args: Args) -> Any:
    variant = _variant(ctx, raw, args)
    return None if variant is None else FIELDS["ProductVariant", "image"](ctx, variant, args)


def _attributes(ctx: Context, raw: Record, args: Args) -> list[Record]:
    return raw.get("customAttributes") or []


for _type in ("LineItem", "CalculatedLineItem"):
    field(_type, "variant")(_variant)
    field(_type, "image")(_image)
    field(_type, "customAttributes")(_attributes)


@field("LineItem", "product")
def line_product(ctx: Context, raw: Record, args: Args) -> Record | None:
    """Null for a line without one, and once it was deleted."""
    return ctx.shop.table("Product").get(raw.get("productId") or 0)


@field("LineItem", "duties")
def duties(ctx: Context, raw: Record, args: Args) -> list[Record]:
    return []


def _taxes(ctx: Context, raw: Record, args: Args) -> list[Record]:
    rows = tax_lines(order_of(ctx, raw), raw.get("taxes") or [])
    return rows if args.get("first") is None else rows[: args["first"]]


def _allocations(ctx: Context, raw: Record, args: Args) -> list[Record]:
    order = order_of(ctx, raw)
    return [
        {"allocatedAmountSet": bag(order, row["amount"]), "discountApplication": application(order, row["index"])}
        for row in raw.get("allocations") or ()
    ]


for _type in ("LineItem", "ShippingLine"):
    field(_type, "taxLines")(_taxes)
    field(_type, "discountAllocations")(_allocations)

# -- shipping lines

_SHIPPING_MONEY: dict[str, Callable[[Record, Record], Bag]] = {
    "originalPriceSet": lambda line, order: parse(line["price"]),
    "discountedPriceSet": lambda line, order: parse(line["price"]) - allocated(line),
    "currentDiscountedPriceSet": lambda line, order: shipping_left(line),
}
for _name, _read in _SHIPPING_MONEY.items():
    field("ShippingLine", _name)(_money(_read))
field("ShippingLine", "custom")(_plain(lambda line: not line.get("source")))
field("ShippingLine", "isRemoved")(_plain(lambda line: bool(line.get("removed"))))

# -- transactions


@field("OrderTransaction", "amountSet")
def transaction_amount(ctx: Context, raw: Record, args: Args) -> Record:
    return bag(order_of(ctx, raw), raw["amount"])


@field("OrderTransaction", "order")
def transaction_order(ctx: Context, raw: Record, args: Args) -> Record:
    return order_of(ctx, raw)


@field("OrderTransaction", "parentTransaction")
def parent_transaction(ctx: Context, raw: Record, args: Args) -> Record | None:
    rows = order_of(ctx, raw)["transactions"]
    return next((row for row in rows if row["id"] == raw.get("parentId")), None)


@field("OrderTransaction", "formattedGateway")
def formatted_gateway(ctx: Context, raw: Record, args: Args) -> str:
    text = str(raw["gateway"]).replace("_", " ")
    return text if text != text.lower() else text.title()


@field("OrderTransaction", "manualPaymentGateway")
def manual_gateway(ctx: Context, raw: Record, args: Args) -> bool:
    return raw["gateway"] in _MANUAL


@field("OrderTransaction", "totalUnsettledSet")
def total_unsettled(ctx: Context, raw: Record, args: Args) -> Record | None:
    """What of an authorization can still be captured."""
    if raw["kind"] != "AUTHORIZATION" or raw["status"] != "SUCCESS":
        return None
    order = order_of(ctx, raw)
    return bag(order, currencies_of(order).text(uncaptured(raw, order["transactions"])))


@field("OrderTransaction", "manuallyCapturable")
def manually_capturable(ctx: Context, raw: Record, args: Args) -> bool:
    if raw["kind"] != "AUTHORIZATION" or raw["status"] != "SUCCESS":
        return False
    return bool(uncaptured(raw, order_of(ctx, raw)["transactions"]))


field("OrderTransaction", "multiCapturable")(_plain(lambda row: False))
field("OrderTransaction", "fees")(_plain(lambda row: []))
field("OrderTransaction", "test")(_plain(lambda row: bool(row.get("test"))))
field("OrderTransaction", "location")(lambda ctx, raw, args: ctx.shop.table("Location").get(raw.get("locationId") or 0))

# -- calculated orders


def _calculated(read: Callable[[Record], Any]) -> Reader:
    return lambda ctx, raw, args: read(raw)


def _calculated_sum(key: str) -> Reader:
    def get(ctx: Context, raw: Record, args: Args) -> Record:
        order = raw["order"]
        return bag(order, totals(order).texts(currencies_of(order))[key])

    return get


for _name, _key in (
    ("cartDiscountAmountSet", "current_cart_discount_amount"),
    ("subtotalPriceSet", "current_subtotal_price"),
    ("totalOutstandingSet", "total_outstanding"),
    ("totalPriceSet", "current_total_price"),
):
    field("CalculatedOrder", _name)(_calculated_sum(_key))
field("CalculatedOrder", "originalOrder")(_calculated(lambda raw: raw["original"]))
field("CalculatedOrder", "notificationPreviewHtml")(_calculated(lambda raw: None))
field("CalculatedOrder", "notificationPreviewTitle")(
    _calculated(lambda raw: f"Order {raw['original']['name']} was updated")
)


@field("CalculatedOrder", "subtotalLineItemsQuantity")
def calculated_quantity(ctx: Context, raw: Record, args: Args) -> int:
    return sum(current_quantity(line) for line in raw["order"]["lines"])


@field("CalculatedOrder", "taxLines")
def calculated_taxes(ctx: Context, raw: Record, args: Args) -> list[Record]:
    return tax_lines(raw["order"], tax_rows(raw["order"], current=True))


@field("CalculatedOrder", "lineItems")
def calculated_lines(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(raw["lines"], args)


@field("CalculatedOrder", "addedLineItems")
def calculated_added(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(raw["addedLines"], args)


def _editable(line: Record) -> int:
    return max(0, current_quantity(line) - int(line.get("fulfilled", 0)) + int(line.get("returned", 0)))


def _share_of(line: Record, order: Record, count: int) -> Bag:
    return net_of_units(line, count, currencies_of(order))


_CALCULATED_MONEY: dict[str, Callable[[Record, Record], Bag]] = {
    "originalUnitPriceSet": lambda line, order: parse(line["price"]),
    "discountedUnitPriceSet": lambda line, order: _per_unit(_discounted(line, order), line),
    "editableSubtotalSet": lambda line, order: _share_of(line, order, _editable(line)),
    "uneditableSubtotalSet": lambda line, order: (
        _share_of(line, order, current_quantity(line)) - _share_of(line, order, _editable(line))
    ),
}
for _name, _read in _CALCULATED_MONEY.items():
    field("CalculatedLineItem", _name)(_money(_read))
field("CalculatedLineItem", "id")(_plain(lambda line: f"gid://shopify/CalculatedLineItem/{line['key']}"))
field("CalculatedLineItem", "quantity")(_plain(current_quantity))
field("CalculatedLineItem", "editableQuantity")(_plain(_editable))
field("CalculatedLineItem", "editableQuantityBeforeChanges")(
    _plain(lambda line: _editable(line["before"]) if line["before"] is not None else 0)
)
field("CalculatedLineItem", "hasStagedLineItemDiscount")(_plain(lambda line: False))
field("CalculatedLineItem", "restockable")(_plain(lambda line: bool(line.get("variantId"))))

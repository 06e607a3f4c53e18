"""How money is shown: bags, taxes and discounts, and the sums of an order.

Source: types and descriptions of Shopify's schema; the form of a Decimal was recorded (order-create-parity).
"""

from __future__ import annotations

from collections.abc import Callable

from shopify_sync.sandbox.registry import Args, Context, field
from shopify_sync.sandbox.resources.order_money import tax_rows
from shopify_sync.sandbox.state import Record


def amount_text(text: str) -> str:
    """A Decimal as Shopify sends it: no zeros at the end, but one decimal."""
    whole, point, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0') or '0'}" if point else f"{text}.0"


def bag(order: Record, text: str) -> Record:
    """The `MoneyBag` of an amount of this order."""
    first, bar, second = text.partition("|")
    shop = {"amount": amount_text(first), "currencyCode": order["currency"]}
    if not bar:
        return {"shopMoney": shop, "presentmentMoney": {**shop, "currencyCode": order["presentment"]}}
    return {
        "shopMoney": shop,
        "presentmentMoney": {"amount": amount_text(second), "currencyCode": order["presentment"]},
    }


def tax_lines(order: Record, rows: list[Record]) -> list[Record]:
    """`TaxLine`s of rows that a record keeps."""
    return [
        {
            "title": row["title"],
            "rate": row["rate"],
            "ratePercentage": round(row["rate"] * 100, 6),
            "channelLiable": bool(row.get("channelLiable")),
            "source": row.get("source"),
            "priceSet": bag(order, row["amount"]),
        }
        for row in rows
    ]


def application(order: Record, place: int) -> Record:
    """One `DiscountApplication`, which has no id of its own: its place stands in cursors."""
    row = order["discounts"][place]
    value = row["value"]
    if "percentage" in value:
        shown = {**value, "_type": "PricingPercentageValue"}
    else:
        money = bag(order, value["amount"])["presentmentMoney"]
        shown = {**money, "_type": "MoneyV2"}
    return {**row, "id": place, "index": place, "value": shown}


_SUMS = {
    "cartDiscountAmountSet": "cart_discount_amount",
    "currentCartDiscountAmountSet": "current_cart_discount_amount",
    "currentShippingPriceSet": "current_shipping_price",
    "currentSubtotalPriceSet": "current_subtotal_price",
    "currentTotalDiscountsSet": "current_total_discounts",
    "currentTotalPriceSet": "current_total_price",
    "currentTotalTaxSet": "current_total_tax",
    "netPaymentSet": "net_payment",
    "refundDiscrepancySet": "refund_discrepancy",
    "subtotalPriceSet": "subtotal_price",
    "totalCapturableSet": "total_capturable",
    "totalDiscountsSet": "total_discounts",
    "totalOutstandingSet": "total_outstanding",
    "totalPriceSet": "total_price",
    "totalReceivedSet": "total_received",
    "totalRefundedSet": "total_refunded",
    "totalRefundedShippingSet": "total_refunded_shipping",
    "totalShippingPriceSet": "total_shipping_price",
    "totalTaxSet": "total_tax",
}


def _sum(key: str) -> Callable[[Context, Record, Args], Record]:
    return lambda ctx, raw, args: bag(raw, raw["totals"][key])


for _name, _key in _SUMS.items():
    field("Order", _name)(_sum(_key))


def _zero(ctx: Context, raw: Record, args: Args) -> Record:
    return bag(raw, "0.0")


field("Order", "totalTipReceivedSet")(_zero)


@field("Order", "originalTotalPriceSet")
def original_total_price(ctx: Context, raw: Record, args: Args) -> Record:
    return bag(raw, raw["originalTotal"])


@field("Order", "totalCapturable")
def total_capturable(ctx: Context, raw: Record, args: Args) -> str:
    """Deprecated; a `Money` with all its decimals (recorded: orderCreate-state-derived-payment-and-count)."""
    return str(raw["totals"]["total_capturable"]).partition("|")[0]


@field("Order", "totalCashRoundingAdjustment")
def cash_rounding(ctx: Context, raw: Record, args: Args) -> Record:
    return {"paymentSet": bag(raw, "0.0"), "refundSet": bag(raw, "0.0")}


@field("Order", "taxLines")
def order_tax_lines(ctx: Context, raw: Record, args: Args) -> list[Record]:
    return tax_lines(raw, tax_rows(raw, current=False))


@field("Order", "currentTaxLines")
def current_tax_lines(ctx: Context, raw: Record, args: Args) -> list[Record]:
    return tax_lines(raw, tax_rows(raw, current=True))

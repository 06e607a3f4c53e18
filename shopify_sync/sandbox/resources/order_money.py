"""The arithmetic of an order: pure functions over its record, in `Decimal`, to the smallest unit of each currency.

Shop money and presentment money (see amounts.py) are summed apart and never converted into each other afterwards, as
recorded totals are (orderMarkAsPaid-state-and-money).

Meaning of the totals: descriptions of the fields of `Order`, `LineItem` and `Refund` in Shopify's schema. Effects of
edits (`quantity` and the original totals stay, the current ones fall): order-edit-money-math. What an open
authorization does to `totalOutstandingSet`: orderCreate-state-derived-payment-and-count. Where a part of a line is
meant, its discounts and taxes are those of the first units, rounded half up, so that the parts always add up to the
whole, whatever the order in which units leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from shopify_sync.sandbox.resources.amounts import ZERO, Bag, Currencies, parse, rounded, total_of

Record = Mapping[str, Any]
_RECEIVING = ("SALE", "CAPTURE")


def currencies_of(order: Record) -> Currencies:
    """The currencies of an order record."""
    return Currencies(order["currency"], order["presentment"], Decimal(order.get("rate") or 1))


# -- lines

CART_SELECTION = "ALL"  # an application over all lines, spread ACROSS them, is a discount of the whole order


def current_quantity(line: Record) -> int:
    """Units ordered, without those refunded or removed."""
    return int(line["quantity"] - line.get("edited", 0) - line.get("cancelled", 0) - line.get("returned", 0))


def unfulfilled_quantity(line: Record) -> int:
    """Units still to be fulfilled."""
    return int(line["quantity"] - line.get("edited", 0) - line.get("cancelled", 0) - line.get("fulfilled", 0))


def original_total(line: Record) -> Bag:
    return parse(line["price"]).times(line["quantity"])


def allocated(line: Record, chosen: frozenset[int] | None = None) -> Bag:
    """What discounts take from a line, all of them or those of the chosen applications."""
    rows = line.get("allocations") or ()
    return total_of(row for row in rows if chosen is None or row["index"] in chosen)


def net_total(line: Record) -> Bag:
    """The line after all discounts; with taxes included it contains them."""
    return original_total(line) - allocated(line)


def net_of_units(line: Record, count: int, money: Currencies) -> Bag:
    """What the first `count` units are worth after all discounts."""
    return parse(line["price"]).times(count) - money.share(allocated(line), count, line["quantity"])


def tax_of_units(line: Record, count: int, money: Currencies) -> Bag:
    """The taxes of the first `count` units, each tax line rounded by itself."""
    found = ZERO
    for row in line.get("taxes") or ():
        found += money.share(parse(row["amount"]), count, line["quantity"])
    return found


def tax_rows(order: Record, *, current: bool) -> list[dict[str, Any]]:
    """The taxes of an order, equal titles and rates added up, in order of appearance.

    Source: `Order.taxLines` and `currentTaxLines` in the schema; shipping is counted in, as `totalTaxSet` counts it.
    """
    money = currencies_of(order)
    found: dict[tuple[str, Any], dict[str, Any]] = {}
    for line in order["lines"]:
        count = current_quantity(line) if current else line["quantity"]
        for row in line.get("taxes") or ():
            _add_tax(found, row, money.share(parse(row["amount"]), count, line["quantity"]))
    for line in order.get("shipping") or ():
        rows = line.get("taxes") or ()
        back = parse(line["refundedTax"]) if current and line.get("refundedTax") else ZERO
        amounts = [parse(row["amount"]) for row in rows]
        for row, amount, less in zip(rows, amounts, money.split(back, amounts) if rows else (), strict=True):
            _add_tax(found, row, amount - less)
    rows = [{**row, "amount": money.text(row["amount"])} for row in found.values()]
    return [row for row in rows if not current or parse(row["amount"])]


def _add_tax(found: dict[tuple[str, Any], dict[str, Any]], row: Record, amount: Bag) -> None:
    known = found.get((row["title"], row["rate"]))
    if known is None:
        found[row["title"], row["rate"]] = {**row, "amount": amount}
    else:
        known["amount"] += amount


def tax_on(net: Bag, rate: Decimal, money: Currencies, *, included: bool) -> Bag:
    """The tax that a rate makes of an amount, or that an amount contains."""
    factor = rate / (1 + rate) if included else rate
    shop = rounded(net.shop * factor, money.shop)
    return Bag(shop, shop if money.same else rounded(net.presentment * factor, money.presentment))


# -- the whole order


@dataclass(slots=True)
class Totals:
    """The sums of an order; names as in Shopify's schema, without `Set`."""

    subtotal_price: Bag = ZERO
    total_discounts: Bag = ZERO
    cart_discount_amount: Bag = ZERO
    total_tax: Bag = ZERO
    total_shipping_price: Bag = ZERO
    total_price: Bag = ZERO
    current_subtotal_price: Bag = ZERO
    current_total_discounts: Bag = ZERO
    current_cart_discount_amount: Bag = ZERO
    current_total_tax: Bag = ZERO
    current_shipping_price: Bag = ZERO
    current_total_price: Bag = ZERO
    total_received: Bag = ZERO
    total_refunded: Bag = ZERO
    total_refunded_shipping: Bag = ZERO
    total_capturable: Bag = ZERO
    refund_discrepancy: Bag = ZERO
    net_payment: Bag = ZERO
    total_outstanding: Bag = ZERO

    def texts(self, money: Currencies) -> dict[str, str]:
        """By name, in the form of records."""
        return {each.name: money.text(getattr(self, each.name)) for each in fields(self)}


def totals(order: Record) -> Totals:
    """All sums of an order, from its lines, shipping lines and transactions.

    `total_outstanding` is what the order is worth now, less what was paid and not given back, less what is authorized,
    plus what refunds gave less (or more) than the units that they took were worth: so a refund settles itself.
    """
    money = currencies_of(order)
    found = Totals()
    carts = cart_applications(order)
    for line in order["lines"]:
        _add_line(found, line, carts, money)
    for line in order.get("shipping") or ():
        _add_shipping(found, line)
    taxes, current_taxes = found.total_tax, found.current_total_tax
    if order.get("taxesIncluded"):
        taxes = current_taxes = ZERO
    shipping = found.total_shipping_price - _shipping_discounts(order)
    found.total_price = found.subtotal_price + shipping + taxes
    found.current_total_price = found.current_subtotal_price + found.current_shipping_price + current_taxes
    found.total_received, found.total_refunded, found.total_capturable = payments(order.get("transactions") or ())
    found.refund_discrepancy = parse(order.get("discrepancy") or "0")
    found.net_payment = found.total_received - found.total_refunded
    found.total_outstanding = (
        found.current_total_price + found.refund_discrepancy - found.net_payment - found.total_capturable
    )
    return found


def cart_applications(order: Record) -> frozenset[int]:
    """The indexes of the discounts of the whole order."""
    return frozenset(
        place
        for place, row in enumerate(order.get("discounts") or ())
        if (row["targetType"], row["targetSelection"], row["allocationMethod"])
        == ("LINE_ITEM", CART_SELECTION, "ACROSS")
    )


def _add_line(found: Totals, line: Record, carts: frozenset[int], money: Currencies) -> None:
    quantity, count = line["quantity"], current_quantity(line)
    taken = allocated(line) if line.get("allocations") else ZERO
    net = original_total(line) - taken
    tax = total_of(line["taxes"]) if line.get("taxes") else ZERO
    found.subtotal_price += net
    found.total_tax += tax
    found.current_subtotal_price += net if count == quantity else net_of_units(line, count, money)
    found.current_total_tax += tax if count == quantity else tax_of_units(line, count, money)
    if taken:
        found.total_discounts += taken
        cart = allocated(line, carts)
        found.cart_discount_amount += cart
        found.current_cart_discount_amount += money.share(cart, count, quantity)
        found.current_total_discounts += money.share(taken, count, quantity)


def _add_shipping(found: Totals, line: Record) -> None:
    price, taken = parse(line["price"]), allocated(line)
    back = parse(line.get("refunded") or "0")
    taxes = total_of(line.get("taxes") or ())
    found.total_shipping_price += price
    found.total_discounts += taken
    found.total_tax += taxes
    found.current_shipping_price += price - taken - back
    found.current_total_tax += taxes - parse(line.get("refundedTax") or "0")
    found.total_refunded_shipping += back
    if not back or price - taken - back:
        found.current_total_discounts += taken


def _shipping_discounts(order: Record) -> Bag:
    found = ZERO
    for line in order.get("shipping") or ():
        found += allocated(line)
    return found


# -- payments


def payments(transactions: Sequence[Record]) -> tuple[Bag, Bag, Bag]:
    """(received, refunded, still to be captured) of the transactions that succeeded."""
    received = refunded = capturable = ZERO
    for row in transactions:
        if row["status"] != "SUCCESS":
            continue
        if row["kind"] in _RECEIVING:
            received += parse(row["amount"])
        elif row["kind"] == "REFUND":
            refunded += parse(row["amount"])
        elif row["kind"] == "AUTHORIZATION":
            capturable += uncaptured(row, transactions)
    return received, refunded, capturable


def uncaptured(authorization: Record, transactions: Sequence[Record]) -> Bag:
    """What of an authorization can still be captured; nothing once it is void, expired or finally captured."""
    rest = parse(authorization["amount"])
    if authorization.get("expired") or authorization.get("final"):
        return ZERO
    for row in transactions:
        if row.get("parentId") == authorization["id"] and row["status"] == "SUCCESS":
            if row["kind"] == "VOID":
                return ZERO
            if row["kind"] == "CAPTURE":
                rest -= parse(row["amount"])
    return rest


def refunded_of(payment: Record, transactions: Sequence[Record]) -> Bag:
    """What of a payment was given back already."""
    return total_of(
        row
        for row in transactions
        if row["kind"] == "REFUND" and row["status"] == "SUCCESS" and row.get("parentId") == payment["id"]
    )


def in_presentment(payment: Record, before: Bag, amount: Decimal, money: Currencies) -> Bag:
    """`amount` of presentment money, taken from a payment of which `before` is used up, with its shop money.

    The shop money is the payment's own share, so that taking all of the one column empties the other.
    """
    whole = parse(payment["amount"])
    amount = rounded(amount, money.presentment)
    if money.same or not whole.presentment:
        return money.bag(amount if money.same else amount / money.rate, amount)
    upto = rounded(whole.shop * (before.presentment + amount) / whole.presentment, money.shop)
    return Bag(upto - before.shop, amount)

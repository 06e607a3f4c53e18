"""A refund: which units it takes from the order, what they are worth, and how the money goes back.

Restock types, from Shopify's REST docs and the schema: CANCEL takes units that are not fulfilled, RETURN those that
are, both go back to stock. NO_RESTOCK leaves stock alone; of units that are not fulfilled it takes none from the order,
so they are worth nothing in the refund (recorded: refund-create-full-parity, `subtotalSet` 0.0 and still UNFULFILLED).

A refund settles itself: what it pays more or less than what it was to pay becomes an `OrderAdjustment`, whose sum is
`Order.refundDiscrepancySet` (positive: in the merchant's favour), so that `totalOutstandingSet` stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shopify_sync.sandbox.resources.amounts import ZERO, Bag, Currencies, parse, total_of
from shopify_sync.sandbox.resources.fulfillment_model import release
from shopify_sync.sandbox.resources.order_effects import first_location, move
from shopify_sync.sandbox.resources.order_model import add_transaction, line_of
from shopify_sync.sandbox.resources.order_money import (
    allocated,
    currencies_of,
    current_quantity,
    net_of_units,
    refunded_of,
    tax_of_units,
    totals,
    unfulfilled_quantity,
)
from shopify_sync.sandbox.state import Record, Shop

REFUNDABLE = ("SALE", "CAPTURE")


@dataclass
class Wanted:
    """What a refund is to do. `lines`: (line id, count, restock type, location); `shipping`: shipping line id to the
    amount of it without tax; `payments`: (payment, amount of it)."""

    lines: list[tuple[int, int, str, int | None]] = field(default_factory=list)
    shipping: dict[int, Bag] = field(default_factory=dict)
    payments: list[tuple[Record, Bag]] = field(default_factory=list)


def returnable(line: Record) -> int:
    """Fulfilled units that have not come back."""
    return int(line.get("fulfilled", 0) - line.get("returned", 0))


def make_refund(shop: Shop, order: Record, wanted: Wanted, **given: Any) -> Record:
    """Carry a refund out on a private copy of the order, which the caller saves; returns the refund, stored."""
    money = currencies_of(order)
    before = totals(order)
    now = shop.now_iso()
    refund: Record = {
        "id": shop.next_id("Refund"),
        "orderId": order["id"],
        "createdAt": now,
        "updatedAt": now,
        "processedAt": now,
        "note": None,
        "lines": [],
        "shipping": [],
        "transactionIds": [],
        "adjustments": [],
    }
    reason = given.pop("reason", None) or "REFUND_DISCREPANCY"
    refund.update(given)
    for number, count, restock, place in wanted.lines:
        line = line_of(order, number)
        assert line is not None
        refund["lines"].append(_take(shop, order, line, count, restock, place))
    for row in order.get("shipping") or ():
        if row["id"] in wanted.shipping:
            refund["shipping"].append(_give_shipping(shop, order, row, wanted.shipping[row["id"]]))
    after = totals(order)
    owed = _suggested(before.net_payment, after.current_total_price + parse(order.get("discrepancy") or "0"))
    owed = _least(owed, worth(order, refund))
    paid = ZERO
    for payment, amount in wanted.payments:
        row = add_transaction(
            shop,
            order,
            "REFUND",
            amount,
            gateway=payment["gateway"],
            parentId=payment["id"],
            test=payment["test"],
        )
        refund["transactionIds"].append(row["id"])
        paid += amount
    difference = owed - paid
    if difference:
        refund["adjustments"].append(
            {"id": shop.next_id("OrderAdjustment"), "amount": money.text(difference), "reason": reason}
        )
        order["discrepancy"] = money.text(parse(order.get("discrepancy") or "0") + difference)
    order.setdefault("refundIds", []).append(refund["id"])
    return shop.put("Refund", refund)


def _suggested(net: Bag, value: Bag) -> Bag:
    """What has been paid above what the order is worth now."""
    rest = net - value
    return Bag(max(rest.shop, ZERO.shop), max(rest.presentment, ZERO.presentment))


def worth(order: Record, refund: Record) -> Bag:
    """What the lines and shipping lines of a refund are worth, taxes included."""
    rows = [*refund["lines"], *refund["shipping"]]
    found = total_of(rows, "subtotal")
    return found if order.get("taxesIncluded") else found + total_of(rows, "tax")


def _least(first: Bag, second: Bag) -> Bag:
    return Bag(min(first.shop, second.shop), min(first.presentment, second.presentment))


def _take(shop: Shop, order: Record, line: Record, count: int, restock: str, place: int | None) -> Record:
    """Take units off a line; returns the row of the refund."""
    money = currencies_of(order)
    here = current_quantity(line)
    if restock == "NO_RESTOCK":
        gone = min(count, returnable(line))
        line["returned"] = line.get("returned", 0) + gone
    elif restock == "CANCEL":
        gone = count
        line["cancelled"] = line.get("cancelled", 0) + gone
        place = release(shop, order, line, gone, restock=True) or place
    else:
        gone = count
        line["returned"] = line.get("returned", 0) + gone
        place = place or first_location(shop)
        move(shop, order, line.get("variantId"), place, available=gone)
    left = here - gone
    row: Record = {
        "id": shop.next_id("RefundLineItem"),
        "lineId": line["id"],
        "quantity": count,
        "restockType": restock,
        "subtotal": money.text(net_of_units(line, here, money) - net_of_units(line, left, money)),
        "tax": money.text(tax_of_units(line, here, money) - tax_of_units(line, left, money)),
    }
    return {**row, "locationId": place} if restock != "NO_RESTOCK" and place is not None else row


def shipping_left(row: Record) -> Bag:
    """What a shipping line still costs, without tax where that is extra."""
    return parse(row["price"]) - total_of(row.get("allocations") or ()) - parse(row.get("refunded") or "0")


def _give_shipping(shop: Shop, order: Record, row: Record, amount: Bag) -> Record:
    money = currencies_of(order)
    before = parse(row.get("refunded") or "0")
    price = parse(row["price"]) - allocated(row)
    taxes = total_of(row.get("taxes") or ())
    upto = before + amount
    tax = _proportion(taxes, upto, price, money) - parse(row.get("refundedTax") or "0")
    row["refunded"] = money.text(upto)
    row["refundedTax"] = money.text(parse(row.get("refundedTax") or "0") + tax)
    return {
        "id": shop.next_id("RefundShippingLine"),
        "shippingLineId": row["id"],
        "subtotal": money.text(amount),
        "tax": money.text(tax),
    }


def _proportion(whole: Bag, part: Bag, of: Bag, money: Currencies) -> Bag:
    if part == of or not of.shop or not of.presentment:
        return whole if part == of else ZERO
    return Bag(
        money.bag(whole.shop * part.shop / of.shop).shop,
        money.bag(whole.shop, whole.presentment * part.presentment / of.presentment).presentment,
    )


def everything(order: Record, restock: str) -> Wanted:
    """A refund of all that can be refunded, as a cancellation gives: unfulfilled units, shipping, payments."""
    wanted = Wanted()
    for line in order["lines"]:
        count = unfulfilled_quantity(line)
        if count:
            wanted.lines.append((line["id"], count, restock, None))
        if returnable(line):
            wanted.lines.append((line["id"], returnable(line), "NO_RESTOCK", None))
    for row in order.get("shipping") or ():
        left = shipping_left(row)
        if left:
            wanted.shipping[row["id"]] = left
    rows = order.get("transactions") or []
    for row in rows:
        if row["kind"] in REFUNDABLE and row["status"] == "SUCCESS":
            rest = parse(row["amount"]) - refunded_of(row, rows)
            if rest:
                wanted.payments.append((row, rest))
    return wanted

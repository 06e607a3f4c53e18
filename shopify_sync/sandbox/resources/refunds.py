"""`refundCreate`. Recorded: refund-create-full-parity; the texts of its errors were not, but for the missing key."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shopify_sync.sandbox.registry import Context, mutation
from shopify_sync.sandbox.resources import idempotent
from shopify_sync.sandbox.resources.amounts import ZERO, Bag, Currencies, parse, rounded
from shopify_sync.sandbox.resources.checks import error, id_in
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.order_log import note_order
from shopify_sync.sandbox.resources.order_model import archive_soon, find_order, line_of, number_in, save
from shopify_sync.sandbox.resources.order_money import (
    currencies_of,
    current_quantity,
    in_presentment,
    refunded_of,
    unfulfilled_quantity,
)
from shopify_sync.sandbox.resources.orders import order_missing
from shopify_sync.sandbox.resources.refund_model import REFUNDABLE, Wanted, make_refund, returnable, shipping_left
from shopify_sync.sandbox.state import Record, iso

Given = dict[str, Any]
_NAME = "refundCreate"
_REASONS = {"CUSTOMER": "CUSTOMER", "DAMAGE": "DAMAGE", "RESTOCK": "RESTOCK"}


class _Refused(Exception):
    """The input can't be carried out; `row` is the user error."""

    def __init__(self, field: list[str] | None, message: str) -> None:
        super().__init__(message)
        self.row = error(field, message)


@mutation(_NAME)
def refund_create(ctx: Context, args: Record) -> Record:
    """Refund units, shipping and money, in any mixture. A key that was used answers with its refund as it is now.

    Raises TopLevelError without `@idempotent`.
    """
    given = args["input"]
    key = idempotent.required_key(ctx)
    try:
        known = idempotent.made_before(ctx, key, _NAME, args)
    except idempotent.Mismatch:
        return {"refund": None, "order": None, "userErrors": [error(None, idempotent.MISMATCH)]}
    found = find_order(ctx, given["orderId"])
    if found is None:
        return {"refund": None, "order": None, "userErrors": [order_missing("orderId")]}
    if known is not None:
        return {"refund": ctx.shop.table("Refund").get(known), "order": found, "userErrors": []}
    order = copied(found)
    try:
        wanted = _wanted(order, given)
    except _Refused as refused:
        return {"refund": None, "order": found, "userErrors": [refused.row]}
    reason = _REASONS.get(given.get("discrepancyReason") or "")
    moment = given.get("processedAt")
    extra = {"processedAt": _time(moment)} if moment else {}
    refund = make_refund(ctx.shop, order, wanted, note=given.get("note"), reason=reason, **extra)
    idempotent.remember(ctx, key, _NAME, args, refund["id"])
    note_order(ctx.shop, "refund_success", order)
    save(ctx.shop, order)
    archive_soon(ctx.shop, order)
    return {"refund": refund, "order": order, "userErrors": []}


def _time(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _wanted(order: Record, given: Given) -> Wanted:
    """What the input asks for. Raises _Refused."""
    money = currencies_of(order)
    if given.get("refundMethods"):
        raise _Refused(["refundMethods"], "The app may not refund to store credit")
    if given.get("refundDuties"):
        raise _Refused(["refundDuties"], "Duty does not exist")
    if not money.same and given.get("currency") is None and given.get("transactions"):
        raise _Refused(["currency"], "Currency must be specified for a multi-currency order")
    if given.get("currency") not in (None, money.presentment):
        raise _Refused(["currency"], "Currency must be the presentment currency of the order")
    wanted = Wanted()
    asked: dict[tuple[int, str], int] = {}
    for place, row in enumerate(given.get("refundLineItems") or []):
        wanted.lines.append(_line(order, row, ["refundLineItems", str(place)], asked))
    _shipping(order, given.get("shipping") or {}, wanted, money)
    used: dict[int, Bag] = {}
    for place, row in enumerate(given.get("transactions") or []):
        _payment(order, row, ["transactions", str(place)], wanted, used, money)
    if not (wanted.lines or wanted.shipping or wanted.payments):
        raise _Refused(None, "Refund must contain at least one line item, shipping or transaction")
    _limit(order, wanted, allowed=bool(given.get("allowOverRefunding")))
    return wanted


def _line(order: Record, row: Given, path: list[str], asked: dict[tuple[int, str], int]) -> Any:
    number = number_in(row["lineItemId"], "LineItem")
    line = line_of(order, number)
    if line is None or number is None:
        raise _Refused([*path, "lineItemId"], "Line item does not exist")
    restock = row.get("restockType") or "NO_RESTOCK"
    if restock == "LEGACY_RESTOCK":
        raise _Refused([*path, "restockType"], "Restock type is not accepted for new refunds")
    if row["quantity"] <= 0:
        raise _Refused([*path, "quantity"], "Quantity must be greater than 0")
    limits = {"CANCEL": unfulfilled_quantity, "RETURN": returnable, "NO_RESTOCK": current_quantity}
    asked[number, restock] = asked.get((number, restock), 0) + row["quantity"]
    total = sum(count for (each, _), count in asked.items() if each == number)
    if asked[number, restock] > limits[restock](line) or total > current_quantity(line):
        raise _Refused([*path, "quantity"], "Quantity cannot refund more items than were purchased")
    return number, row["quantity"], restock, id_in(row.get("locationId"), "Location")


def _shipping(order: Record, given: Given, wanted: Wanted, money: Currencies) -> None:
    rows = [(row, shipping_left(row)) for row in order.get("shipping") or ()]
    if given.get("fullRefund"):
        wanted.shipping = {row["id"]: left for row, left in rows if left}
    elif given.get("amount") is not None:
        rest = rounded(Decimal(given["amount"]), money.presentment)
        if rest > sum((left.presentment for _, left in rows), Decimal(0)):
            raise _Refused(["shipping", "amount"], "Shipping refund is greater than what was paid for shipping")
        for row, left in rows:
            part = min(rest, left.presentment)
            if part > 0:
                whole = {"amount": money.text(left)}
                wanted.shipping[row["id"]] = in_presentment(whole, ZERO, part, money)
                rest -= part


def _payment(
    order: Record, row: Given, path: list[str], wanted: Wanted, used: dict[int, Bag], money: Currencies
) -> None:
    if row["kind"] != "REFUND":
        raise _Refused([*path, "kind"], "Kind must be refund")
    rows = order.get("transactions") or []
    number = number_in(row.get("parentId"), "OrderTransaction")
    payments = [each for each in rows if each["kind"] in REFUNDABLE and each["status"] == "SUCCESS"]
    parent = next((each for each in payments if number is None or each["id"] == number), None)
    if parent is None:
        raise _Refused([*path, "parentId"], "Parent transaction is not a payment of this order")
    amount = rounded(Decimal(row["amount"]), money.presentment)
    if amount < 0:
        raise _Refused([*path, "amount"], "Amount must not be negative")
    before = used.get(parent["id"], refunded_of(parent, rows))
    part = in_presentment(parent, before, amount, money)
    used[parent["id"]] = before + part
    wanted.payments.append((parent, part))


def _limit(order: Record, wanted: Wanted, *, allowed: bool) -> None:
    total = ZERO
    for _, amount in wanted.payments:
        total += amount
    if total.presentment > parse(order["totals"]["net_payment"]).presentment and not allowed:
        raise _Refused(None, "Refund amount is greater than net payment received")

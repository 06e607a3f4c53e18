"""The filters and sort keys of `orders` and `fulfillmentOrders`; importing this makes them known to filters.py.

Source of names and values: Shopify's schema (arguments `query` and `sortKey`). Filters for what the sandbox has none of
(chargebacks, carts, channels, card numbers ...) match nothing. Whether an order is hidden when no `status` is asked for
is unverified (Admin API reference L.9): here none is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from shopify_sync.sandbox import filters
from shopify_sync.sandbox.registry import Context
from shopify_sync.sandbox.resources.amounts import parse
from shopify_sync.sandbox.resources.order_model import TABLE, horizon
from shopify_sync.sandbox.resources.order_money import current_quantity
from shopify_sync.sandbox.search import BadValue, Filter, Predicate, Term
from shopify_sync.sandbox.state import Record, Shop

_FINANCIAL = (
    "paid", "pending", "authorized", "partially_paid", "partially_refunded", "refunded", "voided", "expired",
)  # fmt: skip
# The values of the filter, and the states that each means.
_FULFILLMENT = {
    "unshipped": ("UNFULFILLED", "ON_HOLD", "SCHEDULED", "IN_PROGRESS"),
    "unfulfilled": ("UNFULFILLED",),
    "shipped": ("FULFILLED",),
    "fulfilled": ("FULFILLED",),
    "partial": ("PARTIALLY_FULFILLED",),
    "scheduled": ("SCHEDULED",),
    "on_hold": ("ON_HOLD",),
    "request_declined": ("REQUEST_DECLINED",),
}
_RETURN = ("return_requested", "in_progress", "inspection_complete", "returned", "return_failed", "no_return")
_ABSENT = (
    "cart_token", "channel", "channel_id", "chargeback_status", "checkout_token", "credit_card_last4",
    "delivery_method", "fraud_protection_level", "payment_provider_id", "sales_channel",
)  # fmt: skip


def quantity(record: Record) -> int:
    """`subtotalLineItemsQuantity`: the units of all lines."""
    return sum(int(line["quantity"]) for line in record["lines"])


def weight(record: Record) -> int:
    """The weight of the order in grams, before returns."""
    return sum(grams(line) * int(line["quantity"]) for line in record["lines"])


def grams(line: Record) -> int:
    """The weight of one unit in grams."""
    held = line.get("weight")
    if not held:
        return 0
    factor = {"GRAMS": 1.0, "KILOGRAMS": 1000.0, "OUNCES": 28.349523125, "POUNDS": 453.59237}[held["unit"]]
    return round(float(held["value"]) * factor)


def _values(term: Term) -> list[str]:
    return [part.strip().casefold() for part in term.value.split(",")]


def _one_of(known: Iterable[str], read: Callable[[Record], Any]) -> Filter:
    accepted = frozenset(known)

    def make(term: Term) -> Predicate:
        wanted = set(_values(term))
        if wanted == {"any"}:
            return lambda record: True
        if not wanted <= accepted:
            raise BadValue(term.value)
        return lambda record: (read(record) or "").casefold() in wanted

    return make


def _fulfillment(term: Term) -> Predicate:
    wanted = set(_values(term))
    if wanted == {"any"}:
        return lambda record: True
    if not wanted <= _FULFILLMENT.keys():
        raise BadValue(term.value)
    states = {state for value in wanted for state in _FULFILLMENT[value]}
    return lambda record: record["fulfillment"] in states


def _status(term: Term) -> Predicate:
    """open: neither closed nor cancelled; any: all of them. Values: the schema, and `any` of Shopify's docs."""
    tests: dict[str, Predicate] = {
        "any": lambda record: True,
        "open": lambda record: record["closedAt"] is None and record["cancelledAt"] is None,
        "closed": lambda record: record["closedAt"] is not None,
        "cancelled": lambda record: record["cancelledAt"] is not None,
        "not_closed": lambda record: record["closedAt"] is None,
    }
    wanted = _values(term)
    if not set(wanted) <= tests.keys():
        raise BadValue(term.value)
    return lambda record: any(tests[value](record) for value in wanted)


def _time(name: str, now: Callable[[], str]) -> Filter:
    """A time; `now` and a bare year are examples of the schema."""

    def make(term: Term) -> Predicate:
        value = term.value
        if value == "now":
            value = now()
        elif len(value) == 4 and value.isdigit():
            value = f"{date(int(value), 1, 1)}T00:00:00Z"
        return filters.time_filter(name)(replace(term, value=value))

    return make


def _amount(read: Callable[[Record], Decimal | int]) -> Filter:
    def make(term: Term) -> Predicate:
        try:
            wanted = Decimal(term.value)
        except InvalidOperation:
            raise BadValue(term.value) from None
        test = filters.TEST[term.comparator]
        return lambda record: test(read(record), wanted)

    return make


def _texts(read: Callable[[Record], Iterable[str | None]]) -> Filter:
    def make(term: Term) -> Predicate:
        fits = filters.matcher(term)
        return lambda record: any(fits(text) for text in read(record))

    return make


def _name(term: Term) -> Predicate:
    """With or without the `#`; recorded: order-catalog-count-read (`name:1494`)."""
    fits = filters.matcher(replace(term, value=term.value.removeprefix("#")))
    return lambda record: fits(record["name"].removeprefix("#"))


def _numbers(read: Callable[[Record], Iterable[int | None]]) -> Filter:
    def make(term: Term) -> Predicate:
        wanted = {filters.number_value(part) for part in term.value.split(",")}
        return lambda record: any(number in wanted for number in read(record))

    return make


def _nothing(term: Term) -> Predicate:
    return lambda record: False


def _risk(term: Term) -> Predicate:
    wanted = set(_values(term))
    if not wanted <= {"high", "medium", "low", "none", "pending"}:
        raise BadValue(term.value)
    return lambda record: (record.get("risk") or "none").casefold() in wanted


def _test(term: Term) -> Predicate:
    if term.value.lower() not in ("true", "false"):
        raise BadValue(term.value)
    wanted = term.value.lower() == "true"
    return lambda record: bool(record.get("test")) is wanted


def order_filters(shop: Shop) -> dict[str, Filter]:
    """The filters of `orders`, `ordersCount` and `Customer.orders`."""
    fulfillments = shop.table("Fulfillment")

    def locations(record: Record) -> list[int | None]:
        return [fulfillments[number]["locationId"] for number in record.get("fulfillmentIds") or ()]

    def gateways(record: Record) -> list[str]:
        return [row["gateway"] for row in record.get("transactions") or ()]

    tag = _texts(operator.itemgetter("tags"))

    def tag_not(term: Term) -> Predicate:
        tagged = tag(term)
        return lambda record: not tagged(record)

    known: dict[str, Filter] = {
        "id": filters.id_filter,
        "name": _name,
        "status": _status,
        "financial_status": _one_of(_FINANCIAL, lambda record: record["financial"]),
        "fulfillment_status": _fulfillment,
        "return_status": _one_of(_RETURN, lambda record: record["return"]),
        "created_at": _time("createdAt", shop.now_iso),
        "updated_at": _time("updatedAt", shop.now_iso),
        "processed_at": _time("processedAt", shop.now_iso),
        "tag": tag,
        "tag_not": tag_not,
        "test": _test,
        "email": _texts(lambda record: [record["email"]]),
        "sku": _texts(lambda record: [line.get("sku") for line in record["lines"]]),
        "gateway": _texts(gateways),
        "discount_code": _texts(lambda record: [row.get("code") for row in record.get("discounts") or ()]),
        "confirmation_number": _texts(lambda record: [record["confirmationNumber"]]),
        "po_number": _texts(lambda record: [record.get("poNumber")]),
        "source_name": _texts(lambda record: [record.get("sourceName")]),
        "source_identifier": _texts(lambda record: [record.get("sourceIdentifier")]),
        "payment_id": _texts(lambda record: [row.get("paymentId") for row in record.get("transactions") or ()]),
        "customer_id": _numbers(lambda record: [record["customerId"]]),
        "fulfillment_location_id": _numbers(locations),
        "location_id": _numbers(lambda record: [record.get("retailLocationId")]),
        "reference_location_id": _numbers(locations),
        "current_total_price": _amount(lambda record: parse(record["totals"]["current_total_price"]).shop),
        "subtotal_line_items_quantity": _amount(quantity),
        "total_weight": _amount(weight),
        "risk_level": _risk,
    }
    return {**known, **dict.fromkeys(_ABSENT, _nothing)}


def fulfillment_order_filters(shop: Shop) -> dict[str, Filter]:
    """The filters of `fulfillmentOrders`."""
    return {
        "id": filters.id_filter,
        "status": _one_of(
            ("cancelled", "closed", "incomplete", "in_progress", "on_hold", "open", "scheduled"),
            lambda record: record["status"],
        ),
        "assigned_location_id": _numbers(lambda record: [record["locationId"]]),
        "updated_at": _time("updatedAt", shop.now_iso),
    }


def part_filters(shop: Shop) -> dict[str, Filter]:
    """The filters of the lists inside an order: fulfilments by time, fulfilment orders and returns by state."""
    return {
        **fulfillment_order_filters(shop),
        "status": _texts(lambda record: [record["status"]]),
        "created_at": _time("createdAt", shop.now_iso),
    }


def _visible_order(ctx: Context) -> Predicate | None:
    oldest = horizon(ctx)
    return None if oldest is None else lambda record: record["createdAt"] >= oldest


def _visible_part(ctx: Context) -> Predicate | None:
    oldest, orders = horizon(ctx), ctx.shop.table(TABLE)
    return None if oldest is None else lambda record: orders[record["orderId"]]["createdAt"] >= oldest


filters.FILTERS[TABLE] = order_filters
filters.FILTERS["FulfillmentOrder"] = fulfillment_order_filters
filters.DEFAULTS[TABLE] = filters.words_filter("name", "email", "note", "tags")
filters.DEFAULTS["FulfillmentOrder"] = _nothing
filters.VISIBLE[TABLE] = _visible_order
filters.VISIBLE["FulfillmentOrder"] = _visible_part


# -- sort keys

SortKeys = dict[str, Callable[[Record], Any]]


def _customer_name(record: Record) -> str:
    held = record.get("billingAddress") or record.get("shippingAddress") or {}
    return f"{held.get('lastName') or ''} {held.get('firstName') or ''}".strip().casefold()


def _destination(record: Record) -> str:
    held = record.get("shippingAddress") or {}
    return " ".join(str(held.get(key) or "") for key in ("countryCodeV2", "provinceCode", "city")).casefold()


ORDER_KEYS: SortKeys = {
    "ID": operator.itemgetter("id"),
    "RELEVANCE": operator.itemgetter("id"),
    "CREATED_AT": operator.itemgetter("createdAt"),
    "UPDATED_AT": operator.itemgetter("updatedAt"),
    "PROCESSED_AT": operator.itemgetter("processedAt"),
    "ORDER_NUMBER": operator.itemgetter("number"),
    "FINANCIAL_STATUS": lambda record: record["financial"] or "",
    "FULFILLMENT_STATUS": operator.itemgetter("fulfillment"),
    "PO_NUMBER": lambda record: (record.get("poNumber") or "").casefold(),
    "TOTAL_PRICE": lambda record: int(parse(record["totals"]["total_price"]).shop * 1000),
    "CURRENT_TOTAL_PRICE": lambda record: int(parse(record["totals"]["current_total_price"]).shop * 1000),
    "TOTAL_ITEMS_QUANTITY": quantity,
    "CUSTOMER_NAME": _customer_name,
    "DESTINATION": _destination,
}
FULFILLMENT_ORDER_KEYS: SortKeys = {
    "ID": operator.itemgetter("id"),
    "UPDATED_AT": operator.itemgetter("updatedAt"),
}


def current_units(record: Record) -> int:
    """`currentSubtotalLineItemsQuantity`."""
    return sum(current_quantity(line) for line in record["lines"])

"""The fields of `Order` that are more than a key of its record; its sums: read_order_money.py.

Source: types, arguments and descriptions of Shopify's schema.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shopify_sync.sandbox.registry import Args, Context, Page, connection, field
from shopify_sync.sandbox.resources.amounts import parse
from shopify_sync.sandbox.resources.event_log import TABLE as EVENTS
from shopify_sync.sandbox.resources.order_edits import edit_problems
from shopify_sync.sandbox.resources.order_filters import current_units, grams, part_filters, quantity, weight
from shopify_sync.sandbox.resources.order_model import parts_of
from shopify_sync.sandbox.resources.order_money import current_quantity, unfulfilled_quantity
from shopify_sync.sandbox.resources.order_payments import can_mark_as_paid
from shopify_sync.sandbox.resources.order_states import ENDED
from shopify_sync.sandbox.resources.read_order_money import application
from shopify_sync.sandbox.resources.read_products import count
from shopify_sync.sandbox.search import compile_search
from shopify_sync.sandbox.state import Record

# -- states and flags

_KEYS = {
    "currencyCode": "currency",
    "presentmentCurrencyCode": "presentment",
    "displayFinancialStatus": "financial",
    "displayFulfillmentStatus": "fulfillment",
    "returnStatus": "return",
}


def _key_of(key: str) -> Callable[[Context, Record, Args], Any]:
    return lambda ctx, raw, args: raw.get(key)


for _name, _key in _KEYS.items():
    field("Order", _name)(_key_of(_key))


def _money(raw: Record, key: str) -> Any:
    return parse(raw["totals"][key]).shop


_FLAGS: dict[str, Callable[[Record], bool]] = {
    "canMarkAsPaid": can_mark_as_paid,
    "canNotifyCustomer": lambda raw: bool(raw["email"]),
    "capturable": lambda raw: _money(raw, "total_capturable") > 0,
    "closed": lambda raw: raw["closedAt"] is not None,
    "confirmed": lambda raw: raw.get("confirmed", True),
    "customerAcceptsMarketing": lambda raw: bool(raw.get("customerAcceptsMarketing")),
    "dutiesIncluded": lambda raw: False,
    "edited": lambda raw: bool(raw.get("edited")),
    "estimatedTaxes": lambda raw: False,
    "fullyPaid": lambda raw: _money(raw, "total_received") >= _money(raw, "total_price"),
    "hasTimelineComment": lambda raw: False,
    "merchantEditable": lambda raw: not edit_problems(raw),
    "productNetwork": lambda raw: False,
    "refundable": lambda raw: _money(raw, "net_payment") > 0,
    "requiresShipping": lambda raw: any(line.get("requiresShipping") for line in raw["lines"]),
    "restockable": lambda raw: any(line.get("variantId") and current_quantity(line) for line in raw["lines"]),
    "taxExempt": lambda raw: bool(raw.get("taxExempt")),
    "taxesIncluded": lambda raw: bool(raw.get("taxesIncluded")),
    "test": lambda raw: bool(raw.get("test")),
    "unpaid": lambda raw: _money(raw, "total_received") <= 0,
}


def _flag(test: Callable[[Record], bool]) -> Callable[[Context, Record, Args], bool]:
    return lambda ctx, raw, args: test(raw)


for _name, _test in _FLAGS.items():
    field("Order", _name)(_flag(_test))


@field("Order", "fulfillable")
def fulfillable(ctx: Context, raw: Record, args: Args) -> bool:
    return any(row["status"] not in ENDED for row in parts_of(ctx.shop, raw, "fulfillmentOrderIds"))


@field("Order", "billingAddressMatchesShippingAddress")
def addresses_match(ctx: Context, raw: Record, args: Args) -> bool:
    """False when one is missing."""
    billing, shipping = raw.get("billingAddress"), raw.get("shippingAddress")
    if not billing or not shipping:
        return False
    return {**billing, "id": None} == {**shipping, "id": None}


@field("Order", "merchantEditableErrors")
def merchant_editable_errors(ctx: Context, raw: Record, args: Args) -> list[str]:
    return edit_problems(raw)


@field("Order", "cancellation")
def cancellation(ctx: Context, raw: Record, args: Args) -> Record | None:
    return None if raw["cancelledAt"] is None else {"staffNote": raw.get("staffNote")}


@field("Order", "discountCodes")
def discount_codes(ctx: Context, raw: Record, args: Args) -> list[str]:
    return [row["code"] for row in raw.get("discounts") or () if "code" in row]


@field("Order", "discountCode")
def discount_code(ctx: Context, raw: Record, args: Args) -> str | None:
    return next(iter(discount_codes(ctx, raw, args)), None)


@field("Order", "paymentGatewayNames")
def payment_gateway_names(ctx: Context, raw: Record, args: Args) -> list[str]:
    return list(dict.fromkeys(row["gateway"] for row in raw.get("transactions") or () if row["gateway"]))


@field("Order", "statusPageUrl")
def status_page_url(ctx: Context, raw: Record, args: Args) -> str:
    return f"https://{ctx.shop.domain}/{ctx.shop.shop_id}/orders/{raw['confirmationNumber'].lower()}/authenticate"


def _empty(ctx: Context, raw: Record, args: Args) -> list[Any]:
    return []


for _name in ("additionalFees", "alerts"):
    field("Order", _name)(_empty)


@field("Order", "customAttributes")
def custom_attributes(ctx: Context, raw: Record, args: Args) -> list[Record]:
    return raw.get("customAttributes") or []


@field("Order", "paymentCollectionDetails")
def payment_collection(ctx: Context, raw: Record, args: Args) -> Record:
    return {"additionalPaymentCollectionUrl": None}


@field("Order", "risk")
def risk(ctx: Context, raw: Record, args: Args) -> Record:
    """One assessment by the provider of the store, where there is one."""
    level = raw.get("risk")
    if level is None:
        return {"recommendation": "NONE", "assessments": []}
    recommendation = {"HIGH": "CANCEL", "MEDIUM": "INVESTIGATE"}.get(level, "ACCEPT")
    sentiment = "POSITIVE" if level == "LOW" else "NEGATIVE"
    facts = [{"description": "Location of IP address used to place the order", "sentiment": sentiment}]
    return {
        "recommendation": recommendation,
        "assessments": [{"riskLevel": level, "provider": None, "facts": facts}],
    }


@field("Order", "app")
def app(ctx: Context, raw: Record, args: Args) -> Record:
    """The online store for orders of buyers, else the app that speaks to the sandbox."""
    web = raw.get("sourceName") == "web"
    icon = {"id": None, "url": f"https://{ctx.shop.domain}/app-icon.png", "_type": "Image"}
    number, name = (580_111, "Online Store") if web else (5_000_001, "Sandbox App")
    return {"id": f"gid://shopify/App/{number}", "name": name, "icon": icon}


@field("Order", "customer")
def customer(ctx: Context, raw: Record, args: Args) -> Record | None:
    """Null for guests, and once the customer is gone."""
    return ctx.shop.table("Customer").get(raw["customerId"] or 0)


# -- quantities


@field("Order", "subtotalLineItemsQuantity")
def subtotal_quantity(ctx: Context, raw: Record, args: Args) -> int:
    return quantity(raw)


@field("Order", "currentSubtotalLineItemsQuantity")
def current_subtotal_quantity(ctx: Context, raw: Record, args: Args) -> int:
    return current_units(raw)


@field("Order", "totalWeight")
def total_weight(ctx: Context, raw: Record, args: Args) -> str:
    return str(weight(raw))


@field("Order", "currentTotalWeight")
def current_total_weight(ctx: Context, raw: Record, args: Args) -> str:
    return str(sum(grams(line) * current_quantity(line) for line in raw["lines"]))


# -- parts


@field("Order", "lineItems")
def line_items(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(raw["lines"], args)


@field("Order", "nonFulfillableLineItems")
def non_fulfillable(ctx: Context, raw: Record, args: Args) -> Page:
    """Lines of which nothing can be fulfilled any more and nothing was."""
    rows = [line for line in raw["lines"] if not line.get("fulfilled") and not unfulfilled_quantity(line)]
    return connection(rows, args)


@field("Order", "shippingLines")
def shipping_lines(ctx: Context, raw: Record, args: Args) -> Page:
    return connection(raw.get("shipping") or [], args)


@field("Order", "shippingLine")
def shipping_line(ctx: Context, raw: Record, args: Args) -> Record | None:
    """All shipping as one line; its title and code are those of the first."""
    rows = raw.get("shipping") or []
    return rows[0] if rows else None


@field("Order", "discountApplications")
def discount_applications(ctx: Context, raw: Record, args: Args) -> Page:
    rows = [application(raw, place) for place in range(len(raw.get("discounts") or ()))]
    return connection(rows, args)


@field("Order", "transactions")
def transactions(ctx: Context, raw: Record, args: Args) -> list[Record]:
    rows = raw.get("transactions") or []
    if args.get("capturable") is not None:
        rows = [row for row in rows if _capturable(raw, row) is args["capturable"]]
    if args.get("manuallyResolvable"):
        rows = []
    return rows if args.get("first") is None else rows[: args["first"]]


def _capturable(order: Record, row: Record) -> bool:
    return bool(row["kind"] == "AUTHORIZATION" and _money(order, "total_capturable") > 0)


@field("Order", "transactionsCount")
def transactions_count(ctx: Context, raw: Record, args: Args) -> Record:
    return count(len(raw.get("transactions") or ()))


@field("Order", "fulfillments")
def fulfillments(ctx: Context, raw: Record, args: Args) -> list[Record]:
    """Newest first; recorded: fulfillment-cancel-parity (very-big-test-store)."""
    rows = parts_of(ctx.shop, raw, "fulfillmentIds")[::-1]
    rows = _chosen(ctx, rows, args.get("query"))
    return rows if args.get("first") is None else rows[: args["first"]]


def _chosen(ctx: Context, rows: list[Record], query: str | None) -> list[Record]:
    """The parts of an order that a query matches, with its warnings noted."""
    if not query or not query.strip():
        return rows
    search = compile_search(query, part_filters(ctx.shop), lambda term: lambda record: True)
    if search.warnings:
        ctx.search.append(search.extension(ctx.path, query))
    test = search.predicate
    return rows if test is None else [row for row in rows if test(row)]


@field("Order", "fulfillmentsCount")
def fulfillments_count(ctx: Context, raw: Record, args: Args) -> Record:
    return count(len(raw.get("fulfillmentIds") or ()))


@field("Order", "fulfillmentOrders")
def order_fulfillment_orders(ctx: Context, raw: Record, args: Args) -> Page:
    rows = parts_of(ctx.shop, raw, "fulfillmentOrderIds")
    return connection(_chosen(ctx, rows, args.get("query")), args)


@field("Order", "refunds")
def refunds(ctx: Context, raw: Record, args: Args) -> list[Record]:
    rows = parts_of(ctx.shop, raw, "refundIds")
    return rows if args.get("first") is None else rows[: args["first"]]


@field("Order", "returns")
def returns(ctx: Context, raw: Record, args: Args) -> Page:
    rows = parts_of(ctx.shop, raw, "returnIds")
    return connection(_chosen(ctx, rows, args.get("query")), args)


@field("Order", "events")
def events(ctx: Context, raw: Record, args: Args) -> Page:
    """Those that are still kept, in order of time."""
    table = ctx.shop.table(EVENTS)
    rows = [table[number] for number in raw.get("eventIds") or () if number in table]
    return connection(rows, args)

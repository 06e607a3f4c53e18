"""The root fields that read orders and their parts, and the fields of `Order` that are more than a key of its record.

Source: types, arguments and descriptions of Shopify's schema. An id of another type or of nothing gives null. Orders
older than 60 days are absent without `read_all_orders` (Shopify docs, scopes), from lists, counts and bulk results too.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from shopify_sync.sandbox.filters import index_page, matching, run_search
from shopify_sync.sandbox.registry import Args, Context, Page, TopLevelError, connection, field, query_field
from shopify_sync.sandbox.resources.event_log import TABLE as EVENTS
from shopify_sync.sandbox.resources.order_edits import edit_problems
from shopify_sync.sandbox.resources.order_filters import (
    FULFILLMENT_ORDER_KEYS,
    ORDER_KEYS,
    current_units,
    grams,
    part_filters,
    quantity,
    weight,
)
from shopify_sync.sandbox.resources.order_model import TABLE, find_order, find_part, orders_of, parts_of
from shopify_sync.sandbox.resources.order_money import (
    current_quantity,
    parse,
    tax_rows,
    unfulfilled_quantity,
)
from shopify_sync.sandbox.resources.order_payments import can_mark_as_paid
from shopify_sync.sandbox.resources.order_states import ENDED
from shopify_sync.sandbox.resources.read_products import count
from shopify_sync.sandbox.search import compile_search
from shopify_sync.sandbox.state import Record

COUNT_LIMIT = 10_000  # Shopify's schema, `ordersCount`: the default; null means no limit
_NO_CUSTOM_ID = "Metafield definition of type 'id' is required when using custom ids."

# -- money


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


# -- roots


@query_field("orders")
def orders(ctx: Context, args: Args) -> Page:
    _no_saved_search(args)
    sort_key = args.get("sortKey") or "PROCESSED_AT"
    return index_page(ctx, TABLE, sort_key, ORDER_KEYS[sort_key], args)


def orders_of_customer(ctx: Context, customer_id: int, args: Args) -> Page:
    """The connection `Customer.orders`: filters, sort keys and window as for `orders`, by id when nothing is said."""
    sort_key = args.get("sortKey") or "ID"
    search = run_search(ctx, TABLE, args.get("query"))
    test = search.predicate if search is not None else None
    key = ORDER_KEYS[sort_key]
    rows = [row for row in orders_of(ctx.shop, customer_id) if test is None or test(row)]
    return connection(sorted(rows, key=lambda row: (key(row), row["id"])), args, key=key)


def _no_saved_search(args: Args) -> None:
    if args.get("savedSearchId") is not None:
        raise TopLevelError("The sandbox has no saved searches", "NOT_IMPLEMENTED")


@query_field("ordersCount")
def orders_count(ctx: Context, args: Args) -> Record:
    _no_saved_search(args)
    limit = args.get("limit", COUNT_LIMIT)
    search = run_search(ctx, TABLE, args.get("query"))
    found = (
        len(ctx.shop.table(TABLE))
        if search is None
        else sum(1 for _ in islice(matching(ctx, TABLE, search), None if limit is None else limit + 1))
    )
    if limit is not None and found > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": found, "precision": "EXACT"}


@query_field("order")
def order(ctx: Context, args: Args) -> Record | None:
    return find_order(ctx, args["id"])


@query_field("orderByIdentifier")
def order_by_identifier(ctx: Context, args: Args) -> Record | None:
    """By id; custom ids need a metafield definition, of which the sandbox has none."""
    if args["identifier"].get("customId"):
        raise TopLevelError(_NO_CUSTOM_ID, "NOT_FOUND")
    return find_order(ctx, args["identifier"].get("id"))


def _part(kind: str) -> Callable[[Context, Args], Record | None]:
    def read(ctx: Context, args: Args) -> Record | None:
        found = find_part(ctx, args["id"], kind)
        return None if found is None else found[0]

    return read


for _root, _kind in (
    ("refund", "Refund"),
    ("fulfillment", "Fulfillment"),
    ("fulfillmentOrder", "FulfillmentOrder"),
    ("return", "Return"),
):
    query_field(_root)(_part(_kind))


@query_field("fulfillmentOrders")
def fulfillment_orders(ctx: Context, args: Args) -> Page:
    """Without the closed and cancelled ones, unless `includeClosed`."""
    sort_key = args.get("sortKey") or "ID"
    if not args.get("includeClosed"):
        query = args.get("query")
        rest = " OR ".join(f"status:{name}" for name in ("open", "in_progress", "on_hold", "scheduled", "incomplete"))
        args = {**args, "query": f"({query}) ({rest})" if query else f"({rest})"}
    return index_page(ctx, "FulfillmentOrder", sort_key, FULFILLMENT_ORDER_KEYS[sort_key], args)


# -- sums

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

"""The root fields that read orders and their parts.

Source: types, arguments and descriptions of Shopify's schema. An id of another type or of nothing gives null. Orders
older than 60 days are absent without `read_all_orders` (Shopify docs, scopes), from lists, counts and bulk results too.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from shopify_sync.sandbox.filters import index_page, matching, run_search
from shopify_sync.sandbox.registry import Args, Context, Page, TopLevelError, connection, query_field
from shopify_sync.sandbox.resources.order_filters import FULFILLMENT_ORDER_KEYS, ORDER_KEYS
from shopify_sync.sandbox.resources.order_model import TABLE, find_order, find_part, orders_of
from shopify_sync.sandbox.state import Record

COUNT_LIMIT = 10_000  # Shopify's schema, `ordersCount`: the default; null means no limit
_NO_CUSTOM_ID = "Metafield definition of type 'id' is required when using custom ids."


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

"""The filters and sort keys of products, variants, collections and events, and pages cut from kept indexes.

Source of names: Shopify's schema (arguments `query` and `sortKey`). What a filter compares follows Shopify's search
syntax: texts ignore case, times and numbers take comparators.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shopify_sync.sandbox.index import Row
from shopify_sync.sandbox.registry import Args, Context, Page, TopLevelError, decode_cursor, page_size
from shopify_sync.sandbox.search import BadValue, Filter, Predicate, Search, Term, compile_search
from shopify_sync.sandbox.state import Record, Shop, iso, parse_gid

SortKey = Callable[[Record], Any]
TEST: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def time_value(text: str) -> str:
    """A time of a query in the form of the records. Raises BadValue."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(text) from None
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def number_value(text: str) -> int:
    """An id of a query: a number or a gid. Raises BadValue."""
    try:
        return parse_gid(text)[1] if text.startswith("gid:") else int(text)
    except ValueError:
        raise BadValue(text) from None


def _time(name: str) -> Filter:
    def make(term: Term) -> Predicate:
        if term.value == "*":
            return lambda record: record[name] is not None
        wanted, test = time_value(term.value), TEST[term.comparator]
        return lambda record: record[name] is not None and test(record[name], wanted)

    return make


def _number(read: Callable[[Record], Any]) -> Filter:
    def make(term: Term) -> Predicate:
        test = TEST[term.comparator]
        wanted = [number_value(part) for part in term.value.split(",")]
        return lambda record: any(test(read(record), each) for each in wanted)

    return make


def _match(term: Term) -> Callable[[str | None], bool]:
    """Does a text fit the term's value: equal without case, a prefix with `*`, one of a list with commas."""
    value = term.value.casefold()
    if value == "*":
        return bool
    if value.endswith("*") and not term.quoted:
        prefix = value[:-1]
        return lambda text: text is not None and text.casefold().startswith(prefix)
    alternatives = {value} if term.quoted else {value, *value.split(",")}
    return lambda text: (text or "").casefold() in alternatives


def _text(name: str) -> Filter:
    def make(term: Term) -> Predicate:
        fits = _match(term)
        return lambda record: fits(record[name])

    return make


def _words(*names: str) -> Filter:
    def make(term: Term) -> Predicate:
        value = term.value.casefold().removesuffix("*")

        def test(record: Record) -> bool:
            for name in names:
                held = record.get(name)
                text = " ".join(held) if isinstance(held, list) else held or ""
                if value in text.casefold():
                    return True
            return False

        return test

    return make


def _status(term: Term) -> Predicate:
    wanted = {part.strip().upper() for part in term.value.split(",")}
    if not wanted <= {"ACTIVE", "ARCHIVED", "DRAFT", "UNLISTED"}:
        raise BadValue(term.value)
    return lambda record: record["status"] in wanted


def _flag(name: str) -> Filter:
    def make(term: Term) -> Predicate:
        if term.value.lower() not in ("true", "false"):
            raise BadValue(term.value)
        wanted = term.value.lower() == "true"
        return lambda record: record[name] is wanted

    return make


def _tag(term: Term) -> Predicate:
    fits = _match(term)
    return lambda record: any(fits(tag) for tag in record["tags"])


def _tag_not(term: Term) -> Predicate:
    tagged = _tag(term)
    return lambda record: not tagged(record)


def product_filters(shop: Shop) -> dict[str, Filter]:
    """The filters of `products`."""
    variants = shop.table("ProductVariant")

    def of_variants(name: str) -> Filter:
        def make(term: Term) -> Predicate:
            fits = _match(term)
            return lambda record: any(fits(variants[number][name]) for number in record["variantIds"])

        return make

    def collection(term: Term) -> Predicate:
        wanted = number_value(term.value)
        return lambda record: wanted in record["collectionIds"]

    return {
        "id": _number(lambda record: record["id"]),
        "created_at": _time("createdAt"),
        "updated_at": _time("updatedAt"),
        "published_at": _time("publishedAt"),
        "handle": _text("handle"),
        "title": _words("title"),
        "status": _status,
        "vendor": _text("vendor"),
        "product_type": _text("productType"),
        "tag": _tag,
        "tag_not": _tag_not,
        "gift_card": _flag("isGiftCard"),
        "sku": of_variants("sku"),
        "barcode": of_variants("barcode"),
        "collection_id": collection,
    }


def variant_filters(shop: Shop) -> dict[str, Filter]:
    """The filters of `productVariants`."""
    del shop
    product = _number(lambda record: record["productId"])
    return {
        "id": _number(lambda record: record["id"]),
        "product_id": product,
        "product_ids": product,
        "sku": _text("sku"),
        "barcode": _text("barcode"),
        "title": _words("title"),
        "updated_at": _time("updatedAt"),
    }


def collection_filters(shop: Shop) -> dict[str, Filter]:
    """The filters of `collections`."""
    del shop
    return {
        "id": _number(lambda record: record["id"]),
        "handle": _text("handle"),
        "title": _words("title"),
        "updated_at": _time("updatedAt"),
    }


def event_filters(shop: Shop) -> dict[str, Filter]:
    """The filters of `events`. There are no comment events, so `comments` leaves none out."""

    def created(term: Term) -> Predicate:  # `created_at:<now` is an example of Shopify's schema
        return _time("createdAt")(replace(term, value=shop.now_iso()) if term.value == "now" else term)

    def comments(term: Term) -> Predicate:
        return lambda record: True

    return {
        "id": _number(lambda record: record["id"]),
        "action": _text("action"),
        "subject_type": _text("subjectType"),
        "created_at": created,
        "comments": comments,
    }


DEFAULTS: dict[str, Filter] = {
    "Product": _words("title", "vendor", "productType", "tags", "handle"),
    "ProductVariant": _words("title", "sku", "barcode"),
    "Collection": _words("title", "handle"),
    "BasicEvent": _words("message"),
}
FILTERS: dict[str, Callable[[Shop], dict[str, Filter]]] = {
    "Product": product_filters,
    "ProductVariant": variant_filters,
    "Collection": collection_filters,
    "BasicEvent": event_filters,
}
# What a caller may see of a table at all: a test of its records, None for all of them.
VISIBLE: dict[str, Callable[[Context], Predicate | None]] = {}
# Which filter a sort key can be cut by: the bounds become positions in the index. `sku` is an index only.
_BOUND_BY: dict[str, tuple[str, Callable[[str], Any]]] = {
    "ID": ("id", number_value),
    "CREATED_AT": ("created_at", time_value),
    "UPDATED_AT": ("updated_at", time_value),
    "PROCESSED_AT": ("processed_at", time_value),
}
# The makers of filters, for modules that bring tables of their own.
time_filter, words_filter, matcher, id_filter = _time, _words, _match, _number(lambda record: record["id"])


def run_search(ctx: Context, type_name: str, query: str | None) -> Search | None:
    """The compiled query, with its warnings noted for `extensions.search`; None when there is none.

    What the caller may not see is left out by the same predicate.
    """
    visible = VISIBLE[type_name](ctx) if type_name in VISIBLE else None
    if query is None or not query.strip():
        return None if visible is None else Search(predicate=visible)
    search = compile_search(query, FILTERS[type_name](ctx.shop), DEFAULTS[type_name])
    if search.warnings:
        ctx.search.append(search.extension(ctx.path, query))
    wanted = search.predicate
    if visible is not None:
        test = visible
        search.predicate = test if wanted is None else lambda record: test(record) and wanted(record)
    return search


def matching(ctx: Context, type_name: str, search: Search | None) -> Iterator[Record]:
    """The records that a query matches, in order of ids."""
    table = ctx.shop.table(type_name)
    for _, number in _rows(ctx, type_name, "ID", _by_id, search):
        record = table[number]
        if search is None or search.predicate is None or search.predicate(record):
            yield record


def index_page(ctx: Context, type_name: str, sort_key: str, key: SortKey, args: Args) -> Page:
    """A page of a whole table in the order of a sort key; costs as much as it looks at. Raises TopLevelError."""
    size, from_end = page_size(args)
    search = run_search(ctx, type_name, args.get("query"))
    rows = _rows(ctx, type_name, sort_key, key, search)
    reverse = bool(args.get("reverse"))
    low, high = 0, len(rows)
    for name in ("after", "before"):
        if args.get(name):
            position = _place(rows, args[name], right=(name == "after") != reverse)
            if (name == "after") != reverse:
                low = max(low, position)
            else:
                high = min(high, position)
    upwards = reverse == from_end  # walk from the side where the page begins
    positions = range(low, high) if upwards else range(high - 1, low - 1, -1)
    found = _take(ctx.shop.table(type_name), rows, positions, size + 1, search)
    more = len(found) > size
    items = found[:size]
    if from_end:
        items.reverse()
    beyond = bool(args.get("after")) if not from_end else bool(args.get("before"))
    has_next, has_previous = (beyond, more) if from_end else (more, beyond)
    return Page(items, has_next, has_previous, key)


def _by_id(record: Record) -> Any:
    return record["id"]


def _rows(ctx: Context, type_name: str, sort_key: str, key: SortKey, search: Search | None) -> list[Row]:
    """The rows worth looking at, in order."""
    numbers = _candidates(ctx.shop, type_name, search)
    if numbers is None:
        return _bounded(ctx.shop.sorted_by(type_name, sort_key, key).rows, sort_key, search)
    table = ctx.shop.table(type_name)
    return sorted((key(table[number]), number) for number in numbers)


def _take(
    table: dict[int, Record], rows: list[Row], positions: range, limit: int, search: Search | None
) -> list[Record]:
    test = search.predicate if search is not None else None
    found: list[Record] = []
    for position in positions:
        record = table[rows[position][1]]
        if test is None or test(record):
            found.append(record)
            if len(found) == limit:
                break
    return found


def _place(rows: list[Row], cursor: str, *, right: bool) -> int:
    value, number = decode_cursor(cursor)
    try:
        return (bisect_right if right else bisect_left)(rows, (value, int(number)))
    except (TypeError, ValueError):
        raise TopLevelError(f"Invalid cursor for current pagination sort: {cursor}.", "BAD_REQUEST") from None


def _bounded(rows: list[Row], sort_key: str, search: Search | None) -> list[Row]:
    """The part of the index that the query's bounds on the sort key leave."""
    if search is None or sort_key not in _BOUND_BY:
        return rows
    name, read = _BOUND_BY[sort_key]
    low, high = 0, len(rows)
    for term in search.terms:
        if term.field != name or term.value == "*" or "," in term.value:
            continue
        try:
            value = read(term.value)
        except BadValue:
            continue
        if term.comparator in (">=", "="):
            low = max(low, bisect_left(rows, (value,)))  # a shorter tuple sorts first
        if term.comparator == ">":
            low = max(low, bisect_right(rows, (value, float("inf"))))
        if term.comparator in ("<=", "="):
            high = min(high, bisect_right(rows, (value, float("inf"))))
        if term.comparator == "<":
            high = min(high, bisect_left(rows, (value,)))
    return rows if (low, high) == (0, len(rows)) else rows[low : max(low, high)]


def _candidates(shop: Shop, type_name: str, search: Search | None) -> list[int] | None:
    """The few ids that an exact handle or sku can mean; None when there is no such term."""
    for term in search.terms if search is not None else ():
        if term.comparator != "=" or "*" in term.value or "," in term.value:
            continue
        if term.field == "handle" and type_name in ("Product", "Collection"):
            record = shop.by_handle(type_name, term.value.lower())
            return [] if record is None else [record["id"]]
        if term.field == "sku" and type_name in ("Product", "ProductVariant"):
            return _with_sku(shop, term.value.casefold(), type_name)
    return None


def _with_sku(shop: Shop, sku: str, type_name: str) -> list[int]:
    rows = shop.sorted_by("ProductVariant", "sku", lambda record: (record["sku"] or "").casefold()).rows
    at = bisect_left(rows, (sku,))
    variants = shop.table("ProductVariant")
    numbers: dict[int, None] = {}
    while at < len(rows) and rows[at][0] == sku:
        number = rows[at][1]
        numbers[variants[number]["productId"] if type_name == "Product" else number] = None
        at += 1
    return list(numbers)

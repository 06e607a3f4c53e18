"""`bulkOperation`, `bulkOperations`, `currentBulkOperation`. Recorded: bulk-operations-read-arg-validation,
bulk-operation-status-catalog-cancel.
"""

from __future__ import annotations

from collections.abc import Callable

from shopify_sync.sandbox.filters import TEST, number_value, time_value
from shopify_sync.sandbox.registry import Args, Context, Page, TopLevelError, before_each, connection, query_field
from shopify_sync.sandbox.search import BadValue, Filter, Predicate, Term, compile_search
from shopify_sync.sandbox.state import Record, Shop, parse_gid

# Recorded: EXPIRED is no accepted value.
_STATUSES = ("CANCELED", "CANCELING", "COMPLETED", "CREATED", "FAILED", "RUNNING")


@before_each
def settle(shop: Shop) -> None:
    """Move the operations to where they are by now."""
    shop.desk.advance(shop.now())


@query_field("bulkOperation")
def bulk_operation(ctx: Context, args: Args) -> Record | None:
    """Raises TopLevelError for an id of another type."""
    kind, number = _gid(args["id"])
    if kind != "BulkOperation":
        raise TopLevelError(f"Invalid id: {args['id']}", "RESOURCE_NOT_FOUND")
    found = ctx.shop.desk.operations.get(number)
    return None if found is None else ctx.shop.desk.record(found)


def _gid(text: str) -> tuple[str, int]:
    try:
        return parse_gid(text)
    except ValueError:
        return "", 0


@query_field("currentBulkOperation")
def current_bulk_operation(ctx: Context, args: Args) -> Record | None:
    """The newest of a type."""
    desk = ctx.shop.desk
    found = [each for each in desk.operations.values() if each.type == (args.get("type") or "QUERY")]
    return desk.record(found[-1]) if found else None


@query_field("bulkOperations")
def bulk_operations(ctx: Context, args: Args) -> Page:
    """Newest first; with `reverse` oldest first (recorded). Raises TopLevelError."""
    desk = ctx.shop.desk
    key = "completedAt" if args.get("sortKey") == "COMPLETED_AT" else "createdAt"
    rows = [desk.record(each) for each in desk.operations.values()]
    page = connection([], args)  # refuses bad windows before the query is looked at
    query = args.get("query")
    if query and query.strip():
        search = compile_search(query, _FILTERS, _anything)
        if search.warnings:
            ctx.search.append(search.extension(ctx.path, query))
        if search.predicate is not None:
            rows = [row for row in rows if search.predicate(row)]
    if not rows:
        return page
    rows.sort(key=lambda row: (row[key] or "", row["id"]), reverse=True)
    return connection(rows, args, key=lambda row: row[key])


def _created(term: Term) -> Predicate:
    try:
        wanted = time_value(term.value)
    except BadValue:
        raise TopLevelError(f"Invalid timestamp for query filter `{term.field}`.", "BAD_REQUEST") from None
    test = TEST[term.comparator]
    return lambda row: test(row["createdAt"], wanted)


def _id(term: Term) -> Predicate:
    wanted = number_value(term.value)
    test = TEST[term.comparator]
    return lambda row: test(row["id"], wanted)


def _one_of(key: str, accepted: tuple[str, ...]) -> Callable[[Term], Predicate]:
    def make(term: Term) -> Predicate:
        wanted = {part.strip().upper() for part in term.value.split(",")}
        if not wanted <= set(accepted):
            raise BadValue(term.value)
        return lambda row: row[key] in wanted

    return make


def _anything(term: Term) -> Predicate:
    return lambda row: True


_FILTERS: dict[str, Filter] = {
    "created_at": _created,
    "id": _id,
    "status": _one_of("status", _STATUSES),
    "operation_type": _one_of("type", ("QUERY", "MUTATION")),
}

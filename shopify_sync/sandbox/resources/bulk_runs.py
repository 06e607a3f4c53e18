"""`bulkOperationRunQuery` and `bulkOperationCancel`. Recorded: bulk-operation-run-query-*,
bulk-operation-status-catalog-cancel, bulk-operation-cancel-preserves-fields.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from shopify_sync.sandbox.bulk.lines import run_query
from shopify_sync.sandbox.bulk.rules import Refused, query_plan
from shopify_sync.sandbox.desk import LIVE, Operation
from shopify_sync.sandbox.faults import BULK_KINDS, Target
from shopify_sync.sandbox.registry import Args, Context, mutation, user_error
from shopify_sync.sandbox.resources.bulk_reads import bulk_operation
from shopify_sync.sandbox.scopes import refusals
from shopify_sync.sandbox.state import Record

_log = logging.getLogger(__name__)


def slots(version: str) -> int:
    """How many operations of each type an app may have at once. Source: Shopify docs, bulk operations."""
    return 5 if version >= "2026-01" else 1


@mutation("bulkOperationRunQuery")
def run(ctx: Context, args: Args) -> Record:
    """Start a query operation. Recorded: bulk-operation-run-query-validators, -concurrency-limit."""
    try:
        plan = query_plan(args["query"])
    except Refused as refusal:
        return {"bulkOperation": None, "userErrors": refusal.errors}
    busy = in_progress(ctx, "QUERY")
    if busy:
        return {"bulkOperation": None, "userErrors": busy}
    grouped = bool(args.get("groupObjects"))
    operation = ctx.shop.desk.open("QUERY", args["query"], ctx.shop.now(), group=grouped, version=ctx.api_version)
    if refusals(plan, ctx.scopes):
        operation.finish(ctx.shop.now(), "ACCESS_DENIED")
    else:
        own = Context(shop=ctx.shop, scopes=ctx.scopes, api_version=ctx.api_version, many=True)
        begin(ctx, operation, plan.name, lambda until: run_query(plan, own, operation, until))
    return {"bulkOperation": ctx.shop.desk.record(operation), "userErrors": []}


def in_progress(ctx: Context, kind: str) -> list[Record]:
    """The userError when all slots of a type are taken."""
    live = ctx.shop.desk.live(kind)
    if len(live) < slots(ctx.api_version):
        return []
    names = ", ".join(ctx.shop.gid("BulkOperation", each.id) for each in live)
    message = f"A bulk {kind.lower()} operation for this app and shop is already in progress: {names}."
    return [user_error(None, message, "OPERATION_IN_PROGRESS")]


def begin(ctx: Context, operation: Operation, name: str | None, work: Callable[[float], None]) -> None:
    """Start the worker; `work(until)` does that share of it. A fault of the sandbox decides how it ends."""
    desk, shop = ctx.shop.desk, ctx.shop
    fault = None
    if desk.faults is not None:
        target = Target(f"bulk_{operation.type.lower()}", name, (), operation.query)
        _, fault = desk.faults.pick(target, BULK_KINDS)

    def carry_out() -> None:
        code = None
        try:
            work(1.0 if fault is None else fault.share)
        except Exception:
            if not operation.stopped:  # a closed store has no files any more
                _log.exception("a bulk operation of the sandbox failed")
            code = "INTERNAL_SERVER_ERROR"
        if fault is not None:
            operation.keeps_part = fault.kind in ("bulk_partial", "bulk_timeout")
            if fault.kind == "bulk_canceled":
                operation.cancelled_at = shop.now()
                operation.status = "CANCELING"
            else:
                code = "TIMEOUT" if fault.kind == "bulk_timeout" else "INTERNAL_SERVER_ERROR"
        operation.finish(shop.now(), code)

    threading.Thread(target=carry_out, name=f"bulk-{operation.id}", daemon=True).start()


@mutation("bulkOperationCancel")
def cancel(ctx: Context, args: Args) -> Record:
    """Ask an operation to end; what it has counted stays, its result does not."""
    shop = ctx.shop
    if bulk_operation(ctx, args) is None:
        return {"bulkOperation": None, "userErrors": [user_error(["id"], "Bulk operation does not exist")]}
    operation = shop.desk.operations[int(args["id"].rpartition("/")[2])]
    if operation.status not in LIVE:
        message = f"A bulk operation cannot be canceled when it is {operation.status.lower()}"
        return {"bulkOperation": shop.desk.record(operation), "userErrors": [user_error(None, message)]}
    if operation.cancelled_at is None:
        operation.cancelled_at = shop.now()
        operation.stopped = True
    counted = operation.status != "CREATED"
    operation.status = "CANCELING"
    record = shop.desk.record(operation)
    if not counted:  # recorded: an operation that had not begun still says 0
        record |= {"objectCount": "0", "rootObjectCount": "0"}
    return {"bulkOperation": record, "userErrors": []}

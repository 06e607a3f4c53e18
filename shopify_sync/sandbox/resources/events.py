"""`events`, `eventsCount` and `event`: creations, updates and deletions of products. Written by event_log.py.

Source: arguments and filters of these fields in Shopify's schema; the sandbox has no comments, so every event is a
`BasicEvent`.
"""

from __future__ import annotations

from itertools import islice

from shopify_sync.sandbox.filters import index_page, matching, run_search
from shopify_sync.sandbox.registry import Args, Context, Page, query_field
from shopify_sync.sandbox.resources.event_log import TABLE
from shopify_sync.sandbox.state import Record

COUNT_LIMIT = 10_000  # Shopify's schema: eventsCount is "limited to a maximum of 10000"


def _id(record: Record) -> int:
    return int(record["id"])


def _created(record: Record) -> str:
    return str(record["createdAt"])


@query_field("events")
def events(ctx: Context, args: Args) -> Page:
    """Oldest first, by id or time, or the other way round with `reverse`."""
    sort_key = args.get("sortKey") or "ID"
    return index_page(ctx, TABLE, sort_key, _created if sort_key == "CREATED_AT" else _id, args)


@query_field("eventsCount")
def events_count(ctx: Context, args: Args) -> Record:
    search = run_search(ctx, TABLE, args.get("query"))
    found = sum(1 for _ in islice(matching(ctx, TABLE, search), COUNT_LIMIT + 1))
    return {"count": min(found, COUNT_LIMIT), "precision": "EXACT" if found <= COUNT_LIMIT else "AT_LEAST"}


@query_field("event")
def event(ctx: Context, args: Args) -> Record | None:
    return ctx.shop.find(args["id"], TABLE)

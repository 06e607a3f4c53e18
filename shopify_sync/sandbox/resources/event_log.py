"""What the store remembers of its products beside their present state: the rows behind the root field `events`.

Actions are those of the table "General events" in Shopify's description of `BasicEvent`: create, update, destroy,
published, unpublished. The messages follow the texts of the REST event resource for articles, as no event of a product
was recorded; that a deleted product says `destroy` was recorded for draft orders only (Admin API reference L.8). Seeded
products have no events, and a write of metafields makes none.
"""

from __future__ import annotations

import html
from datetime import timedelta

from shopify_sync.sandbox.registry import before_each
from shopify_sync.sandbox.state import Record, Shop, iso

TABLE = "BasicEvent"
KEPT_DAYS = 365  # Shopify's schema: event data is retained for 1 year
_MESSAGES = {
    "create": "New product created: {}",
    "update": "{} was updated.",
    "destroy": "{} was destroyed.",
    "published": "{} was published.",
    "unpublished": "{} was unpublished.",
}


def note(shop: Shop, action: str, product: Record) -> None:
    """Add an event of a product, by the merchant when it is their hand that changes the store, else by the app."""
    by_merchant = shop.merchant_acts
    title = product["title"]
    shop.put(
        TABLE,
        {
            "id": shop.next_id(TABLE),
            "action": action,
            "appTitle": None if by_merchant else "Sandbox App",
            "attributeToApp": not by_merchant,
            "attributeToUser": by_merchant,
            "author": "Sandbox Owner" if by_merchant else "Sandbox App",
            "arguments": [title],
            "createdAt": shop.now_iso(),
            "criticalAlert": False,
            "hasAdditionalContent": False,
            "message": _MESSAGES[action].format(html.escape(title, quote=False)),
            "subjectId": shop.gid("Product", product["id"]),
            "subjectType": "PRODUCT",
        },
    )


@before_each
def forget(shop: Shop) -> None:
    """Drop the events that are older than a year; they lie in order of time, so this looks at the first ones only."""
    events = shop.table(TABLE)
    limit = iso(shop.now() - timedelta(days=KEPT_DAYS))
    while events:
        first = next(iter(events.values()))
        if first["createdAt"] >= limit:
            return
        shop.drop(TABLE, first["id"])

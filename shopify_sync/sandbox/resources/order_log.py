"""The events of orders, kept beside those of products (event_log.py) and listed by the order itself.

Recorded: action `edited` with the message "… edited this order." (order-edit-commit-history-and-fulfillment-orders).
The other actions and their texts follow the verbs of the REST event resource. Seeded orders have no events.
"""

from __future__ import annotations

import html

from shopify_sync.sandbox.resources.event_log import TABLE
from shopify_sync.sandbox.state import Record, Shop

_MESSAGES = {
    "placed": "{who} placed this order.",
    "edited": "{who} edited this order.",
    "update": "{who} updated this order.",
    "closed": "{who} archived this order.",
    "re_opened": "{who} unarchived this order.",
    "cancelled": "{who} canceled this order.",
    "destroy": "Order {name} was deleted.",
    "sale_success": "{who} marked this order as paid.",
    "capture_success": "{who} captured a payment.",
    "fulfillment_success": "{who} fulfilled items.",
    "fulfillment_cancelled": "{who} canceled a fulfillment.",
    "refund_success": "{who} refunded this order.",
}


def note_order(shop: Shop, action: str, order: Record) -> None:
    """Add an event of an order; the order lists it, so put the order afterwards."""
    by_merchant = shop.merchant_acts
    who = "Sandbox Owner" if by_merchant else "Sandbox App"
    number = shop.next_id(TABLE)
    shop.put(
        TABLE,
        {
            "id": number,
            "action": action,
            "appTitle": None if by_merchant else "Sandbox App",
            "attributeToApp": not by_merchant,
            "attributeToUser": by_merchant,
            "author": who,
            "arguments": [order["name"]],
            "createdAt": shop.now_iso(),
            "criticalAlert": False,
            "hasAdditionalContent": False,
            "message": _MESSAGES[action].format(who=who, name=html.escape(order["name"], quote=False)),
            "subjectId": shop.gid("Order", order["id"]),
            "subjectType": "ORDER",
        },
    )
    order.setdefault("eventIds", []).append(number)

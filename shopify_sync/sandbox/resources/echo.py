"""The second move of `updatedAt`: some seconds after a change a product's time moves once more, with nothing else.

Recorded: product-change-status-parity, where a product changed at 12:30:20 said 12:30:28 a minute later. Off unless
`Shop.echo_s` says after how many seconds; it comes with the first request after that time.
"""

from __future__ import annotations

from datetime import timedelta

from shopify_sync.sandbox.registry import before_each
from shopify_sync.sandbox.state import Shop, iso

_TABLE = "PendingEcho"  # by id of the product: when its time moves


def expect(shop: Shop, product_id: int) -> None:
    """Note that this product was changed just now."""
    if shop.echo_s:
        due = iso(shop.now() + timedelta(seconds=shop.echo_s))
        shop.put(_TABLE, {"id": product_id, "dueAt": due})


@before_each
def arrive(shop: Shop) -> None:
    """Move the times that are due; the product may be gone by now."""
    now = shop.now_iso()
    for pending in list(shop.table(_TABLE).values()):
        if pending["dueAt"] <= now:
            shop.drop(_TABLE, pending["id"])
            product = shop.table("Product").get(pending["id"])
            if product is not None and product["updatedAt"] < pending["dueAt"]:
                shop.put("Product", {**product, "updatedAt": pending["dueAt"]})

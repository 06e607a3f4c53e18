"""A market day: buyers place orders and the merchant works on them, at random by a seed of its own.

    {"trade": {"acts": n, "seed": s, "every_s": seconds that the store's clock moves before each act}}

is an edit of merchant.py. The same seed on the same store does the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from shopify_sync.sandbox.merchant import EDITORS, BadControl, Given
from shopify_sync.sandbox.order_hand import change, place
from shopify_sync.sandbox.resources.amounts import parse
from shopify_sync.sandbox.resources.order_model import TABLE
from shopify_sync.sandbox.state import Record, Shop

Wish = Callable[[random.Random, Record, list[Record]], Any]


def trade(shop: Shop, given: Given) -> Given | None:
    """Do the acts; those that the rules refuse are passed over. Returns {"trade": [one line for each act done]}."""
    if "trade" not in given:
        return None
    wanted = given["trade"]
    pick = random.Random(f"trade {wanted.get('seed', 1)}")  # noqa: S311  # repeatable acts, no secret
    variants = [row for row in shop.table("ProductVariant").values() if row["sku"]]
    done = []
    for _ in range(int(wanted.get("acts", 1))):
        shop.advance(float(wanted.get("every_s", 0)))
        orders = list(shop.table(TABLE))
        try:
            if not orders or pick.random() < 0.25:
                order, act = place(shop, _order(pick, variants)), "placeOrder"
            else:
                order = shop.table(TABLE)[orders[-1 - int(len(orders) * pick.random() ** 3)]]
                act = pick.choice(list(_WISHES))
                change(shop, {"order": shop.gid(TABLE, order["id"]), act: _WISHES[act](pick, order, variants)})
        except BadControl:
            continue
        done.append(f"{act} {order['name']}")
    return {"trade": done}


EDITORS.append(trade)


def _order(pick: random.Random, variants: list[Record]) -> Given:
    lines: list[Given] = []
    for _ in range(pick.choice((1, 1, 2, 3))):
        line: Given = {"title": "Gift wrap", "price": "3.50"}
        if variants and pick.random() < 0.9:
            line = {"variant": pick.choice(variants)["sku"]}
        lines.append({**line, "quantity": pick.randint(1, 4), "taxRate": pick.choice(("0.19", "0.07"))})
    return {
        "lines": lines,
        "email": f"buyer{pick.randrange(200)}@example.com",
        "currency": pick.choice(("USD", "USD", "USD", "EUR", "JPY", "KWD")),
        "taxesIncluded": pick.random() < 0.3,
        "shipping": pick.choice((None, "4.90", "12.00")),
        "discount": pick.choice((None, None, {"code": "TEN", "percentage": 10}, {"code": "FIVE", "amount": "5.00"})),
        "pay": pick.choice((True, True, True, False, "authorize")),
        "claim": pick.random() < 0.8,
    }


def _line(pick: random.Random, order: Record) -> str:
    return f"gid://shopify/LineItem/{pick.choice(order['lines'])['id']}"


def _half(order: Record) -> str:
    rest = parse(order["totals"]["net_payment"]).presentment
    return str(rest / 2) if rest > 0 else "1"


def _on(pick: random.Random, order: Record, variants: list[Record]) -> Any:
    return True


def _one(pick: random.Random, order: Record, variants: list[Record]) -> Any:
    return {_line(pick, order): 1}


def _all_or_one(pick: random.Random, order: Record, variants: list[Record]) -> Any:
    return True if pick.random() < 0.6 else {_line(pick, order): 1}


def _refund(pick: random.Random, order: Record, variants: list[Record]) -> Any:
    if pick.random() < 0.2:
        return True
    return {"lines": {_line(pick, order): 1}, "amount": _half(order), "restock": pick.random() < 0.7}


def _edit(pick: random.Random, order: Record, variants: list[Record]) -> Any:
    added = {pick.choice(variants)["sku"]: 1} if variants and pick.random() < 0.5 else {}
    return {"set": {_line(pick, order): pick.randint(0, 4)}, "add": added, "restock": True}


def _cancel(pick: random.Random, order: Record, variants: list[Record]) -> Any:
    return {"refund": pick.random() < 0.5, "restock": pick.random() < 0.7}


_WISHES: dict[str, Wish] = {
    "pay": _on,
    "capture": _on,
    "fulfill": _all_or_one,
    "cancelFulfillment": _on,
    "track": lambda pick, order, variants: f"1Z{pick.randrange(10**6)}",
    "deliver": _on,
    "return": _one,
    "requestReturn": _one,
    "approveReturn": _on,
    "declineReturn": _on,
    "closeReturn": _on,
    "refund": _refund,
    "edit": _edit,
    "hold": lambda pick, order, variants: "OTHER",
    "release": _on,
    "progress": _on,
    "cancel": _cancel,
    "close": _on,
    "open": _on,
    "addTags": lambda pick, order, variants: [pick.choice(("vip", "rush", "checked"))],
    "set": lambda pick, order, variants: {"note": f"note {pick.randrange(1000)}"},
}

"""What orders do to other resources: stock at locations, counts and sums of customers.

The modules of stock and customers are looked up when they are needed, so that orders also work in a shop without them:
then nothing is moved, and no location is named. Names of quantities are Shopify's: a placed order moves units from
`available` to `committed`, a fulfilment takes them from `committed` (Shopify docs, inventory states).
"""

from __future__ import annotations

import importlib
import importlib.util
from decimal import Decimal
from functools import cache
from types import ModuleType
from typing import Any

from shopify_sync.sandbox.registry import MUTATIONS, Context
from shopify_sync.sandbox.resources.amounts import parse
from shopify_sync.sandbox.state import Record, Shop, parse_gid

_PACKAGE = __name__.rpartition(".")[0]


@cache
def _module(name: str) -> ModuleType | None:
    full = f"{_PACKAGE}.{name}"
    return importlib.import_module(full) if importlib.util.find_spec(full) else None


# -- stock


def first_location(shop: Shop) -> int | None:
    """Where orders are fulfilled that no stock decides about."""
    stock = _module("inventory_model")
    return None if stock is None else int(stock.first_location(shop)["id"])


def stocked_item(shop: Shop, variant_id: int | None) -> Record | None:
    """The tracked inventory item of a variant, None when nothing is to be counted."""
    variant = shop.table("ProductVariant").get(variant_id or 0)
    item = shop.table("InventoryItem").get(variant["inventoryItemId"]) if variant is not None else None
    return item if item is not None and item["tracked"] else None


def location_for(shop: Shop, variant_id: int | None, quantity: int) -> int | None:
    """The first location, by id, that has the units; else the first that stocks the item; else the shop's first."""
    stock, item = _module("inventory_model"), stocked_item(shop, variant_id)
    if stock is None or item is None:
        return first_location(shop)
    levels = sorted(stock.levels_of(shop, item["id"]), key=lambda row: int(row["locationId"]))
    able = [row for row in levels if available(row) >= quantity] or levels
    return int(able[0]["locationId"]) if able else first_location(shop)


def available(level: Record) -> int:
    """The units of a level that can be sold; a level may keep its quantities in a group of their own."""
    held = level.get("quantities")
    value = held.get("available") if isinstance(held, dict) else level.get("available")
    return int(value or 0)


def can_sell(shop: Shop, variant: Record, quantity: int) -> bool:
    """Whether the variant's policy lets this many units be ordered."""
    if variant["inventoryPolicy"] == "CONTINUE" or stocked_item(shop, variant["id"]) is None:
        return True
    return (variant["inventoryQuantity"] or 0) >= quantity


def move(shop: Shop, order: Record, variant_id: int | None, location_id: int | None, **deltas: int) -> None:
    """Change the quantities of a variant at a location; nothing happens to what is not tracked or not there."""
    stock, item = _module("inventory_model"), stocked_item(shop, variant_id)
    if stock is None or item is None or location_id is None or not any(deltas.values()):
        return
    reason = "restock" if deltas.get("available", 0) > 0 else "other"
    stock.move(shop, item["id"], location_id, deltas, reason=reason, document=shop.gid("Order", order["id"]))


# -- customers


def note_customer(shop: Shop, order: Record, *, gone: bool = False) -> None:
    """Tell the customer's record what the order adds to it, and take back what it added before.

    An order counts once and with its net payment in shop money; test orders do not count (Shopify's REST docs,
    `orders_count`). `gone`: the order is being deleted.
    """
    customers = _module("customer_model")
    if customers is None:
        return
    number = None if gone or order.get("test") else order.get("customerId")
    now: Record = {"customerId": number, "orders": 1, "spent": str(parse(order["totals"]["net_payment"]).shop)}
    before = order.get("noted")
    if before == now or (number is None and before is None):
        return
    if before is not None and before["customerId"] in shop.table("Customer"):
        same = before["customerId"] == number
        customers.note_order(
            shop,
            before["customerId"],
            orders=0 if same else -1,
            spent=Decimal(now["spent"] if same else 0) - Decimal(before["spent"]),
            currency=order["currency"],
            last_order_id=None,
        )
        if same:
            order["noted"] = now
            return
    order.pop("noted", None)
    if number in shop.table("Customer"):
        spent = Decimal(now["spent"])
        customers.note_order(shop, number, orders=1, spent=spent, currency=order["currency"], last_order_id=order["id"])
        order["noted"] = now


def knows_customer(shop: Shop, gid: str) -> bool:
    """Whether a customer with this id exists; in a shop without customers nobody can tell, and any will do."""
    customers = _module("customer_model")
    return customers is None or customers.require(shop, gid) is not None


def customer_by_email(ctx: Context, email: str) -> int | None:
    """The customer with this address, made when there is none (recorded: orderUpdate-input-validation)."""
    shop = ctx.shop
    rows = shop.sorted_by("Customer", "orderEmail", _email)
    found = rows.having(email.casefold())
    if found:
        return found[0]
    return _created(ctx, {"email": email})


def customer_from(ctx: Context, given: dict[str, Any]) -> int | None:
    """The customer of `toUpsert`: the one it names or whose address it has, else a new one."""
    if given.get("id") is not None:
        try:
            return parse_gid(given["id"])[1]
        except ValueError:
            return None
    if given.get("email"):
        found = ctx.shop.sorted_by("Customer", "orderEmail", _email).having(given["email"].casefold())
        if found:
            return found[0]
    return _created(ctx, given)


def _email(record: Record) -> str:
    held = record.get("email") or (record.get("defaultEmailAddress") or {}).get("emailAddress")
    return str(held or "").casefold()


def _created(ctx: Context, given: dict[str, Any]) -> int | None:
    create = MUTATIONS.get("customerCreate")
    if create is None:
        return None
    customer = create(ctx, {"input": given})["customer"]
    return None if customer is None else int(customer["id"])


# -- addresses


def address_of(shop: Shop, given: dict[str, Any] | None) -> Record | None:
    """The record of an address input; an order's addresses have ids of their own."""
    if given is None:
        return None
    addresses = _module("addresses")
    made = dict(addresses.address_of(given)) if addresses is not None else _plain_address(given)
    made["id"] = f"gid://shopify/MailingAddress/{shop.next_id('OrderAddress')}?model_name=Address"
    return made


def _plain_address(given: dict[str, Any]) -> Record:
    made = {key: value for key, value in given.items() if key not in ("id", "countryCode") and value is not None}
    country = given.get("countryCode")
    made["countryCode"] = made["countryCodeV2"] = country
    name = " ".join(part for part in (given.get("firstName"), given.get("lastName")) if part)
    return {**made, "name": name or None, "coordinatesValidated": False}

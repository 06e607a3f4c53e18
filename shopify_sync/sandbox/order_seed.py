"""Orders for the simulated shop, over the products and customers that it has: the same for the same number, seed, time.

Two years of them, older ones fulfilled, paid and archived, young ones open; in several currencies, with and without
taxes in the prices, discounts of each kind, shipping, returns, refunds, edits, holds, cancellations, guests, and lines
whose product is gone. Every so often one that is meant to hurt: 500 lines, nothing to pay, huge quantities, text in all
scripts, imported with an age of its own. Ids ascend with `createdAt`; `updatedAt` does not. No events are noted.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shopify_sync.sandbox.order_lives import Lives
from shopify_sync.sandbox.order_words import (
    NAMES,
    NOTES,
    OLD_FATES,
    PLACES,
    PRESENTMENT,
    TAGS,
    TAXES,
    US_TAXES,
    YOUNG_FATES,
)
from shopify_sync.sandbox.resources.amounts import Currencies, market_rate, parse
from shopify_sync.sandbox.resources.order_input import allocate, application, percentage_of
from shopify_sync.sandbox.resources.order_model import new_order, save
from shopify_sync.sandbox.resources.order_money import (
    allocated,
    currencies_of,
    net_total,
    tax_on,
)
from shopify_sync.sandbox.resources.tags import normalised
from shopify_sync.sandbox.state import Record, Shop, iso

_OLDEST = timedelta(days=730)
_YOUNGEST = timedelta(hours=1)


def seed_orders(shop: Shop, count: int, seed: int = 1) -> None:
    """Add `count` orders. The caller holds the store's lock and flushes."""
    _Seeder(shop, seed).run(count)


class _Seeder:
    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.random = random.Random(f"orders {seed}")  # noqa: S311  # repeatable orders, no secret
        self.now = shop.now()
        self.variants = list(shop.table("ProductVariant").values())
        self.customers = list(shop.table("Customer").values())
        self._moved = 0.0
        self.lives = Lives(shop, self.random, self._later, self._line)

    def run(self, count: int) -> None:
        span = int((_OLDEST - _YOUNGEST).total_seconds())
        moments = sorted(int(span * self.random.random() ** 0.4) for _ in range(count))  # more of late
        try:
            for place, second in enumerate(moments):
                self._order(place, self.now - _OLDEST + timedelta(seconds=second))
        finally:
            self.shop.advance(-self._moved)

    def _at(self, moment: datetime) -> None:
        """Set the store's clock; it never passes the youngest allowed moment."""
        limit = self.now - _YOUNGEST / 2
        seconds = (min(moment, limit) - self.shop.now()).total_seconds()
        self.shop.advance(seconds)
        self._moved += seconds

    def _later(self, hours: float) -> None:
        self._at(self.shop.now() + timedelta(hours=self.random.uniform(0.02, 1) * hours))

    # -- one order

    def _order(self, place: int, moment: datetime) -> None:
        pick = self.random
        self._at(moment)
        hurting = place % 499 == 250
        where = pick.choice(PLACES)
        order = self._head(where)
        money = currencies_of(order)
        for _ in range(500 if place % 1997 == 1250 else pick.choice((1, 1, 1, 2, 2, 3, 4, 6))):
            order["lines"].append(self._line(order, money))
        if hurting:
            self._hurt(order, money, place)
        self._shipping(order, money)
        self._discounts(order, money)
        self._taxes(order, money, where[0])
        young = self.now - moment < timedelta(days=21)
        fates = YOUNG_FATES if young else OLD_FATES
        fate = pick.choices(list(fates), list(fates.values()))[0]
        self.lives.live(order, fate, claim=young and fate not in ("done", "cancelled", "edited"))
        if pick.random() < 0.03:  # tagged or annotated long afterwards
            self._later(24 * 40)
            order["tags"] = normalised([*order["tags"], pick.choice(TAGS)])
            save(self.shop, order, financial=False)

    def _head(self, where: tuple[Any, ...]) -> Record:
        pick, shop = self.random, self.shop
        other = pick.choice(PRESENTMENT) if pick.random() < 0.2 else shop.currency
        order = new_order(shop, currency=shop.currency, presentment=other)
        if other != shop.currency:
            order["rate"] = str(market_rate(shop.currency, other))
        if where[0] in TAXES and pick.random() < 0.8:
            order["taxesIncluded"] = True
        customer = pick.choice(self.customers) if self.customers and pick.random() < 0.8 else None
        first, last = pick.choice(NAMES)
        if customer is not None:
            first, last = customer.get("firstName") or first, customer.get("lastName") or last
            order["customerId"] = customer["id"]
        order["email"] = _email(customer) or (f"guest{order['number']}@example.com" if pick.random() < 0.9 else None)
        if pick.random() < 0.92:
            order["shippingAddress"] = self._address(where, first, last)
        if pick.random() < 0.9:
            order["billingAddress"] = self._address(where, first, last)
        order["sourceName"] = pick.choice(("web", "web", "web", "pos", "shopify_draft_order", "580111"))
        order["customerLocale"] = pick.choice(("en", "de", "ja", "fr-CA", "ar"))
        order["tags"] = normalised(pick.sample(TAGS, k=pick.choice((0, 0, 0, 1, 2))))
        if pick.random() < 0.1:
            order["note"] = pick.choice(NOTES)
        if pick.random() < 0.05:
            order["poNumber"] = f"PO-{order['number']}"
        if pick.random() < 0.05:
            order["customAttributes"] = [{"key": "gift message", "value": pick.choice(NOTES)}]
        if pick.random() < 0.02:
            order["test"] = True
        if pick.random() < 0.1:
            order["risk"] = pick.choice(("LOW", "LOW", "MEDIUM", "HIGH"))
        return order

    def _address(self, where: tuple[Any, ...], first: str, last: str) -> Record:
        code, country, province_code, province, city, zip_code, street = where
        return {
            "id": f"gid://shopify/MailingAddress/{self.shop.next_id('OrderAddress')}?model_name=Address",
            "firstName": first,
            "lastName": last,
            "name": f"{first} {last}",
            "address1": street,
            "city": city,
            "zip": zip_code,
            "country": country,
            "countryCode": code,
            "countryCodeV2": code,
            "province": province,
            "provinceCode": province_code,
            "coordinatesValidated": False,
        }

    def _line(self, order: Record, money: Currencies) -> Record:
        pick, shop = self.random, self.shop
        line: Record = {
            "id": shop.next_id("LineItem"),
            "orderId": order["id"],
            "quantity": pick.choice((1, 1, 1, 1, 2, 2, 3, 5)),
        }
        if self.variants and pick.random() < 0.96:
            variant = pick.choice(self.variants)
            product = shop.table("Product")[variant["productId"]]
            item = shop.table("InventoryItem")[variant["inventoryItemId"]]
            line["title"] = product["title"]
            if variant["title"] != "Default Title":
                line["variantTitle"] = variant["title"]
            line["sku"], line["vendor"] = variant["sku"], product["vendor"]
            line["requiresShipping"], line["weight"] = item["requiresShipping"], item["weight"]
            if pick.random() < 0.96:  # else it has been deleted since: the texts stay
                line["productId"], line["variantId"] = product["id"], variant["id"]
            price = Decimal(variant["price"])
        else:
            line["title"] = pick.choice(("Gift wrap 🎀", "Custom engraving", "Montage", "特別注文"))
            price = Decimal(pick.randrange(100, 20_000)) / 100
        line["price"] = money.text(money.bag(price))
        return line

    def _hurt(self, order: Record, money: Currencies, place: int) -> None:
        kind = place // 499 % 5
        if kind == 0:
            for line in order["lines"]:
                line["price"] = money.text(money.bag(Decimal(0)))
        elif kind == 1:
            order["lines"][0].update(quantity=99_999, price=money.text(money.bag(Decimal("99999.99"))))
        elif kind == 2:
            order["note"] = "\u202eevil\u202c \ufeff 👩🏽‍🍳 e\u0301 " + "long " * 900
            order["tags"] = normalised([*order["tags"], "x" * 255, "a'b\"c\\d", "%_[]*?"])
            order["lines"][0]["title"] = "'; DROP TABLE orders; --"
        elif kind == 3:
            order["name"] = f"ЗАКАЗ/№{order['number']} “b”"
            order["processedAt"] = iso(self.shop.now() - timedelta(days=365 * 3))
        else:
            order["lines"][0]["price"] = money.text(money.bag(Decimal("0.01")))
            order["lines"][0]["quantity"] = 7

    def _shipping(self, order: Record, money: Currencies) -> None:
        if self.random.random() < 0.8:
            title, price = self.random.choice((("Standard", "4.90"), ("Express ✈", "17.50"), ("Free", "0.00")))
            order["shipping"] = [
                {
                    "id": self.shop.next_id("ShippingLine"),
                    "orderId": order["id"],
                    "title": title,
                    "code": title,
                    "source": "shopify",
                    "price": money.text(money.bag(Decimal(price))),
                }
            ]

    def _discounts(self, order: Record, money: Currencies) -> None:
        pick = self.random
        if pick.random() >= 0.3:
            return
        rows: list[Record] = []
        order["discounts"] = rows
        for kind in pick.sample(("percent", "fixed", "line", "automatic", "shipping"), k=pick.choice((1, 1, 1, 2, 3))):
            index = len(rows)
            if kind in ("percent", "automatic"):
                share = Decimal(pick.choice((5, 10, 15, 33)))
                value = {"percentage": float(share)}
                name = "DiscountCodeApplication" if kind == "percent" else "AutomaticDiscountApplication"
                given = {"code": "SPRING10"} if kind == "percent" else {"title": "Buy more, save more"}
                rows.append(application(name, value, **given))
                allocate(order, index, percentage_of(order["lines"], share, money), order["lines"], money)
            elif kind == "fixed":
                amount = money.bag(Decimal("7.77"))
                rows.append(application("DiscountCodeApplication", {"amount": money.text(amount)}, code="LUCKY7"))
                allocate(order, index, amount, order["lines"], money)
            elif kind == "line":
                amount = money.bag(Decimal("3.33"))
                given = {"title": "Kulanz", "description": "Scratched", "targetSelection": "EXPLICIT"}
                rows.append(application("ManualDiscountApplication", {"amount": money.text(amount)}, **given))
                allocate(order, index, amount, order["lines"][:1], money)
            elif order.get("shipping"):
                given = {"code": "FREESHIP", "targetType": "SHIPPING_LINE", "allocationMethod": "EACH"}
                rows.append(application("DiscountCodeApplication", {"percentage": 100.0}, **given))
                allocate(order, index, parse(order["shipping"][0]["price"]), order["shipping"], money)

    def _taxes(self, order: Record, money: Currencies, country: str) -> None:
        rates = US_TAXES if country == "US" else TAXES.get(country, ())
        included = bool(order.get("taxesIncluded"))
        if self.random.random() < 0.03:
            order["taxExempt"] = True
            return
        for line in order["lines"]:
            net = net_total(line)
            line["taxes"] = [
                _tax(title, rate, tax_on(net, Decimal(rate), money, included=included), money) for title, rate in rates
            ]
        for line in order.get("shipping") or ():
            net = parse(line["price"]) - allocated(line)
            line["taxes"] = [
                _tax(title, rate, tax_on(net, Decimal(rate), money, included=included), money)
                for title, rate in rates[:1]
            ]


def _tax(title: str, rate: str, amount: Any, money: Currencies) -> Record:
    return {"title": title, "rate": float(rate), "amount": money.text(amount)}


def _email(customer: Record | None) -> str | None:
    if customer is None:
        return None
    held = customer.get("email") or (customer.get("defaultEmailAddress") or {}).get("emailAddress")
    return str(held) if held else None

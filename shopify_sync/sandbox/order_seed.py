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

from shopify_sync.sandbox.resources.fulfillment_model import assign, fulfill
from shopify_sync.sandbox.resources.order_effects import move, stocked_item
from shopify_sync.sandbox.resources.order_input import allocate, application, percentage_of
from shopify_sync.sandbox.resources.order_model import add_transaction, new_order, parts_of, save
from shopify_sync.sandbox.resources.order_money import (
    Bag,
    Currencies,
    allocated,
    currencies_of,
    current_quantity,
    in_presentment,
    market_rate,
    net_of_units,
    net_total,
    parse,
    tax_of_units,
    tax_on,
    totals,
    uncaptured,
)
from shopify_sync.sandbox.resources.refund_model import Wanted, everything, make_refund, returnable
from shopify_sync.sandbox.resources.tags import normalised
from shopify_sync.sandbox.state import Record, Shop, iso

_OLDEST = timedelta(days=730)
_YOUNGEST = timedelta(hours=1)
_PRESENTMENT = ("EUR", "GBP", "JPY", "KWD", "CAD")
# What becomes of an old order, and of one of the last three weeks; weights in percent.
_OLD = {
    "done": 76,
    "part refunded": 6,
    "refunded": 3,
    "returned": 4,
    "cancelled": 4,
    "voided": 3,
    "edited": 3,
    "open": 1,
}
_YOUNG = {
    "done": 35, "open": 28, "authorized": 6, "pending": 8, "part fulfilled": 7, "held": 2, "edited": 3, "part paid": 2,
    "returning": 3, "requested": 1, "cancelled": 3, "in progress": 2,
}  # fmt: skip
_PLACES = (
    ("US", "United States", "NY", "New York", "New York", "10001", "5 Mott St"),
    ("US", "United States", "CA", "California", "San José", "95112", "1200 N 1st St"),
    ("CA", "Canada", "QC", "Quebec", "Montréal", "H2X 1Y4", "3575 Boul. Saint-Laurent"),
    ("DE", "Germany", None, None, "Köln", "50667", "Große Straße 7"),
    ("GB", "United Kingdom", "ENG", "England", "London", "E1 6AN", "12 Brick Lane"),
    ("JP", "Japan", "JP-13", "Tōkyō", "渋谷区", "150-0002", "渋谷 2-21-1"),
    ("KW", "Kuwait", None, None, "مدينة الكويت", "13001", "شارع فهد السالم"),
    ("FR", "France", None, None, "Besançon", "25000", "8 rue de l’Église"),
)  # fmt: skip
_NAMES = (
    ("Ada", "Lovelace"), ("José", "Núñez"), ("山田", "太郎"), ("Zoë", "O’Brien"), ("Łukasz", "Żak"), ("نور", "الصباح"),
    ("Björk", "Ásdísardóttir"), ("Anne-Marie", "d’Hérouville"), ("Siobhán", "Ní Bhriain"), ("Иван", "Петров"),
)  # fmt: skip
_TAGS = ("vip", "gift", "wholesale", "Geschenk 🎁", "fraud-checked", "preorder", "B2B", "étiquette", "rush", "店頭")
_NOTES = (
    "Leave at the door.", "Bitte klingeln & warten.", "置き配でお願いします", "يرجى الاتصال قبل التوصيل",
    "“Happy birthday” — from Zoë 🎂", "Line 1\nLine 2\r\nLine 3",
)  # fmt: skip
_GATEWAYS = ("shopify_payments", "shopify_payments", "shopify_payments", "paypal", "manual", "gift_card")
_TAXES = {"DE": (("VAT", "0.19"),), "GB": (("VAT", "0.2"),), "FR": (("TVA", "0.2"),), "JP": (("消費税", "0.1"),)}
_US_TAXES = (("New York State Tax", "0.04"), ("New York City Tax", "0.045"), ("Metro Tax", "0.00375"))


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
        where = pick.choice(_PLACES)
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
        fates = _YOUNG if young else _OLD
        fate = pick.choices(list(fates), list(fates.values()))[0]
        self._live(order, fate, claim=young and fate not in ("done", "cancelled", "edited"))
        if pick.random() < 0.03:  # tagged or annotated long afterwards
            self._later(24 * 40)
            order["tags"] = normalised([*order["tags"], pick.choice(_TAGS)])
            save(self.shop, order, financial=False)

    def _head(self, where: tuple[Any, ...]) -> Record:
        pick, shop = self.random, self.shop
        other = pick.choice(_PRESENTMENT) if pick.random() < 0.2 else shop.currency
        order = new_order(shop, currency=shop.currency, presentment=other)
        if other != shop.currency:
            order["rate"] = str(market_rate(shop.currency, other))
        if where[0] in _TAXES and pick.random() < 0.8:
            order["taxesIncluded"] = True
        customer = pick.choice(self.customers) if self.customers and pick.random() < 0.8 else None
        first, last = pick.choice(_NAMES)
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
        order["tags"] = normalised(pick.sample(_TAGS, k=pick.choice((0, 0, 0, 1, 2))))
        if pick.random() < 0.1:
            order["note"] = pick.choice(_NOTES)
        if pick.random() < 0.05:
            order["poNumber"] = f"PO-{order['number']}"
        if pick.random() < 0.05:
            order["customAttributes"] = [{"key": "gift message", "value": pick.choice(_NOTES)}]
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
        rates = _US_TAXES if country == "US" else _TAXES.get(country, ())
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

    # -- what becomes of it

    def _live(self, order: Record, fate: str, *, claim: bool) -> None:
        shop, pick = self.shop, self.random
        assign(shop, order, order["lines"], claim=False)
        if claim:
            self._commit(order)
        gateway = pick.choice(_GATEWAYS)
        total = totals(order).total_price
        if fate == "pending":
            add_transaction(shop, order, "SALE", total, gateway="Bank Deposit", status="PENDING")
        elif fate in ("authorized", "voided"):
            add_transaction(shop, order, "AUTHORIZATION", total, gateway=gateway, paymentId=f"c{order['id']}.1")
        elif fate == "part paid":
            half = currencies_of(order).share(total, 1, 2)
            add_transaction(shop, order, "SALE", half, gateway="manual")
        elif pick.random() < 0.2 and total:
            self._captured(order, gateway)
        elif total:
            if pick.random() < 0.04:
                failed = {"status": "FAILURE", "errorCode": "CARD_DECLINED"}
                add_transaction(shop, order, "SALE", total, gateway=gateway, **failed)
            add_transaction(shop, order, "SALE", total, gateway=gateway, paymentId=f"c{order['id']}.1")
        save(shop, order)
        acts = {
            "done": (self._fulfil, self._close),
            "part refunded": (self._fulfil, self._refund_some, self._close),
            "refunded": (self._refund_all, self._close),
            "returned": (self._fulfil, self._return, self._refund_return, self._close),
            "returning": (self._fulfil, self._return),
            "requested": (self._fulfil, self._request),
            "cancelled": (self._cancel,),
            "voided": (self._void, self._close),
            "edited": (self._edit, self._fulfil),
            "part fulfilled": (self._fulfil_some,),
            "held": (self._hold,),
            "in progress": (self._begin,),
        }
        for act in acts.get(fate, ()):
            self._later(60)
            act(order)

    def _commit(self, order: Record) -> None:
        """Stock that this order has taken; what is `available` was counted without it."""
        for record in parts_of(self.shop, order, "fulfillmentOrderIds"):
            for row in record["lines"]:
                line = next(line for line in order["lines"] if line["id"] == row["lineId"])
                if stocked_item(self.shop, line.get("variantId")) is not None and row["remaining"] < 1000:
                    row["claimed"] = True
                    move(self.shop, order, line["variantId"], record["locationId"], committed=row["remaining"])
            self.shop.put("FulfillmentOrder", record)

    def _captured(self, order: Record, gateway: str) -> None:
        total = totals(order).total_price
        held = add_transaction(self.shop, order, "AUTHORIZATION", total, gateway=gateway)
        self._later(2)
        add_transaction(self.shop, order, "CAPTURE", total, gateway=gateway, parentId=held["id"])

    def _fulfil(self, order: Record) -> None:
        self._ship(order, lambda remaining: remaining)

    def _fulfil_some(self, order: Record) -> None:
        self._ship(order, lambda remaining: self.random.randint(0, remaining) if remaining < 1000 else 1)

    def _ship(self, order: Record, wanted: Any) -> None:
        rows = []
        for record in parts_of(self.shop, order, "fulfillmentOrderIds"):
            rows += [(record, row, wanted(row["remaining"])) for row in record["lines"]]
        rows = [row for row in rows if row[2]]
        if not rows:
            return
        number = f"1Z{order['id'] % 10**9:09d}"
        tracked = {"company": "UPS", "number": number, "url": f"https://example.com/track/{number}"}
        made = fulfill(self.shop, order, rows, tracking=[tracked] if self.random.random() < 0.8 else [])
        if self.random.random() < 0.5:
            self._later(100)
            made.update(displayStatus="DELIVERED", deliveredAt=self.shop.now_iso(), updatedAt=self.shop.now_iso())
            self.shop.put("Fulfillment", made)
        save(self.shop, order, financial=False)

    def _close(self, order: Record) -> None:
        order["closedAt"] = self.shop.now_iso()
        save(self.shop, order, financial=False)

    def _refund_some(self, order: Record) -> None:
        """Some units and their money, or money alone."""
        wanted = everything(order, "CANCEL")
        wanted.shipping.clear()
        line = self.random.choice(order["lines"])
        money = currencies_of(order)
        wanted.lines = []
        if self.random.random() < 0.7 and returnable(line):
            wanted.lines = [(line["id"], 1, "RETURN", None)]
        if wanted.payments:
            payment, rest = wanted.payments[0]
            wanted.payments = [(payment, money.share(rest, 1, 3))]
        make_refund(self.shop, order, wanted, note=self.random.choice((None, "Kulanz", "破損")))
        save(self.shop, order)

    def _refund_all(self, order: Record) -> None:
        make_refund(self.shop, order, everything(order, "CANCEL"))
        save(self.shop, order)

    def _return(self, order: Record, status: str = "OPEN") -> None:
        shipped = parts_of(self.shop, order, "fulfillmentIds")
        if not shipped:
            return
        now = self.shop.now_iso()
        part = self.random.choice(shipped[0]["lines"])
        line = {
            "id": self.shop.next_id("ReturnLineItem"),
            "fulfillmentLineId": part["id"],
            "quantity": 1,
            "reason": self.random.choice(("UNWANTED", "DEFECTIVE", "SIZE_TOO_SMALL", "OTHER")),
            "note": self.random.choice(("", "too tight", "きつい")),
        }
        record: Record = {
            "id": self.shop.next_id("Return"),
            "orderId": order["id"],
            "name": f"{order['name']}-R1",
            "status": status,
            "createdAt": now,
            "closedAt": None,
            "requestApprovedAt": now if status == "OPEN" else None,
            "lines": [line],
        }
        self.shop.put("Return", record)
        order["returnIds"] = [record["id"]]
        save(self.shop, order, touch=False, financial=False)

    def _request(self, order: Record) -> None:
        self._return(order, "REQUESTED")

    def _refund_return(self, order: Record) -> None:
        for record in parts_of(self.shop, order, "returnIds"):
            row = record["lines"][0]
            part = next(
                part
                for each in parts_of(self.shop, order, "fulfillmentIds")
                for part in each["lines"]
                if part["id"] == row["fulfillmentLineId"]
            )
            wanted = Wanted(lines=[(part["lineId"], 1, "RETURN", None)])
            line = next(line for line in order["lines"] if line["id"] == part["lineId"])
            self._pay_back(order, wanted, self._worth(order, line))
            make_refund(self.shop, order, wanted, returnId=record["id"])
            row["processed"] = row["refunded"] = 1
            record.update(status="CLOSED", closedAt=self.shop.now_iso())
            self.shop.put("Return", record)
        save(self.shop, order)

    def _worth(self, order: Record, line: Record) -> Bag:
        """What one unit of a line is worth, tax included."""
        money, here = currencies_of(order), current_quantity(line)
        found = net_of_units(line, here, money) - net_of_units(line, here - 1, money)
        if order.get("taxesIncluded"):
            return found
        return found + tax_of_units(line, here, money) - tax_of_units(line, here - 1, money)

    def _pay_back(self, order: Record, wanted: Wanted, amount: Bag) -> None:
        """Take the amount from the first payment that still holds it."""
        for payment, rest in everything(order, "CANCEL").payments:
            if rest.presentment >= amount.presentment > 0:
                before = parse(payment["amount"]) - rest
                part = in_presentment(payment, before, amount.presentment, currencies_of(order))
                wanted.payments.append((payment, part))
                return

    def _cancel(self, order: Record) -> None:
        if self.random.random() < 0.7:
            make_refund(self.shop, order, everything(order, "CANCEL"))
        for record in parts_of(self.shop, order, "fulfillmentOrderIds"):
            record.update(status="CLOSED", updatedAt=self.shop.now_iso())
            self.shop.put("FulfillmentOrder", record)
        order["cancelledAt"] = self.shop.now_iso()
        order["cancelReason"] = self.random.choice(("CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF"))
        save(self.shop, order)
        if order["financial"] != "PAID":
            self._close(order)

    def _void(self, order: Record) -> None:
        held = order["transactions"][0]
        if self.random.random() < 0.3:  # nobody captured it in time
            held["expired"] = True
            save(self.shop, order)
            return
        rest = uncaptured(held, order["transactions"])
        add_transaction(self.shop, order, "VOID", rest, gateway=held["gateway"], parentId=held["id"])
        save(self.shop, order)

    def _edit(self, order: Record) -> None:
        """A line is added, and where one has several units, one is taken off."""
        money = currencies_of(order)
        for line in order["lines"]:
            if line["quantity"] > 1:
                line["edited"] = 1
                for record in parts_of(self.shop, order, "fulfillmentOrderIds"):
                    for row in record["lines"]:
                        if row["lineId"] == line["id"]:
                            row["total"] -= 1
                            row["remaining"] -= 1
                break
        fresh = self._line(order, money)
        order["lines"].append(fresh)
        assign(self.shop, order, [fresh], claim=False)
        order["edited"] = True
        save(self.shop, order)

    def _hold(self, order: Record) -> None:
        """The order's own time does not move."""
        for record in parts_of(self.shop, order, "fulfillmentOrderIds"):
            hold = {
                "id": self.shop.next_id("FulfillmentHold"),
                "reason": "AWAITING_PAYMENT",
                "displayReason": "Awaiting payment",
                "reasonNotes": "seeded",
                "handle": "",
                "heldByRequestingApp": False,
            }
            record.update(status="ON_HOLD", holds=[hold], updatedAt=self.shop.now_iso())
            self.shop.put("FulfillmentOrder", record)
        save(self.shop, order, touch=False, financial=False)

    def _begin(self, order: Record) -> None:
        for record in parts_of(self.shop, order, "fulfillmentOrderIds"):
            record.update(status="IN_PROGRESS", updatedAt=self.shop.now_iso())
            self.shop.put("FulfillmentOrder", record)
        save(self.shop, order, financial=False)


def _tax(title: str, rate: str, amount: Any, money: Currencies) -> Record:
    return {"title": title, "rate": float(rate), "amount": money.text(amount)}


def _email(customer: Record | None) -> str | None:
    if customer is None:
        return None
    held = customer.get("email") or (customer.get("defaultEmailAddress") or {}).get("emailAddress")
    return str(held) if held else None

"""What becomes of a seeded order: paid, fulfilled, refunded, returned, edited, cancelled, each at a time of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from shopify_sync.sandbox.order_words import GATEWAYS
from shopify_sync.sandbox.resources.amounts import Bag, Currencies, parse
from shopify_sync.sandbox.resources.fulfillment_model import assign, fulfill
from shopify_sync.sandbox.resources.order_effects import move, stocked_item
from shopify_sync.sandbox.resources.order_model import add_transaction, parts_of, save
from shopify_sync.sandbox.resources.order_money import (
    currencies_of,
    current_quantity,
    in_presentment,
    net_of_units,
    tax_of_units,
    totals,
    uncaptured,
)
from shopify_sync.sandbox.resources.refund_model import Wanted, everything, make_refund, returnable
from shopify_sync.sandbox.state import Record, Shop


class Lives:
    """Leads orders through their lives. `later(hours)` moves the store's clock on; `new_line` makes a line to add."""

    def __init__(
        self,
        shop: Shop,
        pick: random.Random,
        later: Callable[[float], None],
        new_line: Callable[[Record, Currencies], Record],
    ) -> None:
        self.shop = shop
        self.random = pick
        self.later = later
        self.new_line = new_line

    def live(self, order: Record, fate: str, *, claim: bool) -> None:
        """Bring a new order to the state that its fate names; `claim`: its stock is committed."""
        shop, pick = self.shop, self.random
        assign(shop, order, order["lines"], claim=False)
        if claim:
            self._commit(order)
        gateway = pick.choice(GATEWAYS)
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
            self.later(60)
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
        self.later(2)
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
            self.later(100)
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
        fresh = self.new_line(order, money)
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

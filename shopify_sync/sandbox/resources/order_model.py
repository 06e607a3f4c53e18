"""What an order is in the store: its record, how one begins, what is found of it, and how a change is written.

Tables (beside those that state.py lists; `money` is a text as order_money.py describes it, absent keys mean none or 0):

    Order        id number name confirmationNumber createdAt updatedAt processedAt closedAt cancelledAt cancelReason
                 staffNote currency presentment rate taxesIncluded test edited email phone note poNumber tags
                 sourceName sourceIdentifier customerLocale customAttributes customerId shippingAddress billingAddress
                 lines[] shipping[] discounts[] transactions[] discrepancy(money) originalTotal(money)
                 totals{money} financial fulfillment return fulfillmentOrderIds fulfillmentIds refundIds returnIds
                 eventIds noted{customerId orders spent}
      line       id orderId title variantTitle sku vendor productId variantId quantity price(money) requiresShipping
                 taxable isGiftCard customAttributes weight allocations[{index amount}] taxes[{title rate amount}]
                 fulfilled cancelled(refunded before it was fulfilled) returned(after) edited(taken off by an edit)
      shipping   id title code source price(money) allocations taxes refunded(money) refundedTax(money)
      discount   _type targetType targetSelection allocationMethod code|title description value{percentage|amount}
      transaction id orderId kind status gateway amount(money) createdAt processedAt parentId test errorCode paymentId
    FulfillmentOrder  id orderId status requestStatus locationId createdAt updatedAt fulfillAt
                 lines[{id lineId total remaining claimed}] holds[{id reason reasonNotes handle}]
    Fulfillment  id orderId name status displayStatus locationId createdAt updatedAt tracking[] fulfillmentOrderIds
                 lines[{id lineId quantity fulfillmentOrderId claimed}] deliveredAt inTransitAt estimatedDeliveryAt
    Refund       id orderId createdAt updatedAt processedAt note returnId transactionIds
                 lines[{id lineId quantity restockType locationId subtotal tax}] shipping[{id shippingLineId subtotal
                 tax}] adjustments[{id amount tax reason}]
    Return       id orderId name status createdAt closedAt requestApprovedAt lines[{id fulfillmentLineId quantity
                 processed refunded reason note customerNote}]

Lines, shipping lines and transactions live inside their order, so one record holds all that its sums depend on.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from shopify_sync.sandbox.registry import Context, before_each
from shopify_sync.sandbox.resources import order_states
from shopify_sync.sandbox.resources.amounts import Bag
from shopify_sync.sandbox.resources.order_effects import note_customer
from shopify_sync.sandbox.resources.order_money import currencies_of, totals
from shopify_sync.sandbox.scopes import granted
from shopify_sync.sandbox.state import Record, Shop, iso, parse_gid

TABLE = "Order"
WINDOW_DAYS = 60  # Shopify's docs, scopes: older orders need `read_all_orders`
ARCHIVE_S = 2  # recorded: fulfillment-cancel-parity, closed a moment after it was fulfilled and paid
_PENDING = "PendingArchive"  # by id of the order: when it is closed by itself
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


# -- finding


def horizon(ctx: Context) -> str | None:
    """The time of the oldest order that the caller may see, None when there is no limit."""
    if ctx.shop.merchant_acts or "read_all_orders" in granted(ctx.scopes):
        return None
    return iso(ctx.shop.now() - timedelta(days=WINDOW_DAYS))


def seen(ctx: Context, order: Record | None) -> Record | None:
    """The order, unless it is too old for the caller."""
    oldest = horizon(ctx)
    return order if order is not None and (oldest is None or order["createdAt"] >= oldest) else None


def find_order(ctx: Context, gid: str | None) -> Record | None:
    """The order with this gid that the caller may see."""
    return None if gid is None else seen(ctx, ctx.shop.find(gid, TABLE))


def find_part(ctx: Context, gid: str | None, kind: str) -> tuple[Record, Record] | None:
    """(part, order) of a fulfilment order, fulfilment, refund or return whose order the caller may see."""
    part = None if gid is None else ctx.shop.find(gid, kind)
    order = None if part is None else seen(ctx, ctx.shop.table(TABLE).get(part["orderId"]))
    return None if part is None or order is None else (part, order)


def parts_of(shop: Shop, order: Record, key: str) -> list[Record]:
    """The records that the order lists under `fulfillmentOrderIds`, `fulfillmentIds`, `refundIds` or `returnIds`."""
    kinds = {
        "fulfillmentOrderIds": "FulfillmentOrder",
        "fulfillmentIds": "Fulfillment",
        "refundIds": "Refund",
        "returnIds": "Return",
    }
    table = shop.table(kinds[key])
    return [table[number] for number in order.get(key) or ()]


def line_of(order: Record, number: int | None) -> Record | None:
    """The line item with this id."""
    return next((line for line in order["lines"] if line["id"] == number), None)


def orders_of(shop: Shop, customer_id: int) -> list[Record]:
    """The orders of a customer, oldest first; costs as much as it returns."""
    rows = shop.sorted_by(TABLE, "customerId", lambda record: record.get("customerId") or 0)
    table = shop.table(TABLE)
    return [table[number] for number in rows.having(customer_id)]


def number_in(gid: str | None, kind: str) -> int | None:
    """The number of a gid of this type, else None."""
    try:
        found, number = parse_gid(gid or "")
    except ValueError:
        return None
    return number if found == kind else None


# -- beginning


def new_order(shop: Shop, **given: Any) -> Record:
    """An order without lines; `given` overrides what a new order has. Numbers begin at 1001, as in every new store."""
    now = shop.now_iso()
    number = shop.next_id("OrderNumber")
    fresh: Record = {
        "id": shop.next_id(TABLE),
        "number": number,
        "name": f"#{number}",
        "createdAt": now,
        "updatedAt": now,
        "processedAt": now,
        "closedAt": None,
        "cancelledAt": None,
        "currency": shop.currency,
        "presentment": given.get("currency") or shop.currency,
        "email": None,
        "note": None,
        "tags": [],
        "customerId": None,
        "lines": [],
        "financial": None,
    }
    fresh.update(given)
    fresh["confirmationNumber"] = confirmation(fresh["id"])
    return fresh


def confirmation(number: int) -> str:
    """Nine letters and digits (`Order.confirmationNumber`), always the same for an order."""
    digest = hashlib.sha256(str(number).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:9])


def add_transaction(shop: Shop, order: Record, kind: str, amount: Bag, **given: Any) -> Record:
    """A transaction that succeeded just now, unless `given` says otherwise."""
    now = shop.now_iso()
    row: Record = {
        "id": shop.next_id("OrderTransaction"),
        "orderId": order["id"],
        "kind": kind,
        "status": "SUCCESS",
        "gateway": "manual",
        "amount": currencies_of(order).text(amount),
        "createdAt": now,
        "processedAt": now,
        "test": bool(order.get("test")),
    }
    row.update(given)
    order.setdefault("transactions", []).append(row)
    return row


# -- writing


def figure(shop: Shop, order: Record, *, financial: bool = True) -> Record:
    """Set everything that is derived: sums and states. `financial`: the status too, which may be a given one."""
    sums = totals(order)
    order["totals"] = sums.texts(currencies_of(order))
    order.setdefault("originalTotal", order["totals"]["total_price"])
    if financial:
        order["financial"] = order_states.financial_status(order, sums)
    order["fulfillment"] = order_states.fulfillment_status(order["lines"], parts_of(shop, order, "fulfillmentOrderIds"))
    order["return"] = order_states.return_status(parts_of(shop, order, "returnIds"))
    return order


def save(shop: Shop, order: Record, *, touch: bool = True, financial: bool = True) -> Record:
    """Derive and store; `touch`: its `updatedAt` is now. The customer's counts follow."""
    figure(shop, order, financial=financial)
    if touch:
        order["updatedAt"] = shop.now_iso()
    note_customer(shop, order)
    return shop.put(TABLE, order)


def settled(order: Record) -> bool:
    """Whether nothing is left to be fulfilled and no money to be taken or given back."""
    return order["fulfillment"] == "FULFILLED" and order["financial"] in ("PAID", "REFUNDED", "PARTIALLY_REFUNDED")


def archive_soon(shop: Shop, order: Record) -> None:
    """An open order that is fulfilled and paid is closed by itself some moments later."""
    if settled(order) and order["closedAt"] is None:
        due = iso(shop.now() + timedelta(seconds=ARCHIVE_S))
        shop.put(_PENDING, {"id": order["id"], "dueAt": due})


@before_each
def archive(shop: Shop) -> None:
    """Close the orders that are due, unless they have changed since."""
    now = shop.now_iso()
    for pending in list(shop.table(_PENDING).values()):
        if pending["dueAt"] > now:
            return
        shop.drop(_PENDING, pending["id"])
        order = shop.table(TABLE).get(pending["id"])
        if order is not None and order["closedAt"] is None and settled(order):
            shop.put(TABLE, {**order, "closedAt": pending["dueAt"], "updatedAt": pending["dueAt"]})


def reopen(order: Record) -> None:
    order["closedAt"] = None

"""The buyers' and the merchant's hand on orders, for tests and demos; merchant.py's `edit` sends here what names them.

Each act goes through the mutation that an app would use, so the same rules hold; the events say that it was the
merchant.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from shopify_sync.sandbox.merchant import EDITORS, BadControl, Given, call, shown
from shopify_sync.sandbox.resources.amounts import parse
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.order_cancel import carry_out
from shopify_sync.sandbox.resources.order_model import TABLE, add_transaction, parts_of, save
from shopify_sync.sandbox.resources.order_money import currencies_of
from shopify_sync.sandbox.resources.order_states import ENDED
from shopify_sync.sandbox.resources.refund_model import everything, returnable, shipping_left
from shopify_sync.sandbox.resources.returns import returnable_units
from shopify_sync.sandbox.resources.shop import PENDING_JOBS
from shopify_sync.sandbox.state import Record, Shop

Act = Callable[[Shop, Record, Any], None]
_SET = frozenset(("note", "email", "phone", "poNumber", "customAttributes", "shippingAddress", "tags"))


def edit_orders(shop: Shop, given: Given) -> Given | None:
    """Carry out what names orders, None when nothing does. The caller holds the lock and has set `merchant_acts`.

    {"placeOrder": {"lines": [{"variant": gid or SKU, "title", "price", "quantity", "taxRate"}], "email",
      "customer": gid, "currency": the buyer's, "taxesIncluded", "shipping": price,
      "discount": {"code", "percentage" | "amount"}, "address", "pay": true | false | "authorize",
      "claim": false leaves stock alone, "note", "tags", "test"}}
    {"order": gid or name, "delete": true}
    {"order": gid or name, and any of these, done in this order:
      "set": {note email phone poNumber customAttributes shippingAddress tags}, "addTags", "removeTags": [tag, ...]
      "metafields": [{"namespace", "key", "type", "value"}]
      "pay": true marks as paid; "capture": true or an amount
      "edit": {"set": {which line: quantity}, "add": {variant's gid or SKU: quantity}, "restock": true}
      "hold": a reason, "release": true, "progress": true: all its open fulfilment orders
      "fulfill": true or {which line: quantity}, "track": number, "deliver": true, "cancelFulfillment": true
      "return", "requestReturn": {which line: quantity}, "approveReturn", "declineReturn", "closeReturn": true
      "refund": true, or {"lines": {which line: quantity}, "amount": of the buyer's money, "shipping": true, "restock",
                "note"}
      "cancel": true or {"reason", "restock", "refund"}, at once; "close": true, "open": true}
    A line is meant by its gid, SKU or title. Returns {"order": {id name updatedAt}} or {"trade": [what was done]}.
    Raises BadControl.
    """
    if "placeOrder" in given:
        order = place(shop, given["placeOrder"])
    elif "order" in given:
        order = change(shop, given)
    else:
        return None
    return {"order": shown(shop, order, "name", "updatedAt")}


EDITORS.append(edit_orders)


def _gid(shop: Shop, order: Record) -> str:
    return shop.gid(TABLE, order["id"])


def _order(shop: Shop, name: str) -> Record:
    found = shop.find(name, TABLE)
    if found is None:
        names = shop.sorted_by(TABLE, "name", lambda record: record["name"]).having(name)
        if not names:
            raise BadControl(f"no order {name!r}")
        found = shop.table(TABLE)[names[-1]]
    return found


def _variant(shop: Shop, which: str) -> Record:
    found = shop.find(which, "ProductVariant")
    if found is None:
        rows = shop.sorted_by("ProductVariant", "sku", lambda record: (record["sku"] or "").casefold())
        numbers = rows.having(which.casefold())
        if not numbers:
            raise BadControl(f"no variant {which!r}")
        found = shop.table("ProductVariant")[numbers[0]]
    return found


def _line(shop: Shop, order: Record, which: str) -> Record:
    for line in order["lines"]:
        if which in (shop.gid("LineItem", line["id"]), line.get("sku"), line.get("title")):
            found: Record = line
            return found
    raise BadControl(f"no line {which!r} in {order['name']}")


# -- placing


def place(shop: Shop, given: Given) -> Record:
    """An order of a buyer. Raises BadControl."""
    currency = given.get("currency") or shop.currency
    lines = [_line_input(shop, row) for row in given["lines"]]
    order: Given = {"lineItems": lines, "presentmentCurrency": currency, "currency": shop.currency}
    order["sourceName"] = "web"
    for key in ("email", "note", "tags", "test", "taxesIncluded"):
        if key in given:
            order[key] = given[key]
    if given.get("customer"):
        order["customer"] = {"toAssociate": {"id": given["customer"]}}
    if given.get("address"):
        order["shippingAddress"] = order["billingAddress"] = given["address"]
    if given.get("shipping") is not None:
        order["shippingLines"] = [{"title": "Standard", "priceSet": _bag(shop, given["shipping"]), "source": "shopify"}]
    if given.get("discount"):
        order["discountCode"] = _discount(shop, given["discount"])
    behaviour = "BYPASS" if given.get("claim") is False else "DECREMENT_IGNORING_POLICY"
    args = {"order": order, "options": {"inventoryBehaviour": behaviour}}
    made: Record = call(shop, "orderCreate", args)["order"]
    pay = given.get("pay", True)
    if pay == "authorize":
        _authorize(shop, made)
    elif pay:
        call(shop, "orderMarkAsPaid", {"input": {"id": _gid(shop, made)}})
    return shop.table(TABLE)[made["id"]]


def _authorize(shop: Shop, order: Record) -> None:
    fresh = copied(order)
    add_transaction(shop, fresh, "AUTHORIZATION", parse(fresh["totals"]["total_price"]), gateway="shopify_payments")
    save(shop, fresh)


def _bag(shop: Shop, amount: Any) -> Given:
    return {"shopMoney": {"amount": str(amount), "currencyCode": shop.currency}}


def _line_input(shop: Shop, row: Given) -> Given:
    made: Given = {"quantity": int(row.get("quantity", 1))}
    if row.get("variant"):
        made["variantId"] = shop.gid("ProductVariant", _variant(shop, row["variant"])["id"])
    for key in ("title", "sku", "taxable", "requiresShipping"):
        if key in row:
            made[key] = row[key]
    if row.get("price") is not None:
        made["priceSet"] = _bag(shop, row["price"])
    if row.get("taxRate") is not None:
        made["taxLines"] = [{"title": "Tax", "rate": str(row["taxRate"])}]
    return made


def _discount(shop: Shop, given: Given) -> Given:
    if "percentage" in given:
        row = {"code": given["code"], "percentage": float(given["percentage"])}
        return {"itemPercentageDiscountCode": row}
    return {"itemFixedDiscountCode": {"code": given["code"], "amountSet": _bag(shop, given["amount"])}}


# -- changing


def change(shop: Shop, given: Given) -> Record:
    """The order after what is asked for. Raises BadControl."""
    order = _order(shop, str(given["order"]))
    if given.get("delete"):
        call(shop, "orderDelete", {"orderId": _gid(shop, order)})
        return order
    acts = {key: value for key, value in given.items() if key != "order"}
    unknown = acts.keys() - _ACTS.keys()
    if unknown:
        raise BadControl(f"cannot {', '.join(sorted(unknown))}; known: {', '.join(_ACTS)}")
    for key, act in _ACTS.items():
        if acts.get(key) not in (None, False):
            act(shop, shop.table(TABLE)[order["id"]], acts[key])
    return shop.table(TABLE)[order["id"]]


def _set(shop: Shop, order: Record, given: Given) -> None:
    if given.keys() - _SET:
        raise BadControl(f"cannot set {', '.join(sorted(given.keys() - _SET))}; known: {', '.join(sorted(_SET))}")
    call(shop, "orderUpdate", {"input": {"id": _gid(shop, order), **given}})


def _tags(name: str) -> Act:
    return lambda shop, order, tags: _ignore(call(shop, name, {"id": _gid(shop, order), "tags": tags}))


def _ignore(payload: Given) -> None:
    del payload


def _metafields(shop: Shop, order: Record, rows: list[Given]) -> None:
    call(shop, "metafieldsSet", {"metafields": [{"ownerId": _gid(shop, order), **row} for row in rows]})


def _simple(name: str) -> Act:
    return lambda shop, order, on: _ignore(call(shop, name, {"input": {"id": _gid(shop, order)}}))


def _capture(shop: Shop, order: Record, amount: Any) -> None:
    held = [row for row in order.get("transactions") or () if row["kind"] == "AUTHORIZATION"]
    if not held:
        raise BadControl(f"nothing is authorized in {order['name']}")
    wanted = parse(order["totals"]["total_capturable"]).presentment if amount is True else Decimal(str(amount))
    given = {
        "id": _gid(shop, order),
        "parentTransactionId": shop.gid("OrderTransaction", held[-1]["id"]),
        "amount": str(wanted),
        "currency": currencies_of(order).presentment,
        "finalCapture": amount is True,
    }
    call(shop, "orderCapture", {"input": given})


def _edit(shop: Shop, order: Record, given: Given) -> None:
    session = call(shop, "orderEditBegin", {"id": _gid(shop, order)})["calculatedOrder"]["id"]
    gid = shop.gid("CalculatedOrder", session)
    for which, count in (given.get("set") or {}).items():
        line = f"gid://shopify/CalculatedLineItem/{_line(shop, order, which)['id']}"
        args = {"id": gid, "lineItemId": line, "quantity": count, "restock": bool(given.get("restock"))}
        call(shop, "orderEditSetQuantity", args)
    for which, count in (given.get("add") or {}).items():
        variant = shop.gid("ProductVariant", _variant(shop, which)["id"])
        args = {"id": gid, "variantId": variant, "quantity": count, "allowDuplicates": True}
        call(shop, "orderEditAddVariant", args)
    call(shop, "orderEditCommit", {"id": gid})


def _open(shop: Shop, order: Record) -> list[Record]:
    return [row for row in parts_of(shop, order, "fulfillmentOrderIds") if row["status"] not in ENDED]


def _hold(shop: Shop, order: Record, reason: Any) -> None:
    given = {"reason": "OTHER" if reason is True else reason}
    for record in _open(shop, order):
        gid = shop.gid("FulfillmentOrder", record["id"])
        call(shop, "fulfillmentOrderHold", {"id": gid, "fulfillmentHold": given})


def _on_each(name: str, *states: str) -> Act:
    def act(shop: Shop, order: Record, on: Any) -> None:
        for record in _open(shop, order):
            if record["status"] in states:
                call(shop, name, {"id": shop.gid("FulfillmentOrder", record["id"])})

    return act


def _fulfill(shop: Shop, order: Record, given: Any) -> None:
    wanted = None if given is True else {_line(shop, order, which)["id"]: count for which, count in given.items()}
    groups = []
    for record in _open(shop, order):
        rows = []
        for row in record["lines"]:
            count = row["remaining"] if wanted is None else min(row["remaining"], wanted.get(row["lineId"], 0))
            if wanted is not None:
                wanted[row["lineId"]] = wanted.get(row["lineId"], 0) - count
            if count:
                rows.append({"id": shop.gid("FulfillmentOrderLineItem", row["id"]), "quantity": count})
        if rows:
            gid = shop.gid("FulfillmentOrder", record["id"])
            groups.append({"fulfillmentOrderId": gid, "fulfillmentOrderLineItems": rows})
    call(shop, "fulfillmentCreate", {"fulfillment": {"lineItemsByFulfillmentOrder": groups}})


def _shipped(shop: Shop, order: Record) -> Record:
    rows = [row for row in parts_of(shop, order, "fulfillmentIds") if row["status"] == "SUCCESS"]
    if not rows:
        raise BadControl(f"nothing of {order['name']} is fulfilled")
    return rows[-1]


def _track(shop: Shop, order: Record, number: Any) -> None:
    gid = shop.gid("Fulfillment", _shipped(shop, order)["id"])
    info = {"number": str(number), "company": "UPS"}
    call(shop, "fulfillmentTrackingInfoUpdate", {"fulfillmentId": gid, "trackingInfoInput": info})


def _deliver(shop: Shop, order: Record, on: Any) -> None:
    """The carrier says so; the fulfilment changes, the order's own time does not."""
    now = shop.now_iso()
    record = {**_shipped(shop, order), "displayStatus": "DELIVERED", "deliveredAt": now, "updatedAt": now}
    shop.put("Fulfillment", record)


def _unship(shop: Shop, order: Record, on: Any) -> None:
    call(shop, "fulfillmentCancel", {"id": shop.gid("Fulfillment", _shipped(shop, order)["id"])})


def _return(name: str, root: str) -> Act:
    def act(shop: Shop, order: Record, given: dict[str, int]) -> None:
        rows: list[Given] = []
        for which, count in given.items():
            line = _line(shop, order, which)
            part = next(
                (
                    part
                    for record in parts_of(shop, order, "fulfillmentIds")
                    for part in record["lines"]
                    if part["lineId"] == line["id"] and returnable_units(shop, order, part) >= count
                ),
                None,
            )
            if part is None:
                raise BadControl(f"{count} of {which!r} can't be returned")
            gid = shop.gid("FulfillmentLineItem", part["id"])
            rows.append({"fulfillmentLineItemId": gid, "quantity": count, "returnReason": "UNWANTED"})
        call(shop, name, {root: {"orderId": _gid(shop, order), "returnLineItems": rows}})

    return act


def _on_return(name: str, state: str, nested: bool, **extra: Any) -> Act:
    def act(shop: Shop, order: Record, on: Any) -> None:
        rows = [row for row in parts_of(shop, order, "returnIds") if row["status"] == state]
        if not rows:
            raise BadControl(f"{order['name']} has no return in state {state}")
        given = {"id": shop.gid("Return", rows[0]["id"]), **extra}
        call(shop, name, {"input": given} if nested else given)

    return act


def _refund(shop: Shop, order: Record, given: Any) -> None:
    if given is True:
        given = {"lines": {shop.gid("LineItem", line["id"]): line["quantity"] for line in order["lines"]}}
        given |= {"shipping": any(shipping_left(row) for row in order.get("shipping") or ()), "amount": True}
    rows = []
    for which, count in (given.get("lines") or {}).items():
        line = _line(shop, order, which)
        back = min(count, returnable(line))
        kinds = (("RETURN", back), ("CANCEL", min(count - back, line["quantity"] - line.get("fulfilled", 0))))
        for kind, units in kinds if given.get("restock", True) else (("NO_RESTOCK", count),):
            if units > 0:
                gid = shop.gid("LineItem", line["id"])
                rows.append({"lineItemId": gid, "quantity": units, "restockType": kind})
    args: Given = {"orderId": _gid(shop, order), "refundLineItems": rows, "note": given.get("note")}
    args["currency"] = currencies_of(order).presentment
    if given.get("shipping"):
        args["shipping"] = {"fullRefund": True}
    amount = given.get("amount")
    if amount is not None:
        args["transactions"] = _payments(shop, order, None if amount is True else Decimal(str(amount)))
    call(shop, "refundCreate", {"input": args})


def _payments(shop: Shop, order: Record, amount: Decimal | None) -> list[Given]:
    """Refunds of an amount, from one payment after the other; all that was paid when there is none."""
    rows = []
    for payment, rest in everything(order, "CANCEL").payments:
        part = rest.presentment if amount is None else min(amount, rest.presentment)
        if part > 0:
            row = {"orderId": _gid(shop, order), "parentId": shop.gid("OrderTransaction", payment["id"])}
            rows.append({**row, "kind": "REFUND", "gateway": payment["gateway"], "amount": str(part)})
            amount = None if amount is None else amount - part
    return rows


def _cancel(shop: Shop, order: Record, given: Any) -> None:
    wanted = {} if given is True else given
    args = {"orderId": _gid(shop, order), "reason": wanted.get("reason", "CUSTOMER")}
    args |= {"restock": wanted.get("restock", True), "refund": bool(wanted.get("refund"))}
    call(shop, "orderCancel", args, "orderCancelUserErrors")
    row = shop.table(PENDING_JOBS)[order["id"]]
    shop.drop(PENDING_JOBS, order["id"])
    carry_out(shop, copied(shop.table(TABLE)[order["id"]]), row)


_ACTS: dict[str, Act] = {
    "set": _set,
    "addTags": _tags("tagsAdd"),
    "removeTags": _tags("tagsRemove"),
    "metafields": _metafields,
    "pay": _simple("orderMarkAsPaid"),
    "capture": _capture,
    "edit": _edit,
    "hold": _hold,
    "release": _on_each("fulfillmentOrderReleaseHold", "ON_HOLD"),
    "progress": _on_each("fulfillmentOrderReportProgress", "OPEN"),
    "fulfill": _fulfill,
    "track": _track,
    "deliver": _deliver,
    "cancelFulfillment": _unship,
    "return": _return("returnCreate", "returnInput"),
    "requestReturn": _return("returnRequest", "input"),
    "approveReturn": _on_return("returnApproveRequest", "REQUESTED", True),
    "declineReturn": _on_return("returnDeclineRequest", "REQUESTED", True, declineReason="OTHER"),
    "closeReturn": _on_return("returnClose", "OPEN", False),
    "refund": _refund,
    "cancel": _cancel,
    "close": _simple("orderClose"),
    "open": _simple("orderOpen"),
}

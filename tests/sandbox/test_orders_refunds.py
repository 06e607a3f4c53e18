"""Refunds, edits and deletions of orders: which units and money they move, and what they refuse."""

from __future__ import annotations

import pytest

from tests.sandbox.order_front import REFUND, Orders, amounts, custom, sale, shop_amount, usd
from tests.sandbox.shopfront import Json

DELETE = "mutation($id: ID!) { orderDelete(orderId: $id) { deletedId userErrors { field message code } } }"


@pytest.fixture
def front() -> Orders:
    return Orders.stocked()


# -- refunding


def test_a_refund_needs_a_key(front: Orders) -> None:
    gid = front.place()
    document = REFUND.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")
    body = front.run(document, {"input": {"orderId": gid}})
    assert body["data"]["refundCreate"] is None
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "@idempotent" in body["errors"][0]["message"]


def test_the_same_key_refunds_once(front: Orders) -> None:
    gid = front.place()
    line = front.read(gid)["lineItems"]["nodes"][0]["id"]
    rows = [{"lineItemId": line, "quantity": 1, "restockType": "CANCEL"}]
    first = front.refund(gid, key="k1", refundLineItems=rows)
    second = front.refund(gid, key="k1", refundLineItems=rows)
    assert first["refund"]["id"] == second["refund"]["id"]
    other = front.refund(gid, key="k1", refundLineItems=rows, note="x")
    assert other["userErrors"][0]["message"].startswith("The same idempotency key")
    front.wait(24 * 3600 + 1)
    assert front.refund(gid, key="k1", refundLineItems=rows)["refund"]["id"] != first["refund"]["id"]


def payments(front: Orders, gid: str, amount: str) -> list[Json]:
    paid = next(row for row in front.read(gid)["transactions"] if row["kind"] == "SALE")
    return [{"orderId": gid, "parentId": paid["id"], "kind": "REFUND", "gateway": "manual", "amount": amount}]


def test_units_and_their_money_go_back(front: Orders) -> None:
    gid = front.place(lines=[{"variant": "S", "quantity": 3, "taxRate": "0.1"}], shipping="5.00")
    line = front.read(gid)["lineItems"]["nodes"][0]["id"]
    rows = [{"lineItemId": line, "quantity": 1, "restockType": "CANCEL"}]
    front.refund(gid, refundLineItems=rows, transactions=payments(front, gid, "11.00"))
    order = front.read(gid)
    refund = order["refunds"][0]
    assert shop_amount(refund["refundLineItems"]["nodes"][0]["subtotalSet"]) == "10.0"
    assert shop_amount(refund["refundLineItems"]["nodes"][0]["totalTaxSet"]) == "1.0"
    assert (shop_amount(refund["totalRefundedSet"]), refund["orderAdjustments"]["nodes"]) == ("11.0", [])
    assert order["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert [shop_amount(order[key]) for key in ("totalPriceSet", "currentTotalPriceSet", "netPaymentSet")] == [
        "38.0",
        "27.0",
        "27.0",
    ]
    shown = order["lineItems"]["nodes"][0]
    assert [shown[key] for key in ("quantity", "currentQuantity", "unfulfilledQuantity")] == [3, 2, 2]


def test_money_alone_is_a_discrepancy(front: Orders) -> None:
    gid = front.place()
    front.refund(gid, transactions=payments(front, gid, "5.00"), discrepancyReason="CUSTOMER")
    order = front.read(gid)
    row = order["refunds"][0]["orderAdjustments"]["nodes"][0]
    assert (row["reason"], shop_amount(row["amountSet"])) == ("CUSTOMER", "-5.0")
    assert shop_amount(order["refundDiscrepancySet"]) == "-5.0"
    assert shop_amount(order["totalOutstandingSet"]) == "0.0"
    assert shop_amount(order["currentTotalPriceSet"]) == "20.0"


def test_shipping_goes_back_with_its_tax(front: Orders) -> None:
    tax = [{"title": "VAT", "rate": "0.1", "priceSet": usd("0.50")}]
    gid = front.make(
        lineItems=[custom()],
        shippingLines=[{"title": "Post", "priceSet": usd("5.00"), "taxLines": tax}],
        transactions=[sale("15.50")],
    )["id"]
    front.refund(gid, shipping={"amount": "2.00"}, transactions=payments(front, gid, "2.20"))
    row = front.read(gid)["refunds"][0]["refundShippingLines"]["nodes"][0]
    assert (shop_amount(row["subtotalAmountSet"]), shop_amount(row["taxAmountSet"])) == ("2.0", "0.2")
    front.refund(gid, shipping={"fullRefund": True}, transactions=payments(front, gid, "3.30"))
    order = front.read(gid)
    assert (shop_amount(order["currentTotalPriceSet"]), shop_amount(order["currentTotalTaxSet"])) == ("10.0", "0.0")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"refundLineItems": [{"lineItemId": "gid://shopify/LineItem/1", "quantity": 1}]}, "lineItemId"),
        ({"refundLineItems": [{"lineItemId": "LINE", "quantity": 3, "restockType": "CANCEL"}]}, "quantity"),
        ({"refundLineItems": [{"lineItemId": "LINE", "quantity": 1, "restockType": "RETURN"}]}, "quantity"),
        ({"refundLineItems": [{"lineItemId": "LINE", "quantity": 1, "restockType": "LEGACY_RESTOCK"}]}, "restockType"),
        ({"shipping": {"amount": "0.01"}}, "amount"),
        ({"currency": "EUR"}, "currency"),
        ({}, None),
    ],
)
def test_refused_refunds(front: Orders, given: Json, field: str | None) -> None:
    gid = front.place()
    line = front.read(gid)["lineItems"]["nodes"][0]["id"]
    for row in given.get("refundLineItems") or []:
        row["lineItemId"] = row["lineItemId"].replace("LINE", line)
    wrong = front.errors(REFUND, input={"orderId": gid, **given}, key="k")
    assert (wrong[0][0] or [None])[-1] == field


def test_more_than_was_paid_needs_leave(front: Orders) -> None:
    gid = front.place()
    given: Json = {"transactions": payments(front, gid, "20.01")}
    assert front.errors(REFUND, input={"orderId": gid, **given}, key="k")
    assert front.refund(gid, **given, allowOverRefunding=True)["userErrors"] == []


def test_an_order_in_two_currencies_is_refunded_in_the_buyers(front: Orders) -> None:
    gid = front.place(currency="JPY", lines=[{"variant": "S", "quantity": 3}])
    paid = front.read(gid)
    assert amounts(paid["totalPriceSet"]) == ("30.0", "4542.0")
    rows = payments(front, gid, "1514")
    assert front.errors(REFUND, input={"orderId": gid, "transactions": rows}, key="k")[0][0] == ["currency"]
    front.refund(gid, currency="JPY", transactions=rows)
    assert amounts(front.read(gid)["totalRefundedSet"]) == ("10.0", "1514.0")


def test_returned_units_are_refunded_after_they_were_fulfilled(front: Orders) -> None:
    gid = front.place()
    front.act(gid, fulfill=True)
    order = front.act(gid, refund={"lines": {"S": 1}, "amount": "10.00"})
    assert [row["restockType"] for row in order["refunds"][0]["refundLineItems"]["nodes"]] == ["RETURN"]
    line = order["lineItems"]["nodes"][0]
    assert (line["currentQuantity"], line["unfulfilledQuantity"]) == (1, 0)
    assert order["displayFulfillmentStatus"] == "FULFILLED"


# -- editing, deleting


def test_an_edit_of_a_paid_order_leaves_something_to_pay(front: Orders) -> None:
    order = front.act(front.place(), edit={"add": {"M": 1}})
    assert (order["edited"], order["displayFinancialStatus"]) == (True, "PARTIALLY_PAID")
    assert shop_amount(order["totalOutstandingSet"]) == "12.0"
    assert [shop_amount(order[key]) for key in ("originalTotalPriceSet", "totalPriceSet")] == ["20.0", "32.0"]
    assert len(order["fulfillmentOrders"]["nodes"]) == 2


def test_an_edit_that_takes_units_off_leaves_something_to_give_back(front: Orders) -> None:
    order = front.act(front.place(), edit={"set": {"S": 1}, "restock": True})
    assert shop_amount(order["totalOutstandingSet"]) == "-10.0"
    assert (shop_amount(order["totalPriceSet"]), shop_amount(order["currentTotalPriceSet"])) == ("20.0", "10.0")
    assert order["displayFinancialStatus"] == "PAID"
    assert order["lineItems"]["nodes"][0]["unfulfilledQuantity"] == 1


def test_fulfilled_units_cannot_be_taken_off(front: Orders) -> None:
    gid = front.place()
    front.act(gid, fulfill={"S": 1})
    begin = """mutation($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id
      lineItems(first: 5) { nodes { id quantity editableQuantity } } } userErrors { message } } }"""
    session = front.data(begin, id=gid)["calculatedOrder"]
    row = session["lineItems"]["nodes"][0]
    assert (row["quantity"], row["editableQuantity"]) == (2, 1)
    change = """mutation($id: ID!, $line: ID!) { orderEditSetQuantity(id: $id, lineItemId: $line, quantity: 0) {
      calculatedOrder { id } userErrors { field message } } }"""
    assert front.errors(change, id=session["id"], line=row["id"])[0][0] == ["quantity"]


def test_a_cancelled_order_cannot_be_edited(front: Orders) -> None:
    gid = front.place(pay=False)
    front.act(gid, cancel=True)
    begin = "mutation($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id } userErrors { field message } } }"
    assert front.errors(begin, id=gid)


def test_a_deleted_order_is_gone_with_all_its_parts(front: Orders) -> None:
    gid = front.place()
    front.act(
        gid, fulfill=True, metafields=[{"namespace": "custom", "key": "gift", "type": "boolean", "value": "true"}]
    )
    front.act(gid, refund={"lines": {"S": 1}, "amount": "1.00"})
    assert front.data(DELETE, id=gid)["deletedId"] == gid
    assert not any(
        front.shop.table(kind) for kind in ("Order", "Fulfillment", "FulfillmentOrder", "Refund", "Metafield")
    )
    events = front.data('{ events(first: 50, query: "subject_type:ORDER action:destroy") { nodes { action } } }')
    assert len(events["nodes"]) == 1
    assert front.errors(DELETE, id=gid)[0][2] == "NOT_FOUND"


def test_orders_paid_online_stay(front: Orders) -> None:
    gid = front.make(lineItems=[custom()], transactions=[sale("10.00", gateway="shopify_payments")])["id"]
    assert front.errors(DELETE, id=gid)[0][2] == "INVALID"

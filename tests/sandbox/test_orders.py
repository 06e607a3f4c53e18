"""Mutations of orders: what they do to states, money and times. Recorded answers: test_captures_orders."""

from __future__ import annotations

import pytest

from tests.sandbox.order_front import CREATE, Orders, amounts, custom, sale, shop_amount, usd
from tests.sandbox.shopfront import Json

CANCEL = """mutation($id: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $refund: Boolean) {
  orderCancel(orderId: $id, reason: $reason, restock: $restock, refund: $refund) {
    job { id done } orderCancelUserErrors { field message code } } }"""
JOB = "query($id: ID!) { job(id: $id) { id done } }"
CAPTURE = """mutation($input: OrderCaptureInput!) { orderCapture(input: $input) {
  transaction { id kind parentTransaction { id } } userErrors { field message } } }"""
MARK = "mutation($id: ID!) { orderMarkAsPaid(input: {id: $id}) { order { id } userErrors { field message } } }"
HOLD = """mutation($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
  fulfillmentHold { id handle reason displayReason } fulfillmentOrder { id status lineItems(first: 5) { nodes {
    id totalQuantity remainingQuantity } } }
  remainingFulfillmentOrder { id status lineItems(first: 5) { nodes { remainingQuantity } } }
  userErrors { field message code } } }"""
RELEASE = """mutation($id: ID!) { fulfillmentOrderReleaseHold(id: $id) { fulfillmentOrder { id status }
  userErrors { field message code } } }"""


@pytest.fixture
def front() -> Orders:
    return Orders.stocked()


# -- creating


def test_orders_are_numbered_from_1001(front: Orders) -> None:
    first, second = front.make(lineItems=[custom()]), front.make(lineItems=[custom()], name="EN-7")
    assert (first["name"], first["number"], second["name"], second["number"]) == ("#1001", 1001, "EN-7", 1002)


def test_a_line_takes_what_its_variant_says_unless_the_input_does(front: Orders) -> None:
    variant = next(iter(front.shop.table("ProductVariant")))
    gid = front.shop.gid("ProductVariant", variant)
    made = front.make(lineItems=[{"variantId": gid, "quantity": 1}, {"variantId": gid, "quantity": 1, "title": "Own"}])
    lines = made["lineItems"]["nodes"]
    assert [(line["title"], line["sku"]) for line in lines] == [("Shirt", "S"), ("Own", "S")]
    assert amounts(lines[0]["originalUnitPriceSet"]) == ("10.0", "10.0")


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"processedAt": "2099-01-01T00:00:00Z"}, ["order", "processedAt"], "PROCESSED_AT_INVALID"),
        (
            {"customerId": "gid://shopify/Customer/1", "customer": {"toUpsert": {"email": "a@b.c"}}},
            ["order"],
            "REDUNDANT_CUSTOMER_FIELDS",
        ),
        ({"lineItems": []}, ["order", "lineItems"], "INVALID"),
        ({"lineItems": [custom(quantity=0)]}, ["order", "lineItems", "0", "quantity"], "INVALID"),
        ({"lineItems": [{"quantity": 1, "title": "x"}]}, ["order", "lineItems", "0", "priceSet"], "INVALID"),
        ({"phone": "not a phone"}, ["order", "phone"], "INVALID"),
    ],
)
def test_refused_orders(front: Orders, given: Json, field: list[str], code: str) -> None:
    """Codes and fields of the first two were recorded: order-create-validation-matrix-extended."""
    wrong = front.errors(CREATE, order={"lineItems": [custom()], **given})
    assert [(row[0], row[2]) for row in wrong] == [(field, code)]


def test_what_is_not_served_is_refused_and_not_passed_over(front: Orders) -> None:
    gid = front.place()
    fields = [{"key": "TAX_CREDENTIAL_BR", "value": "1"}]
    update = "mutation($i: OrderInput!) { orderUpdate(input: $i) { order { id } } }"
    body = front.run(update, {"i": {"id": gid, "localizedFields": fields}})
    assert body["errors"][0]["extensions"]["code"] == "NOT_IMPLEMENTED"
    order = {"lineItems": [custom()], "companyLocationId": "gid://shopify/CompanyLocation/1"}
    assert front.run(CREATE, {"order": order})["errors"][0]["extensions"]["code"] == "NOT_IMPLEMENTED"


def test_a_policy_that_denies_refuses_what_is_not_there(front: Orders) -> None:
    variant = front.shop.gid("ProductVariant", next(iter(front.shop.table("ProductVariant"))))
    item = next(iter(front.shop.table("InventoryItem").values()))
    front.shop.put("InventoryItem", {**item, "tracked": True})
    order = {"lineItems": [{"variantId": variant, "quantity": 100_000}]}
    wrong = front.errors(CREATE, order=order, options={"inventoryBehaviour": "DECREMENT_OBEYING_POLICY"})
    assert [row[2] for row in wrong] == ["INVENTORY_CLAIM_FAILED"]
    front.make({"inventoryBehaviour": "BYPASS"}, **order)


def test_a_percentage_is_spread_over_the_lines_to_the_cent(front: Orders) -> None:
    code = {"itemPercentageDiscountCode": {"code": "THIRD", "percentage": 33.3}}
    made = front.make(lineItems=[custom("a", "0.99"), custom("b", "10.01", 3)], discountCode=code)
    assert shop_amount(made["totalDiscountsSet"]) == "10.33"
    rows = [line["discountAllocations"][0]["allocatedAmountSet"] for line in made["lineItems"]["nodes"]]
    assert [shop_amount(row) for row in rows] == ["0.33", "10.0"]
    assert made["discountCodes"] == ["THIRD"]
    assert shop_amount(made["lineItems"]["nodes"][0]["totalDiscountSet"]) == "0.0", "a code of the whole order"


def test_free_shipping_is_a_discount_and_keeps_the_shipping_price(front: Orders) -> None:
    made = front.make(
        lineItems=[custom()],
        shippingLines=[{"title": "Post", "priceSet": usd("5.00")}],
        discountCode={"freeShippingDiscountCode": {"code": "FREE"}},
    )
    assert [shop_amount(made[key]) for key in ("totalShippingPriceSet", "totalDiscountsSet", "totalPriceSet")] == [
        "5.0",
        "5.0",
        "10.0",
    ]


def test_taxes_are_added_or_contained(front: Orders) -> None:
    line = custom(price="119.00", taxLines=[{"title": "VAT", "rate": "0.19"}])
    extra, inside = front.make(lineItems=[line]), front.make(lineItems=[line], taxesIncluded=True)
    assert [shop_amount(made["totalTaxSet"]) for made in (extra, inside)] == ["22.61", "19.0"]
    assert [shop_amount(made["totalPriceSet"]) for made in (extra, inside)] == ["141.61", "119.0"]


def test_taxes_of_the_order_are_split_over_taxable_lines(front: Orders) -> None:
    lines = [custom("a", "10.00"), custom("b", "20.00"), custom("c", "70.00", taxable=False)]
    made = front.make(lineItems=lines, taxLines=[{"title": "Tax", "rate": "0.1", "priceSet": usd("1.00")}])
    taxes = [[shop_amount(row["priceSet"]) for row in line["taxLines"]] for line in made["lineItems"]["nodes"]]
    assert taxes == [["0.33"], ["0.67"], []]


def test_amounts_in_one_currency_are_converted_at_the_rate_of_those_in_two(front: Orders) -> None:
    price = {**usd("20.00"), "presentmentMoney": {"amount": "3000", "currencyCode": "JPY"}}
    made = front.make(
        currency="USD",
        presentmentCurrency="JPY",
        lineItems=[{**custom(quantity=2), "priceSet": price}],
        shippingLines=[{"title": "Post", "priceSet": usd("5.01")}],
    )
    assert amounts(made["totalShippingPriceSet"]) == ("5.01", "752.0")
    assert amounts(made["totalPriceSet"]) == ("45.01", "6752.0")


def test_an_order_without_a_price_is_paid(front: Orders) -> None:
    assert front.make(lineItems=[custom(price="0.00")])["displayFinancialStatus"] == "PAID"


def test_a_given_status_stands_until_money_moves(front: Orders) -> None:
    """Source: description of `OrderCreateOrderInput.financialStatus`."""
    gid = front.make(lineItems=[custom()], financialStatus="PARTIALLY_REFUNDED")["id"]
    assert front.act(gid, addTags=["x"])["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    gid = front.make(lineItems=[custom()], financialStatus="PENDING")["id"]
    assert front.act(gid, pay=True)["displayFinancialStatus"] == "PAID"


# -- paying


def test_marking_as_paid_captures_what_is_authorized(front: Orders) -> None:
    gid = front.place(pay="authorize")
    before = front.read(gid)
    assert (before["displayFinancialStatus"], before["capturable"]) == ("AUTHORIZED", True)
    assert shop_amount(before["totalOutstandingSet"]) == "0.0"
    front.data(MARK, id=gid)
    after = front.read(gid)
    assert [row["kind"] for row in after["transactions"]] == ["AUTHORIZATION", "CAPTURE"]
    assert after["transactions"][1]["parentTransaction"]["id"] == after["transactions"][0]["id"]
    assert (after["displayFinancialStatus"], after["capturable"]) == ("PAID", False)


def test_a_pending_payment_is_followed_by_its_sale(front: Orders) -> None:
    rows = [sale("10.00", status="PENDING", gateway="Bank Deposit")]
    gid = front.make(lineItems=[custom()], transactions=rows)["id"]
    assert front.read(gid)["displayFinancialStatus"] == "PENDING"
    paid = front.act(gid, pay=True)
    assert [(row["status"], row["gateway"]) for row in paid["transactions"]] == [
        ("PENDING", "Bank Deposit"),
        ("SUCCESS", "Bank Deposit"),
    ]


def test_captures_in_parts(front: Orders) -> None:
    gid = front.place(pay="authorize")  # 20.00
    held = front.read(gid)["transactions"][0]["id"]
    given = {"id": gid, "parentTransactionId": held, "amount": "8.00", "finalCapture": False}
    assert front.data(CAPTURE, input=given)["userErrors"] == []
    part = front.read(gid)
    assert part["displayFinancialStatus"] == "PARTIALLY_PAID"
    assert [shop_amount(part[key]) for key in ("totalCapturableSet", "totalReceivedSet", "totalOutstandingSet")] == [
        "12.0",
        "8.0",
        "0.0",
    ]
    assert front.errors(CAPTURE, input={**given, "amount": "12.01"})[0][0] == ["input", "amount"]
    front.data(CAPTURE, input={**given, "amount": "2.00", "finalCapture": True})
    last = front.read(gid)
    assert [shop_amount(last[key]) for key in ("totalCapturableSet", "totalOutstandingSet")] == ["0.0", "10.0"]


# -- cancelling


def test_a_cancellation_is_a_job(front: Orders) -> None:
    """Accepted at once, carried out a moment later; meanwhile a second one is refused (recorded)."""
    gid = front.place(pay=False)
    payload = front.data(CANCEL, id=gid, reason="FRAUD", restock=True)
    assert payload["job"]["done"] is False
    assert front.data(JOB, id=payload["job"]["id"])["done"] is False
    assert front.read(gid)["cancelledAt"] is None
    again = front.data(CANCEL, id=gid, reason="FRAUD", restock=True)
    assert again["orderCancelUserErrors"][0]["message"] == "Cancellation is already in progress"
    front.wait(1)
    assert front.data(JOB, id=payload["job"]["id"])["done"] is True
    order = front.read(gid)
    assert order["cancelledAt"] == order["closedAt"] == order["updatedAt"]
    assert (order["cancelReason"], order["canMarkAsPaid"]) == ("FRAUD", False)
    assert [row["status"] for row in order["fulfillmentOrders"]["nodes"]] == ["CLOSED"]


def test_cancelling_voids_authorizations(front: Orders) -> None:
    order = front.act(front.place(pay="authorize"), cancel=True)
    assert [row["kind"] for row in order["transactions"]] == ["AUTHORIZATION", "VOID"]
    assert (order["displayFinancialStatus"], order["closed"]) == ("VOIDED", True)


@pytest.mark.parametrize(("refund", "status", "closed"), [(True, "REFUNDED", True), (False, "PAID", False)])
def test_cancelling_a_paid_order(front: Orders, refund: bool, status: str, closed: bool) -> None:
    """Without a refund it stays open (recorded: fulfillment-create-preconditions)."""
    order = front.act(front.place(shipping="5.00"), cancel={"refund": refund})
    assert (order["displayFinancialStatus"], order["closed"]) == (status, closed)
    assert shop_amount(order["netPaymentSet"]) == ("0.0" if refund else "25.0")
    assert shop_amount(order["totalOutstandingSet"]) == "0.0"


def test_a_cancellation_comes_to_nothing_while_a_return_is_open(front: Orders) -> None:
    gid = front.place(pay=False)
    front.act(gid, fulfill=True)
    front.act(gid, **{"return": {"S": 1}})
    job = front.data(CANCEL, id=gid, reason="OTHER", restock=True)["job"]["id"]
    front.wait(5)
    assert (front.data(JOB, id=job)["done"], front.read(gid)["cancelledAt"]) == (True, None)


# -- times


def test_an_order_that_is_paid_and_fulfilled_is_closed_by_itself(front: Orders) -> None:
    """And its `updatedAt` moves without anybody having touched it (recorded: fulfillment-cancel-parity)."""
    gid = front.place()
    shipped = front.act(gid, fulfill=True)
    assert shipped["closed"] is False
    front.wait(2)
    closed = front.read(gid)
    assert closed["closedAt"] == closed["updatedAt"] > shipped["updatedAt"]
    again = front.act(gid, cancelFulfillment=True)
    assert (again["closed"], again["displayFulfillmentStatus"]) == (False, "UNFULFILLED")


def test_what_moves_the_time_of_an_order(front: Orders) -> None:
    """Returns and holds do not; recorded for returns: returnClose-Reopen-Cancel-state-preconditions."""
    gid = front.place(pay=False)
    moved = {}
    steps: dict[str, Json] = {
        "hold": {"hold": "OTHER"},
        "release": {"release": True},
        "progress": {"progress": True},
        "fulfill": {"fulfill": True},
        "deliver": {"deliver": True},
        "return": {"return": {"S": 1}},
        "closeReturn": {"closeReturn": True},
        "addTags": {"addTags": ["x"]},
        "sameTags": {"addTags": ["X"]},
        "pay": {"pay": True},
    }
    for name, acts in steps.items():
        before = front.read(gid)["updatedAt"]
        front.wait(10)
        moved[name] = front.act(gid, **acts)["updatedAt"] != before
    assert moved == {
        "hold": False,
        "release": False,
        "progress": True,
        "fulfill": True,
        "deliver": False,
        "return": False,
        "closeReturn": False,
        "addTags": True,
        "sameTags": False,
        "pay": True,
    }


def test_a_held_fulfilment_order_has_a_new_time_of_its_own(front: Orders) -> None:
    gid = front.place()
    before = front.read(gid)
    front.wait(10)
    after = front.act(gid, hold="OTHER")
    assert after["fulfillmentOrders"]["nodes"][0]["updatedAt"] > before["fulfillmentOrders"]["nodes"][0]["updatedAt"]
    assert (after["updatedAt"], after["displayFulfillmentStatus"]) == (before["updatedAt"], "ON_HOLD")


# -- fulfilling


def test_fulfilling_in_parts(front: Orders) -> None:
    gid = front.place(lines=[{"variant": "S", "quantity": 2}, {"variant": "M", "quantity": 3}])
    part = front.act(gid, fulfill={"S": 1, "M": 2})
    assert part["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert [line["unfulfilledQuantity"] for line in part["lineItems"]["nodes"]] == [1, 1]
    whole = front.act(gid, fulfill=True)
    assert whole["displayFulfillmentStatus"] == "FULFILLED"
    assert [row["name"] for row in whole["fulfillments"]] == ["#1001-F2", "#1001-F1"]
    assert [row["status"] for row in whole["fulfillmentOrders"]["nodes"]] == ["CLOSED"]


def test_some_units_are_held_and_the_others_wait_apart(front: Orders) -> None:
    gid = front.place(lines=[{"variant": "S", "quantity": 5}])
    record = front.read(gid)["fulfillmentOrders"]["nodes"][0]
    row = record["lineItems"]["nodes"][0]["id"]
    hold = {"reason": "HIGH_RISK_OF_FRAUD", "fulfillmentOrderLineItems": [{"id": row, "quantity": 2}]}
    payload = front.data(HOLD, id=record["id"], hold=hold)
    assert payload["fulfillmentOrder"]["lineItems"]["nodes"][0]["remainingQuantity"] == 2
    assert payload["remainingFulfillmentOrder"]["lineItems"]["nodes"][0]["remainingQuantity"] == 3
    assert payload["fulfillmentHold"]["displayReason"] == "High risk of fraud"
    assert front.read(gid)["displayFulfillmentStatus"] == "UNFULFILLED", "some can be fulfilled"
    again = front.errors(HOLD, id=record["id"], hold={"reason": "OTHER"})
    assert again[0][2] == "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
    assert front.data(RELEASE, id=record["id"])["fulfillmentOrder"]["status"] == "OPEN"


# -- tags and metafields


def test_tags_and_metafields_of_orders(front: Orders) -> None:
    gid = front.place(tags=["b", "a"])
    order = front.act(gid, addTags=["C"], removeTags=["B"])
    assert order["tags"] == ["a", "C"]
    row = {"namespace": "custom", "key": "gift", "type": "single_line_text_field", "value": "yes"}
    front.act(gid, metafields=[row])
    document = """query($id: ID!) { order(id: $id) { metafields(first: 5) { nodes { key value ownerType } }
      metafield(namespace: "custom", key: "gift") { owner { ... on Order { id } } } } }"""
    found = front.data(document, id=gid)
    assert found["metafields"]["nodes"] == [{"key": "gift", "value": "yes", "ownerType": "ORDER"}]
    assert found["metafield"]["owner"]["id"] == gid

"""Documents and short cuts for tests of orders."""

from __future__ import annotations

from itertools import count
from typing import Any

from shopify_sync.sandbox.merchant import EDITORS, edit
from shopify_sync.sandbox.order_hand import edit_orders
from shopify_sync.sandbox.resources.order_money import current_quantity, unfulfilled_quantity
from shopify_sync.sandbox.resources.order_states import ENDED
from shopify_sync.sandbox.state import Shop
from tests.sandbox.shopfront import Json, Shopfront

MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
ORDER = f"""id name number createdAt updatedAt processedAt closedAt closed cancelledAt cancelReason email note tags test
  edited displayFinancialStatus displayFulfillmentStatus returnStatus paymentGatewayNames discountCodes capturable
  canMarkAsPaid
  subtotalPriceSet {MONEY} totalPriceSet {MONEY} totalTaxSet {MONEY} totalDiscountsSet {MONEY}
  totalShippingPriceSet {MONEY} currentTotalPriceSet {MONEY} currentSubtotalPriceSet {MONEY} currentTotalTaxSet {MONEY}
  totalReceivedSet {MONEY} totalRefundedSet {MONEY} totalOutstandingSet {MONEY} netPaymentSet {MONEY}
  totalCapturableSet {MONEY} refundDiscrepancySet {MONEY} originalTotalPriceSet {MONEY}
  transactions {{ id kind status gateway parentTransaction {{ id }} amountSet {MONEY} }}
  lineItems(first: 50) {{ nodes {{ id title sku quantity currentQuantity unfulfilledQuantity refundableQuantity
    product {{ id }} variant {{ id }} originalUnitPriceSet {MONEY} discountedTotalSet {MONEY} totalDiscountSet {MONEY}
    discountAllocations {{ allocatedAmountSet {MONEY} discountApplication {{ index }} }}
    taxLines {{ title rate priceSet {MONEY} }} }} }}
  fulfillmentOrders(first: 10) {{ nodes {{ id status updatedAt
    lineItems(first: 50) {{ nodes {{ id totalQuantity remainingQuantity lineItem {{ id }} }} }} }} }}
  fulfillments {{ id status displayStatus name trackingInfo {{ number company url }}
    fulfillmentLineItems(first: 50) {{ nodes {{ id quantity lineItem {{ id }} }} }} }}
  refunds {{ id note totalRefundedSet {MONEY}
    refundLineItems(first: 50) {{ nodes {{ quantity restockType subtotalSet {MONEY} totalTaxSet {MONEY} }} }}
    refundShippingLines(first: 5) {{ nodes {{ subtotalAmountSet {MONEY} taxAmountSet {MONEY} }} }}
    orderAdjustments(first: 5) {{ nodes {{ reason amountSet {MONEY} }} }} }}
  returns(first: 5) {{ nodes {{ id name status }} }}"""
READ = f"query($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}"
CREATE = f"""mutation($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {{
  orderCreate(order: $order, options: $options) {{ order {{ {ORDER} }} userErrors {{ field message code }} }} }}"""
REFUND = """mutation($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
  refund { id } order { id } userErrors { field message } } }"""
_keys = count(1)
assert edit_orders in EDITORS


class Orders(Shopfront):
    """A shop front with words for orders."""

    @classmethod
    def stocked(cls) -> Orders:
        """A shop with one product of two variants, SKUs `S` and `M`, at 10 and 12."""
        front = cls(Shopfront.fresh().shop)
        rows = [
            {"values": {"Size": "S"}, "sku": "S", "price": "10"},
            {"values": {"Size": "M"}, "sku": "M", "price": "12"},
        ]
        edit(front.shop, {"create": {"title": "Shirt", "options": {"Size": ["S", "M"]}, "variants": rows}})
        return front

    def place(self, **given: Any) -> str:
        """An order of a buyer; its gid."""
        placed = {"lines": [{"variant": "S", "quantity": 2}], **given}
        gid: str = edit(self.shop, {"placeOrder": placed})["order"]["id"]
        return gid

    def act(self, gid: str, **acts: Any) -> Json:
        """What the merchant does to it; the order afterwards."""
        edit(self.shop, {"order": gid, **acts})
        return self.read(gid)

    def read(self, gid: str) -> Json:
        found: Json = self.data(READ, id=gid)
        return found

    def make(self, options: Json | None = None, **order: Any) -> Json:
        """orderCreate; fails on user errors."""
        payload = self.data(CREATE, order=order, options=options)
        assert payload["userErrors"] == []
        made: Json = payload["order"]
        return made

    def refund(self, gid: str, *, key: str | None = None, **given: Any) -> Json:
        """The payload of refundCreate."""
        variables = {"input": {"orderId": gid, **given}, "key": key or f"key {next(_keys)}"}
        payload: Json = self.data(REFUND, **variables)
        return payload


def amounts(bag: Json) -> tuple[str, str]:
    """(shop, presentment) of a money bag."""
    return bag["shopMoney"]["amount"], bag["presentmentMoney"]["amount"]


def shop_amount(bag: Json) -> str:
    return str(bag["shopMoney"]["amount"])


def usd(amount: str) -> Json:
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}}


def custom(title: str = "Thing", price: str = "10.00", quantity: int = 1, **rest: Any) -> Json:
    """A line that has no variant."""
    return {"title": title, "quantity": quantity, "priceSet": usd(price), **rest}


def sale(amount: str, **rest: Any) -> Json:
    """A payment in an input of orderCreate."""
    return {"kind": "SALE", "status": "SUCCESS", "gateway": "manual", "amountSet": usd(amount), **rest}


def inconsistencies(shop: Shop) -> list[str]:
    """Orders whose parts contradict each other: units waiting, fulfilled and refunded against those of the lines."""
    found = []
    for order in shop.table("Order").values():
        waiting = [shop.table("FulfillmentOrder")[number] for number in order.get("fulfillmentOrderIds") or ()]
        shipped = [shop.table("Fulfillment")[number] for number in order.get("fulfillmentIds") or ()]
        for line in order["lines"]:
            left = sum(
                row["remaining"]
                for record in waiting
                if record["status"] not in ENDED
                for row in record["lines"]
                if row["lineId"] == line["id"]
            )
            sent = sum(
                row["quantity"]
                for record in shipped
                if record["status"] == "SUCCESS"
                for row in record["lines"]
                if row["lineId"] == line["id"]
            )
            if min(current_quantity(line), unfulfilled_quantity(line)) < 0 or sent != line.get("fulfilled", 0):
                found.append(f"{order['name']}: {line}")
            if order["cancelledAt"] is None and left != unfulfilled_quantity(line):
                found.append(f"{order['name']}: {left} of {line} wait")
    return found

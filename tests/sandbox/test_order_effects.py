"""What orders do to stock and to customers; each half runs where the module that it needs is there."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from shopify_sync.sandbox.resources.order_effects import first_location
from tests.sandbox.order_front import CREATE, Orders, custom
from tests.sandbox.shopfront import Json

_PACKAGE = "shopify_sync.sandbox.resources"
needs_stock = pytest.mark.skipif(
    importlib.util.find_spec(f"{_PACKAGE}.inventory_model") is None, reason="stock is not served"
)
needs_customers = pytest.mark.skipif(
    importlib.util.find_spec(f"{_PACKAGE}.customer_model") is None, reason="customers are not served"
)
LEVELS = """query($id: ID!) { productVariant(id: $id) { inventoryItem { inventoryLevels(first: 9) { nodes {
  quantities(names: ["available", "committed", "on_hand"]) { name quantity } } } } } }"""
CUSTOMER = """mutation($input: CustomerInput!) { customerCreate(input: $input) {
  customer { id } userErrors { message } } }"""
COUNTS = """query($id: ID!) { customer(id: $id) { numberOfOrders amountSpent { amount } lastOrder { id } } }"""


@pytest.fixture
def front() -> Orders:
    """A shop whose items are counted."""
    made = Orders.stocked()
    for item in made.shop.table("InventoryItem").values():
        made.shop.put("InventoryItem", {**item, "tracked": True})
    return made


def stock(front: Orders) -> dict[str, int]:
    """Quantities of the first variant, summed over locations."""
    gid = front.shop.gid("ProductVariant", next(iter(front.shop.table("ProductVariant"))))
    found: dict[str, int] = {}
    for level in front.data(LEVELS, id=gid)["inventoryItem"]["inventoryLevels"]["nodes"]:
        for row in level["quantities"]:
            found[row["name"]] = found.get(row["name"], 0) + row["quantity"]
    return found


def change(front: Orders, gid: str, **acts: Any) -> dict[str, int]:
    """By how much the acts change the quantities."""
    before = stock(front)
    front.act(gid, **acts)
    return {name: count - before.get(name, 0) for name, count in stock(front).items() if count != before.get(name, 0)}


def test_without_stock_there_is_no_location() -> None:
    if importlib.util.find_spec(f"{_PACKAGE}.inventory_model") is None:
        assert first_location(Orders.stocked().shop) is None
    else:
        assert first_location(Orders.stocked().shop) is not None


@needs_stock
def test_an_order_commits_and_a_fulfilment_takes(front: Orders) -> None:
    front.place()  # makes the levels
    before = stock(front)
    gid = front.place()
    after = stock(front)
    assert (after["available"] - before["available"], after["committed"] - before["committed"]) == (-2, 2)
    assert after["on_hand"] == before["on_hand"]
    assert change(front, gid, fulfill=True) == {"committed": -2, "on_hand": -2}
    assert change(front, gid, cancelFulfillment=True) == {"committed": 2, "on_hand": 2}


@needs_stock
@pytest.mark.parametrize(("restock", "available"), [(True, 2), (False, 0)])
def test_cancelling_gives_back_what_it_is_told_to(front: Orders, restock: bool, available: int) -> None:
    gid = front.place(pay=False)
    found = change(front, gid, cancel={"restock": restock})
    assert (found["committed"], found.get("available", 0)) == (-2, available)


@needs_stock
def test_refunds_and_edits_give_back_what_was_committed_or_returned(front: Orders) -> None:
    gid = front.place()
    assert change(front, gid, edit={"set": {"S": 1}, "restock": True}) == {"available": 1, "committed": -1}
    front.act(gid, fulfill=True)
    assert change(front, gid, refund={"lines": {"S": 1}, "amount": "10.00"}) == {"available": 1, "on_hand": 1}


@needs_stock
def test_an_import_leaves_stock_alone(front: Orders) -> None:
    gid = front.place()
    before = stock(front)
    gid = front.place(claim=False)
    assert stock(front) == before
    assert change(front, gid, fulfill=True) == {}


def customer(front: Orders) -> str:
    made = front.data(CUSTOMER, input={"email": "ada@example.com", "lastName": "Lovelace"})
    gid: str = made["customer"]["id"]
    return gid


def counts(front: Orders, gid: str) -> Json:
    found: Json = front.data(COUNTS, id=gid)
    return found


@needs_customers
def test_counts_and_sums_follow(front: Orders) -> None:
    who = customer(front)
    gid = front.place(customer=who, pay=False)
    found = counts(front, who)
    assert (found["numberOfOrders"], found["amountSpent"]["amount"]) == ("1", "0.0")
    assert found["lastOrder"]["id"] == gid
    front.act(gid, pay=True)
    assert counts(front, who)["amountSpent"]["amount"] == "20.0"
    front.act(gid, refund={"lines": {"S": 1}, "amount": "10.00"})
    assert counts(front, who)["amountSpent"]["amount"] == "10.0"
    front.place(customer=who, test=True)
    assert counts(front, who)["numberOfOrders"] == "1", "test orders do not count"


@needs_customers
def test_the_last_order_is_the_last_one_placed(front: Orders) -> None:
    who = customer(front)
    first = front.place(customer=who, pay=False)
    second = front.place(customer=who, pay=False)
    front.act(first, pay=True)
    assert counts(front, who)["lastOrder"]["id"] == second


@needs_customers
def test_an_order_for_nobody_is_refused(front: Orders) -> None:
    order = {"lineItems": [custom()], "customer": {"toAssociate": {"id": "gid://shopify/Customer/1"}}}
    assert front.errors(CREATE, order=order)[0][2] == "INVALID"


@needs_customers
def test_an_address_that_is_known_is_the_same_customer(front: Orders) -> None:
    who = customer(front)
    front.place(email="ADA@example.com")
    front.place(email="new@example.com")
    assert counts(front, who)["numberOfOrders"] == "1"
    assert len(front.shop.table("Customer")) == 2

"""The buyers' and the merchant's hand on orders: each act does what it says, and nothing ever contradicts itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.merchant import EDITORS, BadControl, edit
from shopify_sync.sandbox.order_trade import trade
from shopify_sync.sandbox.resources.order_money import currencies_of, totals
from shopify_sync.sandbox.server import SandboxServer
from tests.sandbox.order_front import Orders, inconsistencies, shop_amount
from tests.sandbox.shopfront import Json


@pytest.fixture
def front() -> Orders:
    return Orders.stocked()


ACTS: list[tuple[list[Json], Any]] = [
    ([{"set": {"note": "n", "poNumber": "7"}}], lambda o: o["note"] == "n"),
    ([{"capture": "5.00"}], lambda o: shop_amount(o["totalReceivedSet"]) == "5.0"),
    ([{"capture": True}], lambda o: o["displayFinancialStatus"] == "PAID"),
    ([{"hold": True}], lambda o: o["displayFulfillmentStatus"] == "ON_HOLD"),
    ([{"hold": True}, {"release": True}], lambda o: o["displayFulfillmentStatus"] == "UNFULFILLED"),
    ([{"progress": True}], lambda o: o["displayFulfillmentStatus"] == "IN_PROGRESS"),
    ([{"fulfill": {"Shirt": 1}}], lambda o: o["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"),
    ([{"fulfill": True, "track": "1Z"}], lambda o: o["fulfillments"][0]["trackingInfo"][0]["number"] == "1Z"),
    ([{"fulfill": True, "deliver": True}], lambda o: o["fulfillments"][0]["displayStatus"] == "DELIVERED"),
    ([{"fulfill": True}, {"cancelFulfillment": True}], lambda o: o["fulfillments"][0]["status"] == "CANCELLED"),
    ([{"fulfill": True, "return": {"S": 1}}], lambda o: o["returnStatus"] == "IN_PROGRESS"),
    ([{"fulfill": True, "requestReturn": {"S": 1}}], lambda o: o["returnStatus"] == "RETURN_REQUESTED"),
    (
        [{"fulfill": True, "requestReturn": {"S": 1}, "approveReturn": True}],
        lambda o: o["returnStatus"] == "IN_PROGRESS",
    ),
    ([{"fulfill": True, "requestReturn": {"S": 1}, "declineReturn": True}], lambda o: o["returnStatus"] == "NO_RETURN"),
    ([{"fulfill": True, "return": {"S": 1}, "closeReturn": True}], lambda o: o["returnStatus"] == "RETURNED"),
    ([{"capture": True}, {"refund": True}], lambda o: o["displayFinancialStatus"] == "REFUNDED"),
    ([{"cancel": {"reason": "STAFF"}}], lambda o: o["cancelReason"] == "STAFF"),
    ([{"close": True}], lambda o: o["closed"]),
    ([{"close": True}, {"open": True}], lambda o: not o["closed"]),
    ([{"edit": {"set": {"S": 5}, "add": {"M": 1}}}], lambda o: shop_amount(o["currentTotalPriceSet"]) == "62.0"),
]


@pytest.mark.parametrize(("steps", "holds"), ACTS, ids=lambda value: str(value)[:60] if isinstance(value, list) else "")
def test_acts(front: Orders, steps: list[Json], holds: Any) -> None:
    gid = front.place(pay="authorize")
    order: Json = {}
    for acts in steps:
        front.wait(5)
        order = front.act(gid, **acts)
    assert holds(order), order
    assert inconsistencies(front.shop) == []


def test_an_order_is_meant_by_its_name_as_well(front: Orders) -> None:
    gid = front.place()
    assert edit(front.shop, {"order": "#1001", "addTags": ["x"]})["order"]["id"] == gid


@pytest.mark.parametrize(
    "given",
    [
        {"order": "#9", "close": True},
        {"order": "#1001", "juggle": True},
        {"order": "#1001", "set": {"name": "x"}},
        {"order": "#1001", "fulfill": {"nope": 1}},
        {"order": "#1001", "capture": True},
        {"placeOrder": {"lines": [{"variant": "nope"}]}},
    ],
)
def test_nonsense_is_refused(front: Orders, given: Json) -> None:
    front.place(pay=False)
    before = front.shop.digest()
    with pytest.raises(BadControl):
        edit(front.shop, given)
    assert front.shop.digest() == before
    assert front.shop.merchant_acts is False


def test_the_events_say_that_it_was_the_merchant(front: Orders) -> None:
    gid = front.place()
    rows = front.data(
        "query($id: ID!) { order(id: $id) { events(first: 9) { nodes { action attributeToUser } } } }", id=gid
    )
    assert rows["events"]["nodes"][0] == {"action": "placed", "attributeToUser": True}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_market_day_leaves_no_contradiction(front: Orders, seed: int) -> None:
    given = {"trade": {"acts": 700, "seed": seed, "every_s": 600}}
    assert trade in EDITORS
    begun = front.shop.now()
    done = edit(front.shop, given)["trade"]
    assert (front.shop.now() - begun).total_seconds() == 700 * 600
    assert len({line.split()[0] for line in done}) > 14
    assert inconsistencies(front.shop) == []
    for order in front.shop.table("Order").values():
        assert order["totals"] == totals(order).texts(currencies_of(order))
        assert order["updatedAt"] >= order["createdAt"]


def test_a_market_day_is_repeatable() -> None:
    def day(seed: int) -> str:
        shop = Orders.stocked().shop
        edit(shop, {"trade": {"acts": 60, "seed": seed, "every_s": 60}})
        return shop.digest()

    assert day(4) == day(4) != day(5)


def test_the_control_endpoint_seeds_and_changes_orders(tmp_path: Path) -> None:
    """And what it did is there again when the shop is opened anew."""
    file = tmp_path / "shop.db"
    with SandboxServer(products=5, orders=20, clock=ManualClock(), state=file) as server:
        client = httpx.Client(base_url=server.url, trust_env=False)
        assert client.post("/_sandbox/seed", json={"orders": 7}).json()["Order"] == 27
        placed = {"placeOrder": {"lines": [{"title": "Mug", "price": "9.99"}]}}
        made = client.post("/_sandbox/edit", json=placed).json()["order"]
        assert made["name"] == "#1028"
        assert client.post("/_sandbox/edit", json={"order": "#9", "close": True}).status_code == 400
        assert client.post("/_sandbox/edit", json={"trade": {"acts": 20, "every_s": 5}}).json()["trade"]
        client.close()
        digest = server.digest()
    with SandboxServer(orders=20, clock=ManualClock(), state=file) as again:
        assert again.digest() == digest

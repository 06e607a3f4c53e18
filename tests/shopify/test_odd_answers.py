"""Answers that are JSON and yet not what was asked for, as proxies and half-broken servers give them."""

from __future__ import annotations

from typing import Any

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.entities import entity
from shopify_sync.errors import Unavailable
from shopify_sync.shopify.remote import ShopifyRemote
from tests.shopify.conftest import MakeClient
from tests.shopify.script import Script, reply

THROTTLED = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
NOWHERE = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {}},
        {"data": {"products": None}},
        {"data": {"products": {"nodes": None, "pageInfo": None}}},
        {"data": {"products": {"nodes": [None], "pageInfo": {"hasNextPage": False, "endCursor": None}}}},
        {"data": {"products": {"nodes": [{"id": "x", "updatedAt": "?"}]}}},
        {"data": {"products": NOWHERE}},
        {"data": {"shop": {}}, "extensions": "x"},
        {"data": {"shop": {}}, "extensions": {"cost": {"throttleStatus": {"maximumAvailable": None}}}},
        {"errors": THROTTLED, "extensions": {"cost": {"throttleStatus": {"currentlyAvailable": "many"}}}},
    ],
)
def test_an_answer_of_another_shape_is_shopifys_fault(
    script: Script, make_client: MakeClient, clock: ManualClock, answer: dict[str, Any]
) -> None:
    """Exit 6 and a sentence, not a traceback."""
    script.then(reply(answer))
    remote = ShopifyRemote(make_client(), entity("products"), clock)
    with pytest.raises(Unavailable):
        remote.list(None, None, 250)


def test_an_error_without_a_form_is_told(script: Script, make_client: MakeClient, clock: ManualClock) -> None:
    script.then(reply({"errors": [{"message": "odd", "extensions": "x"}], "data": None}))
    remote = ShopifyRemote(make_client(), entity("products"), clock)
    with pytest.raises(Exception, match="refused ListProducts: odd"):
        remote.list(None, None, 250)

"""Exchanges that are kept in `cassettes/`: how to make each one, with the very client that replays it.

They were recorded from the sandbox shop, so they prove that the client reads what it once read, and nothing about
Shopify. Record again: `python -m tests.record_cassettes`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vcr  # type: ignore[import-untyped]

from shopify_sync.clock import ManualClock
from shopify_sync.entities.products import ENTITY
from shopify_sync.errors import SyncError
from shopify_sync.records import Operation
from shopify_sync.resilience.breaker import Breaker, MemoryBreakerStore
from shopify_sync.shopify import shop
from shopify_sync.shopify.client import Client, build_client
from shopify_sync.shopify.remote import ShopifyRemote

FOLDER = Path(__file__).parents[2] / "cassettes"
VERSION = "2026-10"
DOMAIN = "sandbox.myshopify.com"
PRODUCTS, SEED = 5, 7
_SECRET_FIELDS = ["client_id", "client_secret"]
_KEPT_HEADERS = ("content-type", "date", "x-shopify-api-version", "x-shopify-shop-api-call-limit", "retry-after")


@dataclass(frozen=True)
class Scenario:
    """`play` returns plain data to compare. `faults`: what the sandbox does wrong while recording."""

    name: str
    play: Callable[[Client], Any]
    faults: tuple[str, ...] = ()
    credentials: str = "token"


def _pages(client: Client) -> Any:
    remote = ShopifyRemote(client, ENTITY, ManualClock())
    first = remote.list(None, None, 3)
    second = remote.list(None, first.cursor, 3)
    fetched = remote.fetch([item.shopify_id for item in first.items])
    return {
        "ids": [item.shopify_id for page in (first, second) for item in page.items],
        "more": [first.more, second.more],
        "titles": [node["title"] for node in fetched.nodes],
        "count": remote.count(None),
    }


def _refused(client: Client) -> Any:
    document = (
        "mutation Make($product: ProductCreateInput!) { productCreate(product: $product) "
        "{ product { id } userErrors { field message } } }"
    )
    operation = Operation("Make", document, {"product": {"title": ""}}, root="productCreate", mutation=True)
    sent = ShopifyRemote(client, ENTITY, ManualClock()).send(operation)
    return [error.as_json() for error in sent.errors]


def _failure(client: Client) -> Any:
    try:
        client.execute(Operation("Wrong", "query Wrong { shop { nmae } }"))
    except SyncError as error:
        return [error.code, error.exit_code, error.details]
    return None


def _who(client: Client) -> Any:
    found = shop.ask(client)
    return [found.domain, found.currency, found.served_version, len(found.scopes), client.use.throttled]


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("who_the_shop_is", _who),
        Scenario("pages_and_whole_products", _pages),
        Scenario("a_refused_product", _refused),
        Scenario("an_unknown_field", _failure),
        Scenario("a_wrong_token", _failure, credentials="wrong"),
        Scenario("a_token_by_client_credentials", _who, credentials="grant"),
        Scenario("throttled_once", _who, ("throttled=1x",)),
        Scenario("busy_once", _who, ("503:1.5=1x",)),
    )
}


def client_for(url: str, *, token: str | None, client_id: str | None = None, secret: str | None = None) -> Client:
    """A client that waits in no time and draws the same jitter each time."""
    clock = ManualClock()
    return build_client(
        domain=DOMAIN,
        api_url=url,
        api_version=VERSION,
        token=token,
        client_id=client_id,
        client_secret=secret,
        breaker=Breaker(MemoryBreakerStore(), clock, holder="cassette"),
        clock=clock,
        rng=random.Random(1),
    )


def cassette(path: Path, mode: str) -> Any:
    """vcrpy's context manager. `mode`: "none" only replays, "all" records anew."""
    recorder = vcr.VCR(
        record_mode=vcr.mode(mode),
        match_on=("method", "path", "body"),
        filter_headers=["x-shopify-access-token", "user-agent", "host", "accept-encoding"],
        filter_post_data_parameters=_SECRET_FIELDS,
        before_record_request=_elsewhere,
        before_record_response=_cleaned,
        decode_compressed_response=True,
    )
    return recorder.use_cassette(str(path))


def _elsewhere(request: Any) -> Any:
    """Under the shop's name, not under the port that the sandbox had."""
    request.uri = f"http://{DOMAIN}{request.path}"
    return request


def _cleaned(response: dict[str, Any]) -> dict[str, Any]:
    body = response["body"]["string"]
    raw = body if isinstance(body, bytes) else str(body).encode()
    if b'"access_token"' in raw:
        import json

        response["body"]["string"] = json.dumps(json.loads(raw) | {"access_token": "shpat_filtered"}).encode()
    response["headers"] = {k: v for k, v in response["headers"].items() if k.lower() in _KEPT_HEADERS}
    return response

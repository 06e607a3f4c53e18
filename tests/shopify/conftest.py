"""A scripted server, and clients that talk to it without ever sleeping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.records import Operation
from shopify_sync.resilience.breaker import Breaker, MemoryBreakerStore
from shopify_sync.shopify.client import Client, build_client
from tests.shopify.bulk_bench import Bench
from tests.shopify.script import Script

TOKEN = "shpat_CANARY0token0000000000000000000"
DOMAIN = "my-shop.myshopify.com"
MakeClient: TypeAlias = Callable[..., Client]

QUERY = Operation("Names", "query Names { products(first: 10) { nodes { id } } }")
MUTATION = Operation(
    "Make",
    "mutation Make($input: ProductCreateInput!) { productCreate(product: $input) "
    "{ product { id } userErrors { message } } }",
    {"input": {"title": "Tea"}},
    root="productCreate",
    mutation=True,
    repeatable=False,
)


@pytest.fixture
def script() -> Iterator[Script]:
    server = Script()
    yield server
    server.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker_store() -> MemoryBreakerStore:
    return MemoryBreakerStore()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def make_client(script: Script, clock: ManualClock, breaker_store: MemoryBreakerStore) -> Iterator[MakeClient]:
    """A client of the script; keyword arguments are `build_client`'s."""
    made: list[Client] = []

    def make(**options: Any) -> Client:
        settings: dict[str, Any] = {
            "domain": DOMAIN,
            "api_url": script.url,
            "api_version": "2026-10",
            "token": TOKEN,
            "breaker": Breaker(breaker_store, clock, holder="test"),
            "clock": clock,
            "timeout_s": 5.0,
        }
        made.append(build_client(**(settings | options)))
        return made[-1]

    yield make
    for client in made:
        client.close()

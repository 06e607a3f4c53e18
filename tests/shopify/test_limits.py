"""The limiter against a shop over HTTP: nothing is throttled, and no more time passes than the points take."""

from __future__ import annotations

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.entities.products import ENTITY
from shopify_sync.resilience.breaker import Breaker, MemoryBreakerStore
from shopify_sync.sandbox.server import SandboxServer
from shopify_sync.shopify.client import Client, build_client
from shopify_sync.shopify.remote import ShopifyRemote


def client_of(server: SandboxServer, clock: ManualClock) -> Client:
    return build_client(
        domain="sandbox.myshopify.com",
        api_url=server.url,
        api_version="2026-10",
        token=server.token,
        breaker=Breaker(MemoryBreakerStore(), clock),
        clock=clock,
    )


def test_a_pull_is_never_throttled_and_keeps_to_the_rate() -> None:
    clock = ManualClock()
    with SandboxServer(40, 3, bucket=1000, restore=50.0, clock=clock) as server:
        client = client_of(server, clock)
        remote = ShopifyRemote(client, ENTITY, clock)
        ids = [item.shopify_id for item in remote.list(None, None, 250).items]
        started = clock.monotonic()
        for _ in range(100):  # more than the bucket holds, so that the rate decides
            assert len(remote.fetch(ids).nodes) == 40
        took = clock.monotonic() - started
        client.close()
    assert client.use.throttled == 0
    assert client.use.points > 2000
    assert client.use.waited_s > 0
    assert took == pytest.approx(client.use.waited_s)
    assert took <= 1.15 * client.use.points / 50


def test_two_clients_of_one_shop_are_never_throttled() -> None:
    clock = ManualClock()
    with SandboxServer(60, 3, bucket=1000, restore=50.0, clock=clock) as server:
        clients = [client_of(server, clock), client_of(server, clock)]
        remotes = [ShopifyRemote(client, ENTITY, clock) for client in clients]
        ids = [item.shopify_id for item in remotes[0].list(None, None, 250).items]
        for _ in range(40):
            for remote in remotes:
                remote.fetch(ids)
        for client in clients:
            client.close()
    assert sum(client.use.waited_s for client in clients) > 0
    assert [client.use.throttled for client in clients] == [0, 0]

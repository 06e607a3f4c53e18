"""Shopify's limits are never fought: paced by what each answer says, no request is refused."""

from __future__ import annotations

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox import SandboxServer
from tests.world import World


def test_a_pull_against_a_small_bucket_is_never_throttled(sqlite_url: str) -> None:
    """2,000 products, 1,000 points restoring 50 a second: no THROTTLED, and hardly longer than points ÷ rate."""
    clock = ManualClock()
    with SandboxServer(products=2000, seed=4, bucket=1000, restore=50, clock=clock) as server:
        world = World(server, sqlite_url, clock=clock)
        started = clock.monotonic()
        # An empty bucket at the start, so that the burst it holds does not hide a fault.
        server.bucket.take(950)
        result = world.pull()
        stats = server.stats()
    assert result.counts.created == 2000
    assert stats["throttled"] == 0
    assert clock.monotonic() - started <= 1.15 * stats["points"] / 50


def test_a_push_against_a_small_bucket_is_never_throttled(sqlite_url: str) -> None:
    """Mutations are paced as well."""
    clock = ManualClock()
    with SandboxServer(products=100, seed=4, bucket=200, restore=50, clock=clock) as server:
        world = World(server, sqlite_url, clock=clock)
        world.pull()
        world.sql("UPDATE products SET title = title || '!'")
        started, points = clock.monotonic(), server.stats()["points"]
        result = world.push(allow_changes=True)
        stats = server.stats()
    assert result.counts.updated == 100
    assert stats["throttled"] == 0
    assert clock.monotonic() - started <= 1.15 * (stats["points"] - points) / 50


def test_a_no_op_costs_the_same_at_any_size(tmp_path_factory: object, sqlite_url: str) -> None:
    """A second pull of 200 and of 10,500 products, beyond what Shopify counts exactly: as many requests, no row."""
    requests = set()
    for count in (200, 10_500):
        with SandboxServer(products=count, seed=4, bucket=100_000, restore=10_000) as server:
            world = World(server, sqlite_url.replace("shop.db", f"{count}.db"))
            world.pull()
            before = world.revisions()
            result = world.pull()
            assert result.status == "succeeded"
            assert world.revisions() == before
            requests.add(result.api.requests)
    assert len(requests) == 1
    assert max(requests) <= 2

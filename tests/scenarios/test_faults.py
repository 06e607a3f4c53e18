"""What Shopify and the network do to a run: lost answers, outages, broken bodies, odd moments."""

from __future__ import annotations

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox import SandboxServer
from tests.world import World


def _changes(world: World) -> None:
    """One change for each mutation that a push may send."""
    ids = [row[0] for row in world.rows("SELECT DISTINCT product_id FROM product_media ORDER BY 1 LIMIT 6")]
    world.sql("UPDATE products SET title = 'Renamed' WHERE id = ?", ids[0])
    world.sql("UPDATE product_variants SET price = '3.33' WHERE product_id = ?", ids[1])
    world.sql("DELETE FROM product_media WHERE product_id = ?", ids[2])
    world.sql(
        "INSERT INTO metafields (owner_type, owner_id, namespace, key, type, value) "
        "VALUES ('product', ?, 'custom', 'fault', 'single_line_text_field', 'x')",
        ids[3],
    )
    world.sql("DELETE FROM product_collections WHERE product_id IN (SELECT min(product_id) FROM product_collections)")
    world.sql(
        "UPDATE products SET published_at = NULL WHERE id = (SELECT min(id) FROM products "
        "WHERE published_at IS NOT NULL AND id > ?)",
        ids[5],
    )
    for number in range(5):
        local_id = world.new_product(f"Made here {number}", published_at="2026-11-01T00:00:00Z")
        world.sql("INSERT INTO product_media (product_id, url) VALUES (?, 'https://x.test/p.jpg')", local_id)


def test_lost_answers_double_nothing(world: World) -> None:
    """Each mutation is carried out and its answer lost, once: nothing twice, and both sides equal at the end."""
    world.pull()
    _changes(world)
    world.server.fault("reset_after@mutation=once")
    result = world.push()
    assert result.status == "succeeded", result.as_json()
    assert result.api.retries > 0
    titles = [product["title"] for product in world.server.shop.table("Product").values()]
    assert sorted(title for title in titles if title.startswith("Made here")) == [f"Made here {n}" for n in range(5)]
    assert len(titles) == 35
    assert world.value("SELECT count(*) FROM products WHERE dirty") == 0
    before = world.revisions()
    assert world.pull(full=True).counts.updated == 0
    assert world.revisions() == before


@pytest.mark.parametrize(
    "fault", ["503=2x", "502=0.2", "429:0=1x", "truncate=0.2", "not_json=1x", "internal_error=1x", "reset_before=0.2"]
)
def test_passing_faults_lose_nothing(server: SandboxServer, sqlite_url: str, fault: str) -> None:
    """A pull and a push through a fault that passes end as if it had not been there."""
    server.fault(fault)
    world = World(server, sqlite_url, clock=ManualClock())
    assert world.pull().status == "succeeded"
    assert world.value("SELECT count(*) FROM products") == 30
    _changes(world)
    assert world.push().status == "succeeded"
    assert len(server.shop.table("Product")) == 35


@pytest.mark.parametrize("lost", ["reset_before@UpdateVariants=1", "reset_after@SetProduct=4x"])
def test_half_of_a_change_is_completed_by_the_next_run(server: SandboxServer, sqlite_url: str, lost: str) -> None:
    """Stopped between the writes of one record: what Shopify has of our change is ours, no dispute with ourselves."""
    world = World(server, sqlite_url, clock=ManualClock())
    world.pull()
    local_id, number = world.rows(
        "SELECT p.id, p.shopify_id FROM products p JOIN product_media m ON m.product_id = p.id ORDER BY p.id"
    )[0]
    world.sql("UPDATE products SET title = 'Both' WHERE id = ?", local_id)
    world.sql("UPDATE product_variants SET price = '3.21' WHERE product_id = ?", local_id)
    world.sql("INSERT INTO product_media (product_id, url, position) VALUES (?, 'https://x.test/new.jpg', 9)", local_id)
    server.fault(lost)
    assert world.push().exit_code == 6
    server.faults.replace(())
    with world.app() as app:
        app.breaker_reset()
    assert [run.exit_code for run in world.sync()] == [0, 0]
    assert world.rows("SELECT * FROM conflict_log") == []
    assert world.value("SELECT count(*) FROM products WHERE dirty") == 0
    assert {v["price"] for v in server.shop.table("ProductVariant").values() if v["productId"] == number} == {"3.21"}


@pytest.mark.parametrize("lost", ["reset_after@SetProduct=4x", "reset_before@PublishProduct=1"])
def test_a_creation_that_was_cut_off_is_no_conflict(server: SandboxServer, sqlite_url: str, lost: str) -> None:
    """The pull that meets our own half-made product knows it, as the push does."""
    world = World(server, sqlite_url, clock=ManualClock())
    world.pull()
    world.new_product("Cut off", published_at="2026-11-01T00:00:00Z")
    server.fault(lost)
    assert world.push().exit_code == 6
    server.faults.replace(())
    with world.app() as app:
        app.breaker_reset()
    assert [run.exit_code for run in world.sync()] == [0, 0]
    assert world.rows("SELECT * FROM conflict_log") == []
    assert len(server.shop.table("Product")) == 31


def test_partial_answers_are_not_stored(server: SandboxServer, sqlite_url: str) -> None:
    """An answer with a part missing is asked for again, never taken for the whole."""
    server.fault("partial@FetchProducts=1x")
    world = World(server, sqlite_url, clock=ManualClock())
    assert world.pull().status == "succeeded"
    calm = World(server, sqlite_url.replace("shop.db", "calm.db"))
    calm.pull()
    assert world.dump() == calm.dump()


def test_a_reset_mid_pull_keeps_the_watermark(server: SandboxServer, sqlite_url: str) -> None:
    """A pull that fails leaves the watermark where it was, so that no later run skips what it missed."""
    world = World(server, sqlite_url, clock=ManualClock())
    server.fault("reset_before@FetchProducts=1")
    result = world.pull()
    assert (result.status, result.exit_code) == ("failed", 6)
    assert world.value("SELECT count(*) FROM checkpoints WHERE watermark IS NOT NULL") == 0
    server.faults.replace(())
    with world.app() as app:
        app.breaker_reset()
    assert world.pull().counts.created == 30


def test_an_outage_opens_the_breaker_for_the_next_runs(sqlite_url: str) -> None:
    """The first run fails after its retries, the next end at once; a probe closes it when the shop is back."""
    clock = ManualClock()
    server = SandboxServer(products=5, seed=1)
    server.start()
    port, shop = server.port, server.shop
    world = World(server, sqlite_url, clock=clock)
    assert world.pull().status == "succeeded"
    server.stop()
    first = world.pull()
    assert (first.status, first.exit_code, first.api.retries) == ("failed", 6, 3)
    for _ in range(2):
        following = world.pull()
        assert (following.status, following.exit_code, following.api.requests) == ("deferred", 6, 0)
    back = SandboxServer(port=port, shop=shop)
    back.start()
    try:
        assert world.pull().status == "deferred", "the time-out is not over"
        clock.advance(31)
        assert world.pull().status == "succeeded"
        assert world.value("SELECT state FROM breaker_state") == "closed"
    finally:
        back.stop()


def test_a_product_that_changes_while_its_variants_are_read(server: SandboxServer, sqlite_url: str) -> None:
    """Lists longer than a page are read to their end."""
    from shopify_sync.sandbox.seed import seed

    big = [p for p in server.shop.table("Product").values() if len(p["variantIds"]) > 100]
    if not big:
        seed(server.shop, 400, 3)
        big = [p for p in server.shop.table("Product").values() if len(p["variantIds"]) > 100]
    assert big, "the catalogue has a product with more variants than a page"
    world = World(server, sqlite_url)
    world.pull()
    for product in big:
        stored = world.value(
            "SELECT count(*) FROM product_variants v JOIN products p ON p.id = v.product_id WHERE p.shopify_id = ?",
            product["id"],
        )
        assert stored == len(product["variantIds"])


def test_a_wrong_token_stops_with_exit_5(server: SandboxServer, sqlite_url: str) -> None:
    """No retry, no open breaker, and what to do."""
    world = World(server, sqlite_url)
    world.environment["SHOPIFY_ACCESS_TOKEN"] = "wrong"
    result = world.pull()
    assert (result.status, result.exit_code, result.api.retries) == ("failed", 5, 0)
    assert result.error
    assert result.error["code"] == "token-rejected"
    assert world.value("SELECT count(*) FROM breaker_state WHERE state <> 'closed'") == 0


def test_a_second_run_is_refused(world: World) -> None:
    """While one run of an entity and direction is under way, another ends with exit 8 and asks nothing."""
    world.pull()
    with world.app() as first:
        from shopify_sync.store import leases

        lease = leases.acquire(first.database, f"{first.shop['id']}:products:pull", first.clock)
        result = world.pull()
        assert (result.status, result.exit_code, result.api.requests) == ("skipped", 8, 0)
        lease.release()
    assert world.pull().status == "succeeded"

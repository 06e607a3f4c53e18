"""Rows held against their own base: nothing that the sync wrote is suspected, on either database."""

from __future__ import annotations

from shopify_sync.clock import SystemClock
from shopify_sync.entities import entity
from shopify_sync.store import shops
from shopify_sync.store.database import Database
from shopify_sync.store.holdings import DatabaseHoldings
from shopify_sync.store.local import DatabaseLocal
from tests.world import World


def scanned(world: World, only: list[int] | None = None) -> tuple[int, list[int], list[int]]:
    database = Database(world.url)
    clock = SystemClock()
    shop_id = shops.get_or_create(database, "sandbox.myshopify.com", clock)["id"]
    local = DatabaseLocal(database, entity("products"), shop_id, direction="verify", run_id=0, lease=None, clock=clock)
    count, altered, damaged = 0, list[int](), list[int]()
    for number, some, unsound in DatabaseHoldings(local).altered(only):
        count, altered, damaged = count + number, altered + some, damaged + unsound
    database.dispose()
    return count, altered, damaged


def test_what_a_pull_stored_is_equal_as_it_stands(world: World) -> None:
    """No record needs the slower look, so the scan costs what reading does."""
    world.pull()
    assert scanned(world) == (30, [], [])
    assert scanned(world, [3, 4, 999]) == (2, [], [])


def test_edits_that_wait_are_not_suspected(world: World) -> None:
    """The scan is about records that nobody is known to have changed."""
    world.pull()
    world.sql("UPDATE product_variants SET price = '1.00' WHERE product_id = 3")
    assert scanned(world) == (29, [], [])


def test_each_table_is_held_against_the_base(world: World) -> None:
    """A value, an element and a membership that changed without a mark."""
    world.pull()
    world.sql("UPDATE products SET vendor = 'x', sync_rev = sync_rev + 1 WHERE id = 1")
    world.sql("UPDATE product_options SET name = 'x', sync_rev = sync_rev + 1 WHERE product_id = 2")
    world.sql("UPDATE product_variants SET weight = '9.125', sync_rev = sync_rev + 1 WHERE product_id = 3")
    member = world.value("SELECT min(product_id) FROM product_collections WHERE product_id > 3")
    world.sql("UPDATE product_collections SET sync_rev = -1 WHERE product_id = ?", member)
    world.sql("DELETE FROM product_collections WHERE product_id = ?", member)
    world.sql("UPDATE products SET payload_hash = 'x', sync_rev = sync_rev + 1 WHERE id = 30")
    assert scanned(world) == (30, [1, 2, 3, member], [30])

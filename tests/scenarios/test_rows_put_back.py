"""What other programs do to whole rows: deleted and put back, replaced, deleted while Shopify makes their product."""

from __future__ import annotations

import pytest

from shopify_sync.app.planning import sync_plan
from tests.world import World


def _put_back(world: World, local_id: int, more: str = "") -> None:
    """As a program does that keeps a copy of the table: every column, the sync's own among them."""
    world.sql("CREATE TABLE kept AS SELECT * FROM products")
    world.sql("DELETE FROM products WHERE id = ?", local_id)
    world.sql(f"INSERT INTO products SELECT * FROM kept WHERE id = ?{more}", local_id)
    world.sql("DROP TABLE kept")


def _statuses(world: World) -> list[str]:
    return sorted(product["status"] for product in world.server.shop.table("Product").values())


def test_a_row_that_is_deleted_and_put_back_is_no_deletion(world: World) -> None:
    """Nothing is archived on Shopify, the lists that went with the row are there again, and the plan knows."""
    world.pull()
    here, there = world.dump(), _statuses(world)
    _put_back(world, 2)
    with world.app(dry_run=True) as app:
        assert sync_plan(app).actions == []
    assert [run.status for run in world.sync()] == ["succeeded", "succeeded"]
    assert (world.dump(), _statuses(world)) == (here, there)
    assert world.value("SELECT count(*) FROM tombstones") == 0


def test_an_edit_in_a_row_that_is_put_back_is_sent(world: World) -> None:
    """It comes with the sync's own marks of an unchanged row, and is looked at all the same."""
    world.pull()
    number = world.value("SELECT shopify_id FROM products WHERE id = 2")
    world.sql("CREATE TABLE kept AS SELECT * FROM products")
    world.sql("UPDATE kept SET title = 'From the copy' WHERE id = 2")
    world.sql("DELETE FROM products WHERE id = 2")
    world.sql("INSERT INTO products SELECT * FROM kept WHERE id = 2")
    world.sync()
    assert world.on_shopify(number)["title"] == "From the copy"


@pytest.mark.parametrize(
    ("table", "column", "value"), [("products", "title", "Replaced"), ("product_variants", "price", "77.77")]
)
def test_replace_of_whole_rows_is_an_edit(world: World, table: str, column: str, value: str) -> None:
    """REPLACE deletes without a trigger and brings the marks of the row that it read."""
    if not world.url.startswith("sqlite"):
        pytest.skip("REPLACE is SQLite's")
    world.pull()
    number = world.value("SELECT shopify_id FROM products WHERE id = 2")
    names = [row[1] for row in world.rows(f"PRAGMA table_info({table})")]
    told = ", ".join("?" if name == column else f'"{name}"' for name in names)
    where = "id = 2" if table == "products" else "product_id = 2"
    world.sql(f"REPLACE INTO {table} SELECT {told} FROM {table} WHERE {where}", value)
    assert [run.status for run in world.sync()] == ["succeeded", "succeeded"]
    product = world.on_shopify(number)
    there = (
        [product]
        if table == "products"
        else [world.server.shop.table("ProductVariant")[one] for one in product["variantIds"]]
    )
    assert {one[column] for one in there} == {value}
    assert world.value("SELECT count(*) FROM tombstones WHERE handled_at IS NULL") == 0


def test_what_was_deleted_while_it_was_made_stays_deleted(world: World) -> None:
    """Found by a history: Shopify made the product, the answer was lost, and the row was deleted before anybody
    knew."""
    world.pull()
    count = len(world.server.shop.table("Product"))
    local_id = world.new_product("Made here", handle="made-here", status="ACTIVE")
    world.server.fault("reset_after@mutation=8x")
    world.push()
    world.server.faults.replace(())
    assert len(world.server.shop.table("Product")) == count + 1
    world.sql("DELETE FROM products WHERE id = ?", local_id)
    with world.app() as app:
        app.breaker_reset()
    world.sync()
    assert world.rows("SELECT id FROM products WHERE handle = 'made-here'") == []
    made = world.server.shop.by_handle("Product", "made-here")
    assert made is not None
    assert made["status"] == "ARCHIVED"


def test_a_creation_that_never_happened_leaves_no_deletion(world: World) -> None:
    world.pull()
    local_id = world.new_product("Made here", handle="made-here")
    world.server.fault("reset_before@mutation=8x")
    world.push()
    world.server.faults.replace(())
    world.sql("DELETE FROM products WHERE id = ?", local_id)
    with world.app() as app:
        app.breaker_reset()
    world.sync()
    assert world.value("SELECT count(*) FROM tombstones") == 0

"""What a run did is put back on both sides, and what was edited since stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shopify_sync.app import undoing
from shopify_sync.config.settings import DeleteSettings, EntitySettings
from shopify_sync.errors import UsageError
from shopify_sync.records import RunResult
from tests.world import World

# What Shopify moves by itself whatever is put back.
_VOLATILE = {"updatedAt", "publishedAt"}


def undo(world: World, run: RunResult | int, *, alone: bool = False) -> list[RunResult]:
    number = run if isinstance(run, int) else run.run_id
    assert number is not None
    with world.app() as app:
        return undoing.undo(app, undoing.undoable(app, number, alone=alone))


def shop(world: World) -> dict[str, Any]:
    """Everything that the merchant sees of each product, by handle."""
    state = world.server.shop
    found = {}
    for product in state.table("Product").values():
        told = _still(product)
        told["variants"] = [_still(state.table("ProductVariant")[number]) for number in product["variantIds"]]
        metafields = state.metafields_of(f"gid://shopify/Product/{product['id']}")
        told["metafields"] = sorted((m["namespace"], m["key"], m["type"], m["value"]) for m in metafields)
        told["collections"] = sorted(told.pop("collectionIds"))
        found[product["handle"]] = told
    return found


def _still(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _VOLATILE}


def edit_both_sides(world: World) -> None:
    handles = [row[0] for row in world.rows("SELECT handle FROM products ORDER BY id LIMIT 8")]
    world.sql("UPDATE products SET title = title || ' (here)', tags = '[\"x\",\"y\"]' WHERE id = 1")
    world.sql("UPDATE product_variants SET price = '3.21' WHERE product_id = 2")
    world.sql(
        "INSERT INTO metafields (owner_type, owner_id, namespace, key, type, value) "
        "VALUES ('product', 3, 'custom', 'origin', 'single_line_text_field', 'Porto')"
    )
    world.sql("DELETE FROM products WHERE id = 4")
    world.new_product("Made here", price="9.00", tags='["new"]')
    world.server.edit(product=handles[4], set={"title": "Renamed there"})
    world.server.edit(product=handles[5], set={"price": "77.00", "tags": ["there"]})
    world.server.edit(create={"title": "Made there", "price": "12.00"})
    # Both sides, different fields.
    world.sql("UPDATE products SET vendor = 'Ours' WHERE id = 7")
    world.server.edit(product=handles[6], set={"title": "Theirs"})


def test_a_sync_is_undone_on_both_sides(world: World) -> None:
    """Nobody edited since: both sides are what they were, field by field, and the sync can be done again."""
    world.pull()
    edit_both_sides(world)
    here, there, waits = world.dump(), shop(world), world.rows("SELECT id FROM products WHERE dirty ORDER BY id")
    runs = world.sync()
    assert [run.status for run in runs] == ["succeeded", "succeeded"]
    after_here, after_there = world.dump(), shop(world)
    assert (after_here != here, after_there != there) == (True, True)
    (undone,) = undo(world, runs[0])
    assert (undone.status, undone.exit_code) == ("succeeded", 0), undone.as_json()
    assert shop(world) == there
    assert world.dump() == here
    assert world.rows("SELECT id FROM products WHERE dirty ORDER BY id") == waits
    assert [run.status for run in world.sync()] == ["succeeded", "succeeded"]
    assert sorted(shop(world)) == sorted(after_there)


def test_later_edits_stay(world: World) -> None:
    """A field that somebody edited after the run is left alone, on either side; the rest goes back."""
    world.pull()
    number, handle = world.rows("SELECT shopify_id, handle FROM products WHERE id = 1")[0]
    before = world.on_shopify(number)
    world.sql("UPDATE products SET title = 'Ours', vendor = 'Ours' WHERE id = 1")
    (_, push) = world.sync()
    world.server.edit(product=handle, set={"title": "Later there"})
    undo(world, push)
    now = world.on_shopify(number)
    assert (now["title"], now["vendor"]) == ("Later there", before["vendor"])


def test_an_undo_can_be_undone(world: World) -> None:
    world.pull()
    world.sql("UPDATE products SET title = 'Ours' WHERE id = 1")
    number = world.value("SELECT shopify_id FROM products WHERE id = 1")
    runs = world.sync()
    (undone,) = undo(world, runs[0])
    assert world.on_shopify(number)["title"] != "Ours"
    (again,) = undo(world, undone)
    assert again.status == "succeeded"
    assert world.on_shopify(number)["title"] == "Ours"
    assert world.value("SELECT title FROM products WHERE id = 1") == "Ours"


def test_one_half_of_a_sync_can_be_undone_alone(world: World) -> None:
    """The pull's part goes back here; what was pushed stays."""
    world.pull()
    number = world.value("SELECT shopify_id FROM products WHERE id = 1")
    handle, title = world.rows("SELECT handle, title FROM products WHERE id = 2")[0]
    world.sql("UPDATE products SET title = 'Ours' WHERE id = 1")
    world.server.edit(product=handle, set={"title": "Theirs"})
    pull, _ = world.sync()
    undo(world, pull, alone=True)
    assert world.value("SELECT title FROM products WHERE id = 2") == title
    assert world.on_shopify(number)["title"] == "Ours"
    world.sync()
    assert world.value("SELECT title FROM products WHERE id = 2") == "Theirs"


def test_a_dry_undo_writes_nothing(world: World) -> None:
    world.pull()
    world.sql("UPDATE products SET title = 'Ours' WHERE id = 1")
    runs = world.sync()
    number = runs[0].run_id
    assert number is not None
    before, digest = world.dump(), world.server.digest()
    with world.app(dry_run=True) as app:
        plan = undoing.plan(app, undoing.undoable(app, number))
    assert [(a.direction, a.kind, [line.path for line in a.lines]) for a in plan.changes] == [
        ("push", "update", ["title"])
    ]
    assert (world.dump(), world.server.digest()) == (before, digest)


def test_a_run_that_is_none_is_told(world: World) -> None:
    with world.app() as app, pytest.raises(UsageError, match="no run 99"):
        undoing.undoable(app, 99)


def test_an_undone_unpublishing_is_no_conflict_with_itself(world: World) -> None:
    """Shopify publishes at a new time. The edit is still here, as the note says, and the next sync does it again."""
    world.pull()
    local_id, number = world.rows(
        "SELECT id, shopify_id FROM products WHERE published_at IS NOT NULL AND status = 'ACTIVE' ORDER BY id"
    )[0]
    world.sql("UPDATE products SET published_at = NULL WHERE id = ?", local_id)
    run = world.push()
    assert world.on_shopify(number)["publishedAt"] is None
    undo(world, run)
    assert world.on_shopify(number)["publishedAt"] is not None
    assert [result.status for result in world.sync()] == ["succeeded", "succeeded"]
    assert world.on_shopify(number)["publishedAt"] is None
    assert world.value("SELECT count(*) FROM conflict_log") == 0


def _swap(world: World) -> None:
    (first,), (second,) = world.rows("SELECT handle FROM products WHERE id IN (1, 2) ORDER BY id")
    world.sql("UPDATE products SET handle = 'between' WHERE id = 1")
    world.sql("UPDATE products SET handle = ? WHERE id = 2", first)
    world.sql("UPDATE products SET handle = ? WHERE id = 1", second)


def test_handles_that_were_swapped_go_back(world: World) -> None:
    """Each wants the handle that the other one has: one steps aside, as in a sync."""
    world.pull()
    there = shop(world)
    _swap(world)
    runs = world.sync()
    assert shop(world) != there
    (undone,) = undo(world, runs[0])
    assert (undone.status, undone.counts.failed) == ("succeeded", 0)
    assert shop(world) == there


def test_elements_come_back_in_the_rows_that_they_had(world: World) -> None:
    """Other tables may refer to a variant by its local id."""
    world.pull()
    local_id, handle = world.rows(
        "SELECT p.id, p.handle FROM products p JOIN product_variants v ON v.product_id = p.id "
        "GROUP BY p.id, p.handle HAVING count(*) > 1 ORDER BY p.id LIMIT 1"
    )[0]
    query = "SELECT id, shopify_id FROM product_variants WHERE product_id = ? ORDER BY id"
    before = world.rows(query, local_id)
    world.server.edit(product=handle, removeVariants=[{"position": 1}])
    run = world.pull()
    assert world.rows(query, local_id) != before
    undo(world, run)
    assert world.rows(query, local_id) == before


def test_a_row_that_the_sync_deleted_comes_back_as_it_was(world: World) -> None:
    """Under its own id, with all below it, the collections it is in among them; and the undo can be undone."""
    world.pull()
    local_id, handle = world.rows(
        "SELECT id, handle FROM products WHERE id IN (SELECT product_id FROM product_collections) ORDER BY id LIMIT 1"
    )[0]
    before, ids = world.dump(), world.rows("SELECT id, product_id, shopify_id FROM product_variants ORDER BY id")
    world.server.edit(product=handle, delete=True)
    run = _pull_propagating(world)
    assert world.rows("SELECT id FROM products WHERE id = ?", local_id) == []
    (undone,) = undo(world, run)
    assert undone.status == "succeeded"
    assert world.dump() == before
    assert world.rows("SELECT id, product_id, shopify_id FROM product_variants ORDER BY id") == ids
    (again,) = undo(world, undone)
    assert again.status == "succeeded"
    assert world.rows("SELECT id FROM products WHERE id = ?", local_id) == []


def _pull_propagating(world: World) -> RunResult:
    with world.app() as app:
        chosen = replace(EntitySettings(), deletes=DeleteSettings(shopify="propagate"))
        app.settings = replace(app.settings, entities={"products": chosen})
        return app.pull("products", full=True)


def test_a_deletion_that_was_undone_is_put_back_by_undoing_that(world: World) -> None:
    world.pull()
    handle = world.value("SELECT handle FROM products WHERE id = 2")
    world.server.edit(product=handle, delete=True)
    run = world.pull(full=True)
    gone = world.value("SELECT deleted_at FROM products WHERE id = 2")
    assert gone is not None
    (undone,) = undo(world, run)
    assert world.value("SELECT deleted_at FROM products WHERE id = 2") is None
    with world.app(dry_run=True) as app:
        plan = undoing.plan(app, undoing.undoable(app, undone.run_id or 0))
    assert [(action.kind, action.key) for action in plan.actions] == [("archive", handle)]
    undo(world, undone)
    assert world.value("SELECT deleted_at FROM products WHERE id = 2") == gone

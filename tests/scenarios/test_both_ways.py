"""Products travel both ways, on both databases, over real HTTP."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.world import World


def test_a_pull_stores_every_product(world: World) -> None:
    """What the shop has is what the database has, and the run says so."""
    result = world.pull()
    assert (result.status, result.exit_code, result.counts.created) == ("succeeded", 0, 30)
    assert world.value("SELECT count(*) FROM products WHERE dirty") == 0
    for number, title in world.rows("SELECT shopify_id, title FROM products"):
        assert world.on_shopify(number)["title"] == title


def test_a_second_pull_asks_twice_and_writes_nothing(world: World) -> None:
    """No change: a count and one light page, no row written."""
    world.pull()
    before = world.revisions()
    result = world.pull()
    assert (result.api.requests, result.counts.seen) == (2, 0)
    assert world.revisions() == before


def test_a_full_pull_of_an_unchanged_shop_writes_nothing(world: World) -> None:
    """Everything is read again, found unchanged by its hash, and left alone."""
    world.pull()
    before = world.revisions()
    result = world.pull(full=True)
    assert result.counts.unchanged == 30
    assert world.revisions() == before


def test_a_change_on_shopify_arrives(world: World) -> None:
    """Only the changed product is written."""
    world.pull()
    number, handle = world.rows("SELECT shopify_id, handle FROM products ORDER BY id")[3]
    world.server.edit(product=handle, set={"title": "Renamed there", "tags": ["a", "b"]})
    result = world.pull()
    assert (result.counts.updated, result.counts.created) == (1, 0)
    assert world.value("SELECT title FROM products WHERE shopify_id = ?", number) == "Renamed there"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE products SET title = 'Changed here' WHERE id = ?",
        "UPDATE product_variants SET price = '77.10' WHERE product_id = ?",
        "DELETE FROM product_media WHERE product_id = ?",
        "INSERT INTO metafields (owner_type, owner_id, namespace, key, type, value) "
        "VALUES ('product', ?, 'custom', 'origin', 'single_line_text_field', 'Porto')",
    ],
)
def test_a_change_here_reaches_shopify(world: World, statement: str) -> None:
    """Whoever changes the tables, however: one record is sent, and then both sides agree."""
    world.pull()
    local_id = world.value("SELECT min(product_id) FROM product_media")
    world.sql(statement, local_id)
    result = world.push()
    assert (result.status, result.counts.updated, result.counts.seen) == ("succeeded", 1, 1)
    before = world.dump()
    again = world.sync()
    assert sum(run.counts.updated + run.counts.created for run in again) == 0
    assert world.pull(full=True).counts.updated == 0
    assert world.dump() == before


def test_a_new_product_is_created_once_and_linked(world: World) -> None:
    """An INSERT by any client becomes one product on Shopify, whose answer becomes the base."""
    world.pull()
    local_id = world.new_product("Brand new", price="9.50")
    assert world.push().counts.created == 1
    number, handle = world.rows("SELECT shopify_id, handle FROM products WHERE id = ?", local_id)[0]
    assert handle == "brand-new"
    assert world.on_shopify(number)["title"] == "Brand new"
    assert len(world.server.shop.table("Product")) == 31
    price = world.value("SELECT price FROM product_variants WHERE product_id = ?", local_id)
    assert Decimal(price) == Decimal("9.50")
    assert world.push().counts.seen == 0


def test_new_children_keep_their_local_ids(world: World) -> None:
    """A variant that a client inserted is the same row after Shopify gave it an id."""
    world.pull()
    local_id = world.new_product("With a picture")
    world.sql("INSERT INTO product_media (product_id, url, alt) VALUES (?, 'https://x.test/a.jpg', 'x')", local_id)
    variant = world.value("SELECT id FROM product_variants WHERE product_id = ?", local_id)
    picture = world.value("SELECT id FROM product_media WHERE product_id = ?", local_id)
    world.push()
    assert world.value("SELECT id FROM product_variants WHERE product_id = ?", local_id) == variant
    row = world.rows("SELECT id, url, source_url FROM product_media WHERE product_id = ?", local_id)
    assert [r[0] for r in row] == [picture]
    assert row[0][1].startswith("https://cdn.shopify.com/")
    assert row[0][2] == "https://x.test/a.jpg"


def test_where_both_changed_nothing_is_overwritten(world: World) -> None:
    """Both versions stay, the difference is written down once, and the run does not say success."""
    world.pull()
    local_id, number, handle = world.rows("SELECT id, shopify_id, handle FROM products ORDER BY id")[0]
    world.sql("UPDATE products SET title = 'Ours' WHERE id = ?", local_id)
    world.server.edit(product=handle, set={"title": "Theirs"})
    for run in (*world.sync(), *world.sync()):
        assert (run.status, run.exit_code, run.counts.conflicts) == ("partial", 4, 1)
    assert world.on_shopify(number)["title"] == "Theirs"
    assert world.value("SELECT title FROM products WHERE id = ?", local_id) == "Ours"
    ((path, kind, status),) = world.rows("SELECT field_path, type, status FROM conflict_log")
    assert (path, kind, status) == ("title", "data", "open")


def test_a_conflict_ends_when_the_sides_agree(world: World) -> None:
    """Made equal by hand, the record is adopted and the conflict closes with a reason."""
    world.pull()
    local_id, handle = world.rows("SELECT id, handle FROM products ORDER BY id")[0]
    world.sql("UPDATE products SET title = 'Ours' WHERE id = ?", local_id)
    world.server.edit(product=handle, set={"title": "Theirs"})
    world.sync()
    world.sql("UPDATE products SET title = 'Theirs' WHERE id = ?", local_id)
    assert all(run.status == "succeeded" for run in world.sync())
    assert world.rows("SELECT status, closed_reason FROM conflict_log") == [("closed", "both sides agree now")]


def test_a_refused_record_does_not_stop_the_others(world: World) -> None:
    """One bad row: the rest is sent, the bad one is told with field and remedy and not sent again as it is."""
    world.pull()
    ids = [row[0] for row in world.rows("SELECT id FROM products ORDER BY id LIMIT 3")]
    world.sql("UPDATE products SET title = ? WHERE id = ?", "x" * 300, ids[0])
    world.sql("UPDATE products SET title = 'Fine' WHERE id = ?", ids[1])
    result = world.push()
    assert (result.status, result.exit_code) == ("partial", 3)
    assert (result.counts.updated, result.counts.failed) == (1, 1)
    (error,) = result.errors
    assert "title" in error.field_path
    assert error.remedy
    sent = world.server.stats()["mutations"]
    again = world.push()
    assert (again.exit_code, again.counts.failed) == (3, 1)
    assert world.server.stats()["mutations"] == sent
    world.sql("UPDATE products SET title = 'Short' WHERE id = ?", ids[0])
    assert world.push().status == "succeeded"
    assert world.value("SELECT count(*) FROM sync_errors WHERE resolved_at IS NULL") == 0


def test_retry_sends_refused_records_again(world: World) -> None:
    """`retry` asks again although nothing changed here, since something may have changed there."""
    world.pull()
    local_id = world.value("SELECT min(id) FROM products")
    world.sql("UPDATE products SET title = ? WHERE id = ?", "x" * 300, local_id)
    world.push()
    sent = world.server.stats()["mutations"]
    with world.app() as app:
        (result,) = app.retry()
    assert result.counts.failed == 1
    assert world.server.stats()["mutations"] == sent + 1


def test_a_value_that_the_schema_refuses_is_the_records_own_fault(world: World) -> None:
    """An unknown status never stops the run: it is told like any refusal."""
    world.pull()
    first, second = (row[0] for row in world.rows("SELECT id FROM products ORDER BY id LIMIT 2"))
    world.sql("UPDATE products SET status = 'FOR SALE' WHERE id = ?", first)
    world.sql("UPDATE products SET title = 'Fine' WHERE id = ?", second)
    result = world.push()
    assert (result.exit_code, result.counts.failed, result.counts.updated) == (3, 1, 1)
    assert result.errors[0].code == "INVALID_VARIABLE"


def test_a_product_deleted_here_is_not_brought_back(world: World) -> None:
    """A tombstone keeps a pull from undoing a deletion; the push archives the product, and no later pull brings it."""
    world.pull()
    local_id, number = world.rows("SELECT id, shopify_id FROM products ORDER BY id")[0]
    world.sql("DELETE FROM products WHERE id = ?", local_id)
    result = world.pull(full=True)
    assert world.value("SELECT count(*) FROM products") == 29
    assert any("not brought back" in note for note in result.notes)
    assert world.push().counts.deleted == 1
    assert world.on_shopify(number)["status"] == "ARCHIVED"
    assert world.value("SELECT outcome FROM tombstones") == "archived"
    assert world.pull(full=True).counts.created == 0
    assert world.value("SELECT count(*) FROM products") == 29


def test_a_product_deleted_here_and_edited_there_is_a_conflict(world: World) -> None:
    """Nobody who deleted it knew of the edit: nothing is archived, and the edit/delete is written down."""
    world.pull()
    local_id, number, handle = world.rows("SELECT id, shopify_id, handle FROM products ORDER BY id")[0]
    world.sql("DELETE FROM products WHERE id = ?", local_id)
    world.server.edit(product=handle, set={"title": "Still there"})
    result = world.sync()[-1]
    assert (result.status, result.exit_code, result.counts.conflicts) == ("partial", 4, 1)
    assert world.on_shopify(number)["status"] != "ARCHIVED"
    assert world.rows("SELECT type, field_path, status FROM conflict_log") == [("version", "", "open")]


def test_an_existing_product_of_the_same_handle_is_not_doubled(world: World) -> None:
    """Two sides that both have a handle and differ: no double, nothing overwritten, a conflict."""
    handle = next(iter(world.server.shop.table("Product").values()))["handle"]
    with world.app() as app:
        app.shop  # noqa: B018 - makes the shop's row
    world.new_product("Mine", handle=handle)
    assert [run.counts.conflicts for run in world.sync()] == [1, 1]
    assert len(world.server.shop.table("Product")) == 30
    assert world.value("SELECT count(*) FROM products WHERE handle = ?", handle) == 1


def test_both_databases_of_one_shop_agree(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """After edits on both sides, a second empty database that pulls is equal to the first in every field."""
    world.pull()
    for number in range(4):
        world.new_product(f"New {number}", tags='["x","y"]')
    world.sql("UPDATE product_variants SET price = '5.00', sku = 'CHANGED' WHERE product_id = 3")
    world.sql("DELETE FROM product_variants WHERE id = (SELECT max(id) FROM product_variants WHERE product_id = 5)")
    world.sync()
    other = World(world.server, f"sqlite:///{tmp_path_factory.mktemp('other')}/shop.db")
    other.pull()
    assert world.dump() == other.dump()


def test_a_picture_that_is_added_to_a_product_is_sent_once(world: World) -> None:
    """Shopify serves it at an address of its own; it is known again, and nothing is sent or disputed any more."""
    world.pull()
    local_id = world.value("SELECT min(product_id) FROM product_media")
    world.sql("INSERT INTO product_media (product_id, url, position) VALUES (?, 'https://x.test/new.jpg', 9)", local_id)
    picture = world.value("SELECT max(id) FROM product_media")
    result = world.push()
    assert (result.status, result.counts.updated) == ("succeeded", 1), result.as_json()
    assert world.rows("SELECT id FROM product_media WHERE source_url = 'https://x.test/new.jpg'") == [(picture,)]
    assert world.push().counts.seen == 0


def test_a_change_within_the_second_of_the_last_read_is_not_overwritten(world: World) -> None:
    """`updatedAt` has whole seconds: equal times do not prove that nothing changed since."""
    world.pull()
    local_id, number, handle = world.rows("SELECT id, shopify_id, handle FROM products ORDER BY id")[0]
    world.server.edit(product=handle, set={"title": "First"})
    world.pull()
    second = world.on_shopify(number)["updatedAt"]
    world.server.edit(product=handle, set={"title": "Theirs"})
    world.server.shop.table("Product")[number]["updatedAt"] = second
    world.sql("UPDATE products SET title = 'Ours' WHERE id = ?", local_id)
    assert world.push().counts.conflicts == 1
    assert world.on_shopify(number)["title"] == "Theirs"


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("UPDATE products SET tags = 'a, b' WHERE id = 3", "tags"),
        ("UPDATE products SET tags = '[1, {}]' WHERE id = 3", "tags"),
        ("UPDATE products SET title = x'ff00' WHERE id = 3", "title"),
        ("UPDATE products SET published_at = 'yesterday' WHERE id = 3", "published_at"),
        ("UPDATE product_variants SET price = 'cheap' WHERE product_id = 3", "price"),
        ("UPDATE product_variants SET option_values = '[\"S\"]' WHERE product_id = 3", "option_values"),
        ("UPDATE product_options SET \"values\" = 'S' WHERE product_id = 3", "values"),
    ],
)
def test_a_value_that_no_column_is_made_for_is_the_records_own_fault(
    server: SandboxServer, sqlite_url: str, statement: str, field: str
) -> None:
    """SQLite takes any text in any column: one such row is told by name, and the others are sent."""
    world = World(server, sqlite_url)
    world.pull()
    world.sql(statement)
    world.sql("UPDATE products SET title = 'Fine' WHERE id = 5")
    result = world.push()
    assert (result.exit_code, result.counts.updated, result.counts.failed) == (3, 1, 1)
    assert result.errors[0].code == "UNREADABLE"
    assert result.errors[0].field_path.endswith(field)
    assert world.rows("SELECT id FROM products WHERE dirty") == [(3,)]
    assert [run.exit_code for run in world.sync()] == [0, 3]

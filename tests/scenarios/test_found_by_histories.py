"""What random histories (tests/convergence) have found, each as small as it can be told."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from shopify_sync.app.deciding import Selection, resolve
from shopify_sync.clock import ManualClock
from shopify_sync.sandbox import SandboxServer
from tests.world import World


@pytest.fixture
def small(sqlite_url: str) -> Iterator[World]:
    """A shop with two products, one with options, pulled into SQLite."""
    with SandboxServer(clock=(clock := ManualClock()), bucket=100_000) as server:
        server.edit(create={"title": "Plain", "price": "1.00", "tags": ["a"]})
        sizes = [{"values": {"Size": size}, "price": "2.00"} for size in ("S", "M", "L")]
        server.edit(create={"title": "Sized", "options": {"Size": ["S", "M", "L"]}, "variants": sizes})
        world = World(server, sqlite_url, clock=clock)
        world.pull()
        clock.advance(60)
        yield world


def _decide(world: World, take: str, field: str | None = None) -> None:
    with world.app() as app:
        resolve(app.database, 1, app.clock, Selection(every=True, field=field), take=take, by="user:test")


def _twin(world: World, **there: object) -> int:
    """A product of the same handle on both sides, which never met; its local id."""
    local_id = world.new_product("Ours", price="1.50", handle="twin")
    world.server.edit(create={"title": "Theirs", "handle": "twin", "price": "2.50", **there})
    return local_id


def test_a_price_that_only_differs_is_in_dispute_at_the_first_link(small: World) -> None:
    """Where nothing was agreed on before, neither side's price wins unseen; the variant's row stays the one it was."""
    local_id = _twin(small)
    variant = small.value("SELECT id FROM product_variants WHERE product_id = ?", local_id)
    small.sync()
    assert small.rows("SELECT field_path FROM conflict_log WHERE status = 'open' ORDER BY field_path") == [
        ("status",),
        ("title",),
        ("variants[Default Title].price",),
    ]
    stored = small.rows("SELECT id, price FROM product_variants WHERE product_id = ?", local_id)
    assert [(row, Decimal(price)) for row, price in stored] == [(variant, Decimal("1.50"))]


def test_decisions_for_both_sides_on_one_record(small: World) -> None:
    """One field taken from Shopify, another from here, in one run: what was taken from Shopify is not sent back."""
    local_id = _twin(small)
    small.sync()
    _decide(small, "shopify", "title")
    _decide(small, "local")
    assert [run.status for run in small.sync()] == ["succeeded"] * 2
    number = small.value("SELECT shopify_id FROM products WHERE id = ?", local_id)
    assert small.on_shopify(number)["title"] == "Theirs"
    assert small.value("SELECT title FROM products WHERE id = ?", local_id) == "Theirs"
    assert small.value("SELECT count(*) FROM products WHERE dirty") == 0


def test_a_push_alone_does_not_send_back_what_it_took_over(small: World) -> None:
    """Another field was changed there since the pull: the push merges it, and takes no old value for an edit."""
    small.sql("UPDATE product_variants SET price = '9.00' WHERE product_id = 1")
    small.server.edit(product="plain", set={"title": "Renamed there"})
    assert small.push().status == "succeeded"
    small.sync()
    assert small.value("SELECT title FROM products WHERE id = 1") == "Renamed there"
    assert next(iter(small.server.shop.table("Product").values()))["title"] == "Renamed there"


def test_a_picture_keeps_its_row_and_source_beside_a_dispute(small: World) -> None:
    """A record that keeps a dispute is not read anew as a whole; its new picture is the same row all the same."""
    local_id = _twin(small)
    small.sql("INSERT INTO product_media (product_id, url, position) VALUES (?, 'https://x.test/a.jpg', 1)", local_id)
    picture = small.value("SELECT max(id) FROM product_media")
    small.sync()
    assert small.value("SELECT count(*) FROM conflict_log WHERE status = 'open'") > 0
    ((row, source, url),) = small.rows("SELECT id, source_url, url FROM product_media WHERE product_id = ?", local_id)
    assert (row, source) == (picture, "https://x.test/a.jpg")
    assert url.startswith("https://cdn.shopify.com/")


def test_a_variant_that_is_made_anew_on_shopify_keeps_its_row(small: World) -> None:
    """Deleted there, edited here, decided for here: Shopify gives it another id, and the row goes on under that one."""
    row = small.value("SELECT max(id) FROM product_variants WHERE product_id = 2")
    small.sql("UPDATE product_variants SET price = '7.00' WHERE id = ?", row)
    small.server.edit(product="sized", removeVariants=[{"position": 3}])
    small.sync()
    _decide(small, "local")
    assert [run.status for run in small.sync()] == ["succeeded"] * 2
    ((price, number),) = small.rows("SELECT price, shopify_id FROM product_variants WHERE id = ?", row)
    assert Decimal(price) == Decimal("7.00")
    assert small.server.shop.table("ProductVariant")[number]["price"] == "7.00"
    assert small.value("SELECT count(*) FROM product_variants WHERE product_id = 2") == 3


@pytest.mark.parametrize("statement", ["UPDATE products SET vendor = vendor WHERE id = 1"])
def test_a_change_that_left_nothing_different_keeps_no_deletion_back(small: World, statement: str) -> None:
    """A client that writes a row as it was has edited nothing: what was deleted on Shopify is deleted here."""
    small.sql(statement)
    small.server.edit(product="plain", delete=True)
    assert [run.status for run in small.sync()] == ["succeeded"] * 2
    assert small.value("SELECT deleted_at FROM products WHERE id = 1") is not None
    assert small.rows("SELECT * FROM conflict_log") == []


def test_a_publication_whose_answer_was_lost_is_no_dispute_with_ourselves(small: World) -> None:
    """Shopify publishes at a time of its own: that both sides are published is all there is to agree on."""
    small.sql("UPDATE products SET published_at = '2026-11-20T08:00:00Z' WHERE id = 1")
    small.server.fault("reset_after@mutation=4x")
    assert small.push().exit_code == 6
    with small.app() as app:
        app.breaker_reset()
    assert [run.status for run in small.sync()] == ["succeeded"] * 2
    assert small.rows("SELECT * FROM conflict_log") == []
    assert small.value("SELECT count(*) FROM products WHERE dirty") == 0


def test_an_option_value_that_no_variant_has_any_more(small: World) -> None:
    """Added for a variant that was deleted again before a push: it can't be sent, so it is no change."""
    small.sql('UPDATE product_options SET "values" = \'["S", "M", "L", "XL"]\' WHERE product_id = 2')
    assert [run.status for run in small.sync()] == ["succeeded"] * 2
    assert small.value("SELECT count(*) FROM products WHERE dirty") == 0
    assert "XL" not in str(small.value('SELECT "values" FROM product_options WHERE product_id = 2'))


def test_an_order_made_here_survives_any_other_edit_there(small: World) -> None:
    """Variants put in another order here, while Shopify changed something else of the product: both arrive."""
    product = small.value("SELECT id FROM products WHERE title = 'Sized'")
    for place, size in enumerate(("L", "S", "M"), start=11):
        small.sql("UPDATE product_variants SET position = ? WHERE product_id = ? AND title = ?", place, product, size)
    small.server.edit(product="sized", addTags=["news"], variants=[{"position": 1, "price": "3.00"}])
    small.sync()
    number = small.value("SELECT shopify_id FROM products WHERE id = ?", product)
    there = [small.server.shop.table("ProductVariant")[i]["title"] for i in small.on_shopify(number)["variantIds"]]
    here = small.rows("SELECT title, position FROM product_variants WHERE product_id = ? ORDER BY position", product)
    assert there == ["L", "S", "M"]
    assert here == [("L", 1), ("S", 2), ("M", 3)]
    assert small.value("SELECT count(*) FROM conflict_log") == 0


def test_a_product_with_another_apps_metafield_is_made_anew(sqlite_url: str) -> None:
    """Edited here, deleted there, and taken from here: what only another app could make again is left out and named."""
    with SandboxServer(products=12, clock=(clock := ManualClock()), bucket=100_000) as server:
        world = World(server, sqlite_url, clock=clock)
        world.pull()
        row, space = world.rows("SELECT product_id, namespace FROM metafields WHERE namespace LIKE 'app--%'")[0]
        kept = "SELECT count(*) FROM metafields WHERE product_id = ? AND namespace NOT LIKE 'app--%'"
        before = world.value(kept, row)
        world.sql("UPDATE products SET title = 'Mine' WHERE id = ?", row)
        server.edit(product=world.value("SELECT handle FROM products WHERE id = ?", row), delete=True)
        clock.advance(60)
        world.sync()
        _decide(world, "local")
        _, push = world.sync()
        assert (push.status, push.counts.created) == ("succeeded", 1)
        assert [space in note for note in push.notes] == [True]
        assert [p["title"] for p in server.shop.table("Product").values()].count("Mine") == 1
        assert world.value(kept, row) == before
        assert world.value("SELECT count(*) FROM metafields WHERE product_id = ?", row) == before
        clock.advance(60)
        assert [run.status for run in world.sync()] == ["succeeded", "succeeded"]
        assert world.value("SELECT count(*) FROM products WHERE dirty") == 0

"""Change capture on SQLite, where each client chooses what triggers and foreign keys do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.store import migrate, shops
from shopify_sync.store.database import Database
from tests.store.goods import Plain, Store, product

CLIENTS = [
    ("recursive_triggers = OFF", "foreign_keys = OFF"),
    ("recursive_triggers = ON", "foreign_keys = OFF"),
    ("recursive_triggers = OFF", "foreign_keys = ON"),
    ("recursive_triggers = ON", "foreign_keys = ON"),
]


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url)
    shop = shops.get_or_create(database, "demo.myshopify.com", ManualClock())
    yield Store(database, shop["id"])
    database.dispose()


@pytest.fixture(params=CLIENTS, ids=" ".join)
def client(store: Store, sqlite_url: str, request: pytest.FixtureRequest) -> Iterator[Plain]:
    opened = Plain(sqlite_url, *request.param)
    yield opened
    opened.close()


def test_each_edit_is_counted_once(store: Store, client: Plain) -> None:
    """The triggers' own writes set off nothing further."""
    a, b = store.create(product(1, variants=2), product(2))
    client.run("UPDATE products SET title = 'x' WHERE id = ?", a)
    client.run("UPDATE product_variants SET price = '1.00' WHERE product_id = ?", a)
    assert client.rows("SELECT id, local_rev FROM products ORDER BY id") == [(a, 3), (b, 0)]


def test_a_variant_replaced_as_a_whole_marks_its_product(store: Store, client: Plain) -> None:
    a, b = store.create(product(1), product(2))
    row = "REPLACE INTO product_variants (product_id, shopify_id, price) VALUES (?, ?, '5.00')"
    client.run(row, a, 10_000)
    assert client.dirty() == [a]
    assert client.rows("SELECT price FROM product_variants WHERE product_id = ?", a) == [("5.00",)]
    client.run(row, b, 777)
    assert client.dirty() == [a, b]


def test_a_variant_replaced_under_another_product_marks_both(store: Store, client: Plain) -> None:
    a, b = store.create(product(1), product(2))
    variant = client.value("SELECT id FROM product_variants WHERE product_id = ?", a)
    client.run("REPLACE INTO product_variants (id, product_id, price) VALUES (?, ?, '5.00')", variant, b)
    assert client.dirty() == [a, b]


def test_a_product_replaced_as_a_whole_waits_and_is_no_deletion(store: Store, client: Plain) -> None:
    (a,) = store.create(product(1))
    client.run(
        "REPLACE INTO products (id, shop_id, shopify_id, title) VALUES (?, ?, 1, 'Replaced')", a, store.shop_id
    )  # fmt: skip
    assert client.dirty() == [a]
    assert store.local().standing().deletions == 0


def test_a_product_deleted_by_any_client_leaves_a_sound_database(store: Store, client: Plain) -> None:
    a, b = store.create(product(1, variants=3), product(2))
    client.run("DELETE FROM products WHERE id = ?", a)
    assert client.rows("PRAGMA foreign_key_check") == []
    assert client.rows("SELECT local_id FROM tombstones") == [(a,)]
    assert client.rows("SELECT DISTINCT product_id FROM product_variants") == [(b,)]
    assert migrate.upgrade(store.database) == (migrate.HEAD, migrate.HEAD)


def test_ids_are_never_used_again(store: Store, client: Plain) -> None:
    """Neither by another program's next insert nor by ours: a tombstone's number means one product for ever."""
    a, b = store.create(product(1), product(2))
    client.run("DELETE FROM products WHERE id = ?", b)
    client.run("INSERT INTO products (shop_id, title) VALUES (?, 'New')", store.shop_id)
    assert client.dirty() == [b + 1]
    assert store.create(product(3)) == [b + 2]
    assert a == 1

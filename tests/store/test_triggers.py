"""Change capture: whoever writes, with whatever driver, the record it belongs to is marked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from shopify_sync.spec import Child, Merge
from tests.store.goods import PRODUCTS, Plain, Store, collection, product

PARENT = {child.table.__tablename__: child.parent_column for child in PRODUCTS.children}  # type: ignore[attr-defined]

INSERTS = {
    "product_options": "(product_id, name) VALUES (?, 'Material')",
    "product_variants": "(product_id, price) VALUES (?, '9.99')",
    "product_media": "(product_id, source_url) VALUES (?, 'https://example.com/a.png')",
    "metafields": "(owner_type, owner_id, namespace, key, type, value) VALUES ('product', ?, 'x', 'y', 'id', '1')",
    "product_collections": "(product_id, collection_id) VALUES (?, (SELECT max(id) FROM collections))",
}  # fmt: skip
UPDATES = {
    "product_options": "name = 'Colour'",
    "product_variants": "price = '12.34'",
    "product_media": "alt = 'Back'",
    "metafields": "value = 'Wash hot'",
    "product_collections": "collection_id = (SELECT max(id) FROM collections)",
}
tables = pytest.mark.parametrize("table", sorted(PARENT))


@dataclass
class Two:
    """Two clean products; the third has a collection that the others are not in."""

    a: int
    b: int
    other: int


@pytest.fixture
def two(store: Store) -> Two:
    return Two(*store.create(product(1), product(2), product(3)))


def revision(plain: Plain, local_id: int) -> int:
    return int(plain.value("SELECT local_rev FROM products WHERE id = ?", local_id))


def test_what_the_sync_stores_is_clean(two: Two, plain: Plain) -> None:
    """Creating marks nothing; neither do updating with lists that grow and shrink, touching, linking and burying."""
    assert plain.dirty() == []
    assert [revision(plain, number) for number in (two.a, two.b)] == [0, 0]


def test_the_syncs_own_writes_mark_nothing(store: Store, two: Two, plain: Plain) -> None:
    store.update(two.a, product(1, variants=3, title="New", collections=[collection(10), collection(99)]))
    store.update(two.a, product(1, options=[], media=[], metafields=[], collections=[]))
    with store.local().session() as session:
        session.link(two.b, 222)
        session.intend([(two.b, "other-handle")], store.clock.now())
        session.writer.touch(session.conn, [(two.b, store.clock.now())], store.clock.now())
        session.writer.bury(session.conn, [two.other], store.clock.now())
    assert plain.dirty() == []
    assert [revision(plain, number) for number in (two.a, two.b, two.other)] == [0, 0, 0]
    assert plain.value("SELECT count(*) FROM tombstones") == 0
    assert plain.value("SELECT count(*) FROM product_media WHERE product_id = ?", two.a) == 0
    assert plain.value("SELECT title FROM products WHERE id = ?", two.a) == "Product 1"


def test_a_new_product_waits_to_be_pushed(store: Store, two: Two, plain: Plain) -> None:
    plain.run("INSERT INTO products (shop_id, title) VALUES (?, 'Mine')", store.shop_id)
    new = plain.value("SELECT max(id) FROM products")
    assert plain.dirty() == [new]
    assert store.local().dirty(0, 10) == [new]
    assert store.local().dirty(new, 10) == []


def test_an_update_of_a_product_marks_it_alone(store: Store, two: Two, plain: Plain) -> None:
    plain.run("UPDATE products SET title = 'Better' WHERE id = ?", two.a)
    assert plain.dirty() == [two.a]
    assert revision(plain, two.a) == 1
    plain.run("UPDATE products SET title = 'Best' WHERE id = ?", two.a)
    assert revision(plain, two.a) == 2  # so an edit during a push is not taken for pushed
    with store.local().session() as session:
        session.clean(two.a, 1)
    assert plain.dirty() == [two.a]
    with store.local().session() as session:
        session.clean(two.a, 2)
    assert plain.dirty() == []


@tables
def test_an_insert_of_a_child_marks_its_product(two: Two, plain: Plain, table: str) -> None:
    plain.run(f"INSERT INTO {table} {INSERTS[table]}", two.a)
    assert plain.dirty() == [two.a]


@tables
def test_an_update_of_a_child_marks_its_product(two: Two, plain: Plain, table: str) -> None:
    assert plain.run(f"UPDATE {table} SET {UPDATES[table]} WHERE {PARENT[table]} = ?", two.a) == 1
    assert plain.dirty() == [two.a]
    assert revision(plain, two.a) == 1


@tables
def test_a_delete_of_a_child_marks_its_product(two: Two, plain: Plain, table: str) -> None:
    assert plain.run(f"DELETE FROM {table} WHERE {PARENT[table]} = ?", two.a) == 1
    assert plain.dirty() == [two.a]


@tables
def test_a_child_that_moves_marks_both_products(two: Two, plain: Plain, table: str) -> None:
    assert plain.run(f"UPDATE {table} SET {PARENT[table]} = ? WHERE {PARENT[table]} = ?", two.b, two.a) == 1
    assert plain.dirty() == [two.a, two.b]


def test_a_metafield_that_changes_its_kind_of_owner_marks_the_product(two: Two, plain: Plain) -> None:
    """It leaves a product, or comes to one; those of other owners with the same number concern no product."""
    plain.run("UPDATE metafields SET owner_type = 'order' WHERE owner_id = ?", two.a)
    assert plain.dirty() == [two.a]
    plain.run("UPDATE metafields SET value = 'ours' WHERE owner_id = ?", two.a)
    assert revision(plain, two.a) == 1
    plain.run("DELETE FROM metafields WHERE owner_type = 'order'")
    plain.run("INSERT INTO metafields (owner_type, owner_id, namespace, key) VALUES ('order', ?, 'n', 'k')", two.b)
    assert plain.dirty() == [two.a]
    plain.run("UPDATE metafields SET owner_type = 'product' WHERE owner_type = 'order'")
    assert plain.dirty() == [two.a, two.b]


def test_every_column_that_is_pushed_is_watched(two: Two, plain: Plain) -> None:
    expected = 0
    for column in PRODUCTS.columns:
        if column.maps.merge is not Merge.READ_ONLY:
            plain.run(f'UPDATE products SET "{column.name}" = "{column.name}" WHERE id = ?', two.a)
            expected += 1
            assert revision(plain, two.a) == expected, column.name


@pytest.mark.parametrize("child", [child for child in PRODUCTS.children if child.target is None], ids=lambda c: c.name)
def test_every_column_of_a_child_that_is_pushed_is_watched(two: Two, plain: Plain, child: Child) -> None:
    table = child.table.__tablename__  # type: ignore[attr-defined]
    expected = 0
    for column in child.columns:
        if column.maps.merge is not Merge.READ_ONLY:
            statement = f'UPDATE {table} SET "{column.name}" = "{column.name}" WHERE {child.parent_column} = ?'
            plain.run(statement, two.a)
            expected += 1
            assert revision(plain, two.a) == expected, column.name
    assert expected > 0


def test_columns_that_are_never_sent_mark_nothing(two: Two, plain: Plain) -> None:
    for statement in (
        "UPDATE products SET synced_at = NULL, updated_at = NULL, refused_rev = 3, payload_hash = 'x'",
        "UPDATE products SET payload = NULL",
        "UPDATE product_variants SET inventory_item_id = 5",
        "UPDATE product_media SET status = 'FAILED'",
        "UPDATE metafields SET compare_digest = 'd9'",
        "UPDATE collections SET title = 'Renamed'",
        "UPDATE products SET title = 'Nobody' WHERE id = -1",
    ):
        plain.run(statement)
        assert plain.dirty() == [], statement
    assert plain.value("SELECT count(*) FROM products WHERE payload_hash = 'x'") == 3


def test_a_deleted_product_leaves_a_tombstone(store: Store, two: Two, plain: Plain) -> None:
    assert plain.run("DELETE FROM products WHERE id = ?", two.a) == 1
    rows = plain.rows("SELECT shop_id, entity, local_id, shopify_id, record_key, handled_at FROM tombstones")
    assert rows == [(store.shop_id, "products", two.a, 1, "product-1", None)]
    assert plain.value("SELECT count(*) FROM tombstones WHERE payload IS NULL OR deleted_at IS NULL") == 0
    assert (store.local().standing().deletions, plain.dirty()) == (1, [])
    with store.local().session() as session:
        assert set(session.tombs([1, 2])) == {1}


def test_a_product_that_is_put_back_was_not_deleted(store: Store, two: Two, plain: Plain) -> None:
    """Clients that write whole tables delete the rows and insert them again. What was dealt with stays on record."""
    plain.run("DELETE FROM products")
    plain.run("UPDATE tombstones SET handled_at = deleted_at WHERE shopify_id = 2")
    for number in (1, 2):
        plain.run(
            "INSERT INTO products (shop_id, shopify_id, handle, title) VALUES (?, ?, 'again', 'Again')",
            store.shop_id,
            number,
        )
    assert plain.rows("SELECT shopify_id FROM tombstones ORDER BY id") == [(2,), (3,)]
    assert len(plain.dirty()) == 2


@tables
def test_a_deleted_product_leaves_no_orphans(two: Two, plain: Plain, table: str) -> None:
    """SQLite clients have foreign keys off unless they ask for them."""
    plain.run("DELETE FROM products WHERE id = ?", two.a)
    assert [row[0] for row in plain.rows(f"SELECT {PARENT[table]} FROM {table} ORDER BY 1")] == [two.b, two.other]


def test_a_product_that_shopify_never_saw_leaves_nothing(store: Store, plain: Plain) -> None:
    plain.run("INSERT INTO products (shop_id, title) VALUES (?, 'Draft')", store.shop_id)
    plain.run("DELETE FROM products")
    assert plain.value("SELECT count(*) FROM tombstones") == 0


def test_a_transaction_that_is_undone_marks_nothing(store: Store, two: Two, plain: Plain) -> None:
    with pytest.raises(ZeroDivisionError), store.database.transaction() as conn:
        conn.exec_driver_sql("UPDATE product_variants SET price = '1'")
        assert len(store.local().dirty(0, 10)) == 0  # nor does anybody else see it before it is done
        raise ZeroDivisionError
    assert plain.dirty() == []


def test_a_mass_update_is_one_statement(store: Store, plain: Plain) -> None:
    """5,000 variants of 50 products: each product is marked, each variant counted."""
    ids = store.create(*(product(number, variants=100) for number in range(1, 51)))
    changed = plain.run("UPDATE product_variants SET price = '77.70' WHERE product_id <> ?", ids[0])
    assert changed == 4_900
    assert plain.dirty() == ids[1:]
    assert store.local().dirty(0, 3) == ids[1:4]
    assert revision(plain, ids[1]) == 100
    assert plain.run("UPDATE product_variants SET price = '77.71'") == 5_000
    assert plain.dirty() == ids


def test_an_upsert_marks_its_product(two: Two, plain: Plain) -> None:
    """Whether it inserts or meets a row that is there."""
    key = "ON CONFLICT (product_id, shopify_id) DO"
    row = "INSERT INTO product_variants (product_id, shopify_id, price) VALUES (?, ?, '8.88')"
    plain.run(f"{row} {key} NOTHING", two.a, 10_000)
    assert plain.dirty() == []
    plain.run(f"{row} {key} UPDATE SET price = excluded.price", two.a, 10_000)
    assert plain.dirty() == [two.a]
    plain.run(f"{row} {key} UPDATE SET price = excluded.price", two.b, 555)
    assert plain.dirty() == [two.a, two.b]

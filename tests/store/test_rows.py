"""Bulk writes and what is read back: every value exactly as Shopify has it, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select

from shopify_sync.entities.products.tables import ProductVariant
from shopify_sync.records import Batch, Node
from shopify_sync.spec import record_of
from tests.store.goods import PRODUCTS, Plain, Store, collection, incoming, product, variant
from tests.world import World

TEXTS = [
    "Grüße, naïve café",
    "👩‍👩‍👧‍👦 🏴‍☠️ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "日本語 العربية עברית",
    "e\u0301 is not \u00e9",
    "quotes ' \" `` $$ %s ? :name {x} \\ \\n",
    "tab\tline\r\nend\u2028\u200b",
    "",
    "x" * 100_000,
]
VARIANTS = PRODUCTS.child["variants"].table.__table__  # type: ignore[attr-defined]


def stripped(record: dict[str, Any]) -> dict[str, Any]:
    """A record that was read, without what only rows have: local ids and the source of media."""
    own = {"local_id", "source_url"}
    return {
        name: [{k: v for k, v in item.items() if k not in own} for item in value]
        if name in PRODUCTS.child
        else value
        for name, value in record.items()
    }  # fmt: skip


def expected(node: Node) -> dict[str, Any]:
    """The same from the node; media get their place in the list, which Shopify does not send."""
    record = record_of(PRODUCTS, node)
    record["media"] = [item | {"position": at} for at, item in enumerate(record["media"], start=1)]
    return record


def revisions(plain: Plain) -> dict[str, list[tuple[Any, ...]]]:
    names = ["products", "collections", "product_collections", "product_options", "product_variants", "product_media"]
    return {name: plain.rows(f"SELECT id, sync_rev FROM {name} ORDER BY id") for name in [*names, "metafields"]}


@pytest.mark.parametrize("price", ["0.10", "0.1", "1234567890.123456", "0.00", "99999999999999999.99", "19.999"])
def test_money_is_exact(store: Store, plain: Plain, price: str) -> None:
    node = product(1, variants=0)
    node["variants"] = [variant(1, price=price, compareAtPrice=price)]
    node["variants"][0]["inventoryItem"]["unitCost"] = {"amount": price}
    (local_id,) = store.create(node)
    for _ in range(2):
        found = store.read(local_id).record["variants"][0]
        for name in ("price", "compare_at_price", "cost"):
            assert (type(found[name]), str(found[name])) == (Decimal, price), name
        store.update(local_id, node)  # the other way in gives the same
    assert str(plain.value("SELECT price FROM product_variants")) == price


def test_a_weight_keeps_the_digits_that_shopify_sent(store: Store) -> None:
    for number, weight in enumerate((0.1, 0.25, 1234.5678, 0, 3), start=1):
        item = variant(number)
        item["inventoryItem"]["measurement"]["weight"]["value"] = weight
        (local_id,) = store.create(product(number, variants=0) | {"variants": [item]})
        assert store.read(local_id).record["variants"][0]["weight"] == Decimal(str(weight))


def test_absent_values_stay_absent(store: Store) -> None:
    item = variant(1, compareAtPrice=None, sku=None, barcode=None)
    item["inventoryItem"] |= {"unitCost": None, "measurement": {"weight": None}}
    (local_id,) = store.create(product(1, publishedAt=None, category=None, handle="h") | {"variants": [item]})
    record = store.read(local_id).record
    found = record["variants"][0]
    assert [found[name] for name in ("compare_at_price", "sku", "cost", "weight", "weight_unit")] == [None] * 5
    assert (record["published_at"], record["category_id"]) == (None, None)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text_is_any_unicode(store: Store, plain: Plain, text: str) -> None:
    node = product(1, title=text, descriptionHtml=text, tags=[text, "b"], seo={"title": text, "description": None})
    node["metafields"][0]["value"] = text
    node["options"][0]["optionValues"][0]["name"] = text
    node["variants"][0]["selectedOptions"] = [{"name": text, "value": text}]
    (local_id,) = store.create(node)
    for _ in range(2):
        found = store.read(local_id)
        assert stripped(found.record) == expected(node)
        assert found.seen == record_of(PRODUCTS, node)
        store.update(local_id, node)
    assert plain.value("SELECT title FROM products") == text


def test_times_are_aware_and_utc(store: Store) -> None:
    node = product(1, publishedAt="2026-11-24T07:30:00-05:00", createdAt="2026-02-28T23:59:59Z")
    (local_id,) = store.create(node)
    found = store.read(local_id)
    assert found.record["published_at"] == datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    assert found.record["published_at"].utcoffset() == timedelta(0)
    assert found.record["created_at"] == datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    known = store.local().known([1])[1]
    assert known.updated_at == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert known.read_at == store.clock.now()
    assert known.read_at is not None and known.read_at.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    (local_id,) = store.create(product(1))
    naive = datetime(2026, 11, 24, 12, 0)  # noqa: DTZ001
    with pytest.raises(ValueError, match="without a zone"):
        store.save(Batch(touch=[(local_id, naive)]))


def test_the_base_is_kept_as_it_came(store: Store) -> None:
    """JSON inside and out: nested, big numbers, and what only looks like JSON."""
    node = product(1, tags=["[]", "null", '"'], extra={"deep": [1, 2.5, None, {"id": 9_007_199_254_740_993}]})
    (local_id,) = store.create(node)
    with store.local().session() as session:
        payload = store.local().reader.rows(session.conn, [local_id])[0]["payload"]
    assert payload == {key: value for key, value in node.items() if key != "updatedAt"}
    assert store.read(local_id).record["tags"] == ["[]", "null", '"']


def test_a_batch_reads_back_as_it_was_sent(store: Store) -> None:
    """Batch after batch, with lists of different lengths, created and then changed."""
    for first in (1, 101, 201):
        nodes = [product(number, variants=number % 4) for number in range(first, first + 100)]
        for node, local_id in zip(nodes, store.create(*nodes), strict=True):
            assert stripped(store.read(local_id).record) == expected(node)
    changed = [product(number, variants=(number + 1) % 4, title=f"New {number}") for number in range(1, 301)]
    known = store.local().known(range(1, 301))
    assert len(known) == 300
    store.save(Batch(update=[incoming(node, known[at].local_id) for at, node in enumerate(changed, start=1)]))
    for at, node in enumerate(changed, start=1):
        assert stripped(store.read(known[at].local_id).record) == expected(node)


def test_both_ways_in_read_back_alike(store: Store) -> None:
    """What SQLAlchemy writes and what the bulk statements write are the same text in the same columns."""
    (local_id,) = store.create(product(1, variants=1))
    with store.database.transaction() as conn:
        columns = [column for column in VARIANTS.c if column.name not in {"id", "shopify_id"}]
        ours = dict(conn.execute(select(*columns)).mappings().one())
        conn.execute(insert(ProductVariant).values(**ours, shopify_id=2))
        quoted = ", ".join(f'"{column.name}"' for column in columns)
        rows = conn.exec_driver_sql(f"SELECT {quoted} FROM product_variants ORDER BY id").fetchall()
    assert len(rows) == 2
    assert tuple(rows[0]) == tuple(rows[1])
    assert len(store.read(local_id).record["variants"]) == 2


def test_children_keep_their_ids(store: Store, plain: Plain) -> None:
    """Whoever refers to a variant by its local id still finds it, until Shopify no longer has it."""
    (local_id,) = store.create(product(1, variants=3))
    before = dict(plain.rows("SELECT shopify_id, id FROM product_variants"))
    node = product(1, variants=3)
    node["variants"] = [variant(10_099), node["variants"][2], node["variants"][0]]
    store.update(local_id, node)
    after = dict(plain.rows("SELECT shopify_id, id FROM product_variants"))
    assert set(after) == {10_099, 10_002, 10_000}
    assert [after[number] for number in (10_002, 10_000)] == [before[number] for number in (10_002, 10_000)]
    assert after[10_099] not in before.values()


def test_a_collection_is_stored_once_and_written_only_when_it_changes(store: Store, plain: Plain) -> None:
    shared = [collection(5)]
    a, _ = store.create(product(1, collections=shared), product(2, collections=shared))
    written = plain.rows("SELECT shopify_id, title, sync_rev FROM collections")
    assert written == [(5, "Collection 5", 1)]
    store.update(a, product(1, title="Other", collections=shared))
    assert plain.rows("SELECT shopify_id, title, sync_rev FROM collections") == written
    store.update(a, product(1, collections=[collection(5, title="Renamed")]))
    assert plain.rows("SELECT shopify_id, title, sync_rev FROM collections") == [(5, "Renamed", 2)]


def test_shops_do_not_see_each_other(store: Store) -> None:
    """The same numbers in two shops are two records."""
    with store.database.transaction() as conn:
        conn.exec_driver_sql("INSERT INTO shops (id, domain) VALUES (77, 'other.myshopify.com')")
    other = Store(store.database, 77)
    mine, theirs = store.create(product(1))[0], other.create(product(1, title="Theirs"))[0]
    assert mine != theirs
    assert (store.read(mine).record["title"], other.read(theirs).record["title"]) == ("Product 1", "Theirs")
    assert store.local().known([1])[1].local_id == mine


def test_a_session_that_fails_writes_nothing(store: Store, plain: Plain) -> None:
    with pytest.raises(ZeroDivisionError), store.local().session() as session:
        session.save(Batch(create=[incoming(product(1))]), store.clock.now())
        raise ZeroDivisionError
    assert plain.value("SELECT count(*) FROM products") == 0
    assert plain.value("SELECT count(*) FROM product_variants") == 0


def test_what_has_not_changed_is_not_written(world: World, plain: Plain) -> None:
    """A second full pull sees every record and moves no revision of any row."""
    assert world.pull().counts.created == 30
    before = revisions(plain)
    assert len(before["product_variants"]) >= 30
    again = world.pull(full=True)
    assert (again.counts.seen, again.counts.unchanged, again.counts.updated) == (30, 30, 0)
    assert revisions(plain) == before


def test_many_at_once_are_stored_as_one_by_one(store: Store, plain: Plain) -> None:
    """SQLite takes several rows in one statement, and a rest: none is left out, twice there, or under another's id."""
    nodes = [
        product(number, variants=0, title=text)
        | {"variants": [variant(100 * number + at, title=text) for at in range(number % 5)]}
        for number, text in zip(range(1, 48), TEXTS * 6, strict=False)
    ]
    ids = store.create(*nodes)
    for local_id, node in zip(ids, nodes, strict=True):
        found = store.read(local_id)
        assert stripped(found.record) == expected(node)
        assert found.node == {name: value for name, value in node.items() if name != "updatedAt"}
    assert plain.value("SELECT count(*) FROM product_variants") == sum(number % 5 for number in range(1, 48))
    if plain.sqlite:
        assert plain.rows("SELECT DISTINCT typeof(payload), typeof(payload_hash) FROM products") == [("text", "text")]


def test_what_waited_without_its_node_is_stored_as_with_it(store: Store, plain: Plain) -> None:
    """And gives the node back, with the fields that its payload leaves out."""
    nodes = [product(number, variants=3, title=text) for number, text in enumerate(TEXTS, start=1)]
    light = [store.local().lightened(incoming(node)) for node in nodes]
    assert [item.node for item in light] == nodes
    assert all(item.whole is None for item in light)
    store.save(Batch(create=light))
    for number, node in enumerate(nodes, start=1):
        (local_id,) = (row[0] for row in plain.rows("SELECT id FROM products WHERE shopify_id = ?", number))
        assert stripped(store.read(local_id).record) == expected(node)
    # As it is linked to a record that is here: rows, base and all are replaced from the same item.
    changed = [product(number, variants=2, title=f"{text}.") for number, text in enumerate(TEXTS, start=1)]
    store.save(
        Batch(
            update=[replace(store.local().lightened(incoming(node)), local_id=at) for at, node in enumerate(changed, 1)]
        )
    )
    assert [stripped(store.read(at).record) for at in range(1, len(changed) + 1)] == [
        expected(node) for node in changed
    ]

"""Decisions: queued all or none, checked by the column's form, taken back only where nothing is lost by it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shopify_sync.app import deciding
from shopify_sync.app.deciding import Selection, Undone
from shopify_sync.errors import UsageError
from shopify_sync.records import Batch, Disagreement
from shopify_sync.store import conflicts
from tests.store.goods import Plain, Store, product

PRICE = "variants[S10000].price"


def note(store: Store, local_id: int | None, path: str, *values: Any, key: str = "product-1") -> int:
    """One open conflict; its id."""
    base, local, remote = values or ("Old", "Ours", "Theirs")
    with store.local(run_id=store.start()).session() as session:
        found = Disagreement(local_id, 1, key, "data", path, base, local, remote)
        session.save(Batch(conflicts=[found]), store.clock.now())
    with store.database.read() as conn:
        return int(conn.exec_driver_sql("SELECT max(id) FROM conflict_log").scalar_one())


def resolve(store: Store, *ids: int, take: str = "local", **options: Any) -> list[dict[str, Any]]:
    value, seen = options.pop("value", None), options.pop("seen", None)
    selection = Selection(ids, **options)
    return deciding.resolve(
        store.database, store.shop_id, store.clock, selection, take=take, by="user:ann", value=value, seen=seen
    )


def undo(store: Store, number: int, take: str | None = None) -> Undone:
    return deciding.undo(store.database, store.shop_id, store.clock, number, by="user:bob", take=take)


def carry_out(store: Store, *ids: int) -> None:
    with store.database.transaction() as conn:
        conflicts.carried_out(conn, ids, store.clock.now(), "sent to Shopify")


def settled(store: Store, plain: Plain, path: str, values: tuple[Any, ...], take: str, edit: str, now: Any) -> int:
    """A conflict that was decided and carried out, and the field as the decision left it. The record is clean."""
    (local_id,) = store.create(product(1))
    number = note(store, local_id, path, *values)
    merged = {"value": str(now)} if take == "merged" else {}
    resolve(store, number, take=take, **merged)
    carry_out(store, number)
    plain.run(edit, now)
    plain.run("UPDATE products SET dirty = false, sync_rev = sync_rev + 1")
    return number


def test_many_are_decided_at_once(store: Store, plain: Plain) -> None:
    """By record, by entity, by field of any element; only open ones, and closed ones never."""
    a, b = store.create(product(1), product(2))
    note(store, a, "title")
    note(store, a, PRICE, "1", "2", "3")
    note(store, b, "variants[S20000].price", "1", "2", "3", key="product-2")
    note(store, b, "title", key="product-2")
    assert [row["id"] for row in resolve(store, every=True, field="variants.price")] == [2, 3]
    assert [row["id"] for row in resolve(store, every=True, record="product-1", take="shopify")] == [1]
    assert [row["id"] for row in resolve(store, every=True, entity="products")] == [4]
    assert resolve(store, every=True) == []
    assert [row["id"] for row in resolve(store, 1, 2, field="title")] == [1]  # one may change one's mind
    rows = plain.rows("SELECT status, decision, decided_by FROM conflict_log ORDER BY id")
    assert rows == [("decided", "local", "user:ann")] * 4


def test_unknown_and_closed_ids_are_told_at_once_and_nothing_is_queued(store: Store, plain: Plain) -> None:
    (local_id,) = store.create(product(1))
    first, second = note(store, local_id, "title"), note(store, local_id, "vendor")
    resolve(store, first)
    carry_out(store, first)
    with pytest.raises(UsageError) as caught:
        resolve(store, first, second, 77, 10**30)
    assert caught.value.details == {"unknown": [77, 10**30], "closed": [first]}
    assert "77" in caught.value.what
    assert "is closed" in caught.value.what
    assert plain.value("SELECT status FROM conflict_log WHERE id = ?", second) == "open"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"take": "theirs", "every": True}, "can't be taken"),
        ({}, "no conflict is named"),
        ({"every": True, "entity": "gadgets"}, "no entity 'gadgets'"),
        ({"every": True, "field": "titel"}, "'titel'"),
        ({"every": True, "take": "merged"}, "belong together"),
        ({"every": True, "value": "x"}, "belong together"),
    ],
)
def test_what_is_no_decision(store: Store, options: dict[str, Any], says: str) -> None:
    note(store, store.create(product(1))[0], "title")
    with pytest.raises(UsageError) as caught:
        resolve(store, **options)
    assert says in caught.value.what


@pytest.mark.parametrize(
    ("path", "text", "stored"),
    [
        ("title", "Both \n", "Both \n"),
        ("vendor", "", ""),
        ("title", "null", "null"),
        ("requires_selling_plan", "true", True),
        (PRICE, "12.50", "12.50"),
        (PRICE, '"1e3"', "1000"),
        ("variants[S10000].compare_at_price", "null", None),
        ("variants[S10000].position", " 3 ", 3),
        ("published_at", "2026-11-24T14:00:00+02:00", "2026-11-24T12:00:00Z"),
        ("tags", '["a", "ä"]', ["a", "ä"]),
        ("variants[a].b]].option_values", '{"Size": "S"}', {"Size": "S"}),
    ],
)
def test_a_merged_value_is_kept_as_its_column_has_it(store: Store, path: str, text: str, stored: Any) -> None:
    number = note(store, store.create(product(1))[0], path)
    (row,) = resolve(store, number, take="merged", value=text)
    assert row["merged"] == stored
    with store.database.read() as conn:
        (decision,) = conflicts.decided(conn, store.shop_id, "products", [row["local_id"]]).values()
    assert decision[path].merged == stored


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("title", "", "can't be empty"),
        ("requires_selling_plan", "yes", "true or false"),
        ("requires_selling_plan", "null", "can't be null"),
        (PRICE, "12,50", "decimal number"),
        (PRICE, "NaN", "decimal number"),
        (PRICE, "1e99999999", "decimal number"),
        ("variants[S10000].position", "1.5", "whole number"),
        ("variants[S10000].position", "99999999999", "as large"),
        ("published_at", "2026-11-24T14:00:00", "with its zone"),
        ("tags", "a, b", "JSON list of texts"),
        ("tags", '{"a": "b"}', "JSON list of texts"),
        ("tags", "[1]", "JSON list of texts"),
        ("variants[x].option_values", "[]", "JSON object of texts"),
        ("variants[x]", "{}", "no single field"),
        ("variants", "[]", "no single field"),
        ("media.order", "[]", "no single field"),
        ("", "{}", "no single field"),
        ("variants[x].gadget", "1", "no single field"),
    ],
)
def test_a_merged_value_that_does_not_fit_is_refused(store: Store, path: str, text: str, says: str) -> None:
    number = note(store, store.create(product(1))[0], path)
    with pytest.raises(UsageError) as caught:
        resolve(store, number, take="merged", value=text)
    assert says in caught.value.why


def test_a_row_that_moved_since_it_was_shown_is_not_decided(store: Store, plain: Plain) -> None:
    (local_id,) = store.create(product(1))
    number = note(store, local_id, "title")
    (seen,) = deciding.choose(store.database, store.shop_id, Selection((number,)))
    note(store, local_id, "title", "Old", "Ours", "Newer")
    with pytest.raises(UsageError) as caught:
        resolve(store, number, seen=seen)
    assert caught.value.code == "moved"
    assert plain.value("SELECT status FROM conflict_log") == "open"


def test_a_decision_that_waits_is_open_again(store: Store, plain: Plain) -> None:
    number = note(store, store.create(product(1))[0], "title")
    resolve(store, number, take="merged", value="Both")
    assert undo(store, number).effect == "reopened"
    assert plain.rows("SELECT status, decision, merged, decided_by FROM conflict_log") == [("open", None, None, None)]


@pytest.mark.parametrize(
    ("path", "values", "take", "edit", "now", "back"),
    [
        ("title", ("Old", "Ours", "Theirs"), "local", "UPDATE products SET title = ?", "Ours", "Theirs"),
        ("title", ("Old", "Ours", "Theirs"), "shopify", "UPDATE products SET title = ?", "Theirs", "Ours"),
        ("vendor", ("Old", None, "Theirs"), "shopify", "UPDATE products SET vendor = ?", "Theirs", None),
        ("tags", ([], ["a"], ["b", "c"]), "local", "UPDATE products SET tags = ?", '["a"]', ["b", "c"]),
        (PRICE, ("1", "2.00", "3.10"), "shopify", "UPDATE product_variants SET price = ?", "3.1", Decimal("2.00")),
    ],
)
def test_what_lost_comes_back_as_a_local_edit(
    store: Store, plain: Plain, path: str, values: tuple[Any, ...], take: str, edit: str, now: Any, back: Any
) -> None:
    """The record is dirty, so the next sync takes it over; and it is an entry of its own, which can be undone."""
    number = settled(store, plain, path, values, take, edit, now)
    done = undo(store, number)
    assert (done.effect, done.take) == ("edited", "shopify" if take == "local" else "local")
    (local_id,) = plain.dirty()

    def value() -> Any:
        record = store.read(local_id).record
        return record["variants"][0]["price"] if path == PRICE else record[path]

    assert value() == back
    entry = plain.rows("SELECT status, decided_by, closed_reason FROM conflict_log WHERE id = ?", number + 1)
    assert entry == [("closed", "user:bob", f"undo of conflict {number}")]
    with pytest.raises(UsageError, match="can't be undone"):
        undo(store, number)
    undo(store, number + 1)
    assert value() in (now, Decimal("3.1"), ["a"])


def test_of_a_merged_one_a_side_has_to_be_named(store: Store, plain: Plain) -> None:
    values = ("Old", "Ours", "Theirs")
    number = settled(store, plain, "title", values, "merged", "UPDATE products SET title = ?", "Both")
    with pytest.raises(UsageError) as caught:
        undo(store, number)
    assert "--take local|shopify" in caught.value.next
    undo(store, number, "shopify")
    assert plain.value("SELECT title FROM products") == "Theirs"


TITLE = ("title", ("Old", "Ours", "Theirs"), "local", "UPDATE products SET title = ?", "Ours")


def refusal(store: Store, number: int, take: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        undo(store, number, take)
    return caught.value.why or caught.value.what


def test_undo_refuses_where_something_would_be_lost(store: Store, plain: Plain) -> None:
    number = settled(store, plain, *TITLE)
    assert refusal(store, number, "local") == "local is what was decided"
    again = note(store, plain.value("SELECT id FROM products"), "title")
    assert refusal(store, number) == f"the same field is in dispute again, in conflict {again}"
    assert refusal(store, again) == "it is open, nobody has decided it"
    plain.run("DELETE FROM conflict_log WHERE id = ?", again)
    plain.run("UPDATE products SET title = 'Edited since'")
    assert refusal(store, number) == "title was changed after the decision"
    plain.run("DELETE FROM products")
    assert refusal(store, number) == "the record is gone from the database"
    assert refusal(store, 77) == "there is no conflict 77"
    assert plain.value("SELECT count(*) FROM conflict_log") == 1


def test_undo_refuses_an_element_that_is_gone(store: Store, plain: Plain) -> None:
    number = settled(store, plain, PRICE, ("1", "2", "3"), "local", "UPDATE product_variants SET price = ?", "2")
    plain.run("DELETE FROM product_variants")
    assert refusal(store, number) == "variants[S10000] is gone from the record"


@pytest.mark.parametrize("path", ["", "variants", "variants[S10000]", "media.order", "collections[1].title"])
def test_undo_refuses_what_is_no_single_field(store: Store, path: str) -> None:
    number = note(store, store.create(product(1))[0], path)
    resolve(store, number)
    carry_out(store, number)
    assert "only those can be put back" in refusal(store, number)


def test_undo_refuses_what_nobody_decided(store: Store) -> None:
    (local_id,) = store.create(product(1))
    number = note(store, local_id, "title")
    store.save(Batch(agreed=[local_id]))
    assert refusal(store, number) == "nobody decided it (both sides agree now)"


def test_undo_refuses_a_null_where_none_can_be(store: Store, plain: Plain) -> None:
    number = settled(store, plain, "title", (None, "Ours", None), "local", "UPDATE products SET title = ?", "Ours")
    assert "title can't be" in refusal(store, number)


def test_an_element_is_found_whatever_the_order_of_its_options(store: Store, plain: Plain) -> None:
    """Postgres sorts the keys of a document, so a label may name the options in another order."""
    (local_id,) = store.create(product(1))
    plain.run("UPDATE product_variants SET option_values = ?, price = '2'", '{"Size": "S", "Hue": "Red"}')
    number = note(store, local_id, "variants[Red / S].price", "1", "2", "3")
    resolve(store, number)
    carry_out(store, number)
    undo(store, number)
    assert Decimal(plain.value("SELECT price FROM product_variants")) == 3


def test_the_shop_is_the_only_one_or_named(store: Store, plain: Plain) -> None:
    assert deciding.shop_id_of(store.database, None) == store.shop_id
    assert deciding.shop_id_of(store.database, "demo.myshopify.com") == store.shop_id
    plain.run("INSERT INTO shops (domain) VALUES ('other.myshopify.com')")
    for domain in (None, "third.myshopify.com"):
        with pytest.raises(UsageError, match=r"shop|third") as caught:
            deciding.shop_id_of(store.database, domain)
        assert "other.myshopify.com" in caught.value.next
    number = note(store, store.create(product(1))[0], "title")
    other = deciding.shop_id_of(store.database, "other.myshopify.com")
    with pytest.raises(UsageError, match="no conflict"):
        deciding.choose(store.database, other, Selection((number,)))

"""Conflicts: written down once, brought up to date while open, closed when the sides agree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shopify_sync.records import Batch, Disagreement
from shopify_sync.store import conflicts
from tests.store.goods import Plain, Store, product


def disagreement(local_id: int | None, path: str = "title", **values: Any) -> Disagreement:
    sides = {"base": "Old", "local": "Ours", "remote": "Theirs"} | values
    return Disagreement(local_id, 1, "product-1", "data", path, **sides)


def note(store: Store, *found: Disagreement) -> None:
    run_id = store.start()
    with store.local(run_id=run_id).session() as session:
        session.save(Batch(conflicts=list(found)), store.clock.now())


def test_a_conflict_is_opened_once(store: Store, plain: Plain) -> None:
    """Each run that sees it again brings its values up to date."""
    (local_id,) = store.create(product(1))
    note(store, disagreement(local_id))
    opened = plain.value("SELECT created_at FROM conflict_log")
    store.clock.advance(3600)
    note(store, disagreement(local_id, remote="Newer"), disagreement(local_id, "vendor"))
    rows = plain.rows("SELECT field_path, status, run_id, created_at = ? FROM conflict_log ORDER BY id", opened)
    assert [(path, status, run, bool(same)) for path, status, run, same in rows] == [
        ("title", "open", 2, True),
        ("vendor", "open", 2, False),
    ]
    assert plain.value("SELECT count(*) FROM conflict_log WHERE CAST(remote AS text) = '\"Newer\"'") == 1


def test_a_conflict_without_a_row_here_is_opened_once(store: Store, plain: Plain) -> None:
    """Deleted here, changed there: there is no local id to tell it by."""
    note(store, disagreement(None, ""))
    note(store, disagreement(None, ""))
    assert plain.value("SELECT count(*) FROM conflict_log") == 1


def test_conflicts_close_when_both_sides_are_equal(store: Store, plain: Plain) -> None:
    a, b = store.create(product(1), product(2))
    note(store, disagreement(a), disagreement(a, "vendor"), disagreement(b))
    store.save(Batch(agreed=[a]))
    rows = plain.rows("SELECT local_id, status, decision, decided_by, closed_reason FROM conflict_log ORDER BY id")
    moot = ("closed", "moot", "sync", "both sides agree now")
    assert rows == [(a, *moot), (a, *moot), (b, "open", None, None, None)]


def test_one_that_returns_is_a_new_one(store: Store, plain: Plain) -> None:
    (local_id,) = store.create(product(1))
    note(store, disagreement(local_id))
    store.save(Batch(agreed=[local_id]))
    note(store, disagreement(local_id))
    assert plain.rows("SELECT status FROM conflict_log ORDER BY id") == [("closed",), ("open",)]


def test_fields_that_still_differ_stay_open(store: Store, plain: Plain) -> None:
    (local_id,) = store.create(product(1))
    note(store, disagreement(local_id), disagreement(local_id, "vendor"))
    with store.database.transaction() as conn:
        conflicts.close(
            conn, store.shop_id, "products", [local_id], reason="one is left", now=store.clock.now(), keep=["vendor"]
        )
    assert plain.rows("SELECT field_path, status FROM conflict_log ORDER BY id") == [
        ("title", "closed"),
        ("vendor", "open"),
    ]


def test_a_record_that_goes_takes_its_conflicts_along(store: Store, plain: Plain) -> None:
    (local_id,) = store.create(product(1))
    note(store, disagreement(local_id))
    store.save(Batch(gone=[local_id]))
    assert plain.rows("SELECT status FROM conflict_log") == [("closed",)]
    assert plain.value("SELECT count(*) FROM products WHERE deleted_at IS NOT NULL") == 1


def test_values_of_every_kind_can_be_noted(store: Store, plain: Plain) -> None:
    """Money, times and nested lists are JSON with nothing rounded."""
    (local_id,) = store.create(product(1))
    note(
        store,
        disagreement(local_id, base=Decimal("0.10"), local=store.clock.now(), remote={"sizes": [1, None, ("a", "b")]}),
    )
    rows = plain.rows("SELECT CAST(base AS text), CAST(local AS text), CAST(remote AS text) FROM conflict_log")
    base, local, remote = rows[0]
    assert (base, local) == ('"0.10"', '"2026-11-24T12:00:00Z"')
    assert remote.replace(" ", "") == '{"sizes":[1,null,["a","b"]]}'

"""Conflicts: written down once, brought up to date while open, decided, carried out, closed when the sides agree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shopify_sync.records import Batch, Decision, Disagreement
from shopify_sync.store import conflicts
from tests.store.goods import Plain, Store, product


def disagreement(local_id: int | None, path: str = "title", **values: Any) -> Disagreement:
    sides = {"base": "Old", "local": "Ours", "remote": "Theirs"} | values
    return Disagreement(local_id, 1, "product-1", "data", path, **sides)


def note(store: Store, *found: Disagreement) -> None:
    run_id = store.start()
    with store.local(run_id=run_id).session() as session:
        session.save(Batch(conflicts=list(found)), store.clock.now())


def decide(store: Store, number: int, take: str = "local", merged: Any = None) -> None:
    with store.database.transaction() as conn:
        conflicts.decide(conn, number, take=take, merged=merged, by="user:ann", now=store.clock.now())


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


def test_records_without_a_row_here_are_told_apart_by_their_shopify_ids(store: Store, plain: Plain) -> None:
    note(store, disagreement(None, ""))
    note(store, Disagreement(None, 2, "product-2", "version", "", None, None, None))
    assert plain.rows("SELECT shopify_id FROM conflict_log ORDER BY id") == [(1,), (2,)]


def test_a_decision_waits_until_it_is_carried_out(store: Store, plain: Plain) -> None:
    """The engine asks by local ids, gets the choice with the values that were seen, and closes it."""
    a, b = store.create(product(1), product(2))
    note(store, disagreement(a), disagreement(a, "tags", local=["x"]), disagreement(a, "vendor"), disagreement(b))
    decide(store, 1)
    decide(store, 2, "merged", ["x", "y"])
    with store.database.transaction() as conn:
        found = conflicts.decided(conn, store.shop_id, "products", [a, b])
        assert found == {
            a: {
                "title": Decision(1, "local", None, "Ours", "Theirs"),
                "tags": Decision(2, "merged", ["x", "y"], ["x"], "Theirs"),
            }
        }
        assert conflicts.decided(conn, store.shop_id, "products", []) == {}
        assert conflicts.decided(conn, store.shop_id + 1, "products", [a]) == {}
        conflicts.carried_out(conn, [1, 3], store.clock.now(), "sent to Shopify")
        assert list(conflicts.decided(conn, store.shop_id, "products", [a])[a]) == ["tags"]
    rows = plain.rows("SELECT status, decision, decided_by, closed_reason FROM conflict_log ORDER BY id")
    assert rows[0] == ("closed", "local", "user:ann", "sent to Shopify")
    assert rows[2] == ("open", None, None, None)  # nobody had decided it


def test_the_same_values_leave_a_decision_alone(store: Store, plain: Plain) -> None:
    """A run that sees the dispute again before it is carried out opens no second row and forgets no choice."""
    (local_id,) = store.create(product(1))
    found = disagreement(local_id, local=Decimal("0.10"), remote={"b": [1, None], "a": "x"})
    note(store, found)
    decide(store, 1, "shopify")
    note(store, found)
    assert plain.rows("SELECT status, decision, run_id FROM conflict_log") == [("decided", "shopify", 2)]


def test_a_side_that_moved_takes_the_decision_back(store: Store, plain: Plain) -> None:
    """Nobody chose between values that they have not seen."""
    (local_id,) = store.create(product(1))
    for side in ("local", "remote"):
        note(store, disagreement(local_id))
        decide(store, 1, "merged", "Both")
        note(store, disagreement(local_id, **{side: "Newer"}))
        rows = plain.rows("SELECT status, decision, merged, decided_by, decided_at FROM conflict_log")
        assert rows == [("open", None, None, None, None)]


def test_what_was_decided_before_the_sides_met_says_so(store: Store, plain: Plain) -> None:
    (local_id,) = store.create(product(1))
    note(store, disagreement(local_id), disagreement(local_id, "vendor"))
    decide(store, 1)
    store.save(Batch(agreed=[local_id]))
    rows = plain.rows("SELECT status, decision, decided_by FROM conflict_log ORDER BY id")
    assert rows == [("closed", "local", "user:ann"), ("closed", "moot", "sync")]


def test_a_policys_decision_is_closed_from_the_start(store: Store, plain: Plain) -> None:
    """It leaves a line in the audit trail and nothing to do; one that waited for a person closes with it."""
    (local_id,) = store.create(product(1))
    note(store, disagreement(local_id, "vendor"))
    with store.database.transaction() as conn:
        for path in ("title", "vendor", "title"):
            conflicts.record_decided(
                conn,
                shop_id=store.shop_id,
                entity="products",
                local_id=local_id,
                field_path=path,
                now=store.clock.now(),
                decision="shopify",
                decided_by="policy:newest",
                reason="the newer side won",
                type="data",
                record_key="product-1",
                shopify_id=1,
                base="Old",
                local="Ours",
                remote="Theirs",
                policy="newest",
            )
    rows = plain.rows("SELECT field_path, status, decision, decided_by, closed_reason FROM conflict_log ORDER BY id")
    done = ("closed", "shopify", "policy:newest", "the newer side won")
    assert rows == [("vendor", *done), ("title", *done), ("title", *done)]


def test_a_decision_can_be_taken_back_and_rows_are_found(store: Store) -> None:
    a, b = store.create(product(1), product(2))
    note(store, disagreement(a), disagreement(a, "vendor"), disagreement(b))
    decide(store, 1)
    with store.database.transaction() as conn:

        def ids(*args: Any, **filters: Any) -> list[int]:
            return [row["id"] for row in conflicts.find(conn, store.shop_id, *args, **filters)]

        assert ids([1, 3, 99]) == [1, 3]
        assert ids(statuses=["open"]) == [2, 3]
        assert ids(field_path="title", entity="products", record="product-1") == [1, 3]
        conflicts.reopen(conn, 1)
        assert ids(statuses=["open"]) == [1, 2, 3]
        assert conflicts.find(conn, store.shop_id, [1])[0]["decided_by"] is None

"""The rows that tell of runs, and of what they refused."""

from __future__ import annotations

import os
from typing import Any

from shopify_sync.records import ApiUse, Counts, RecordError, RunResult
from shopify_sync.store import runs
from tests.store.goods import Plain, Store


def status(plain: Plain, run_id: int) -> str:
    return str(plain.value("SELECT status FROM sync_status WHERE id = ?", run_id))


def end(store: Store, run_id: int, status: str = "succeeded", **result: Any) -> None:
    with store.database.transaction() as conn:
        runs.finish(conn, run_id, RunResult("products", "pull", status=status, **result), store.clock.now())


def interrupt(store: Store, direction: str = "pull") -> list[int]:
    with store.database.transaction() as conn:
        return runs.interrupt_others(conn, store.shop_id, "products", direction, store.clock.now())


def refuse(store: Store, run_id: int, *errors: RecordError) -> None:
    with store.database.transaction() as conn:
        runs.add_errors(conn, run_id, store.shop_id, "products", errors, store.clock.now())


def refused(store: Store, run_id: int | None = None) -> dict[str, list[int]]:
    with store.database.read() as conn:
        return {name: sorted(ids) for name, ids in runs.refused(conn, store.shop_id, run_id).items()}


def prune(store: Store) -> int:
    with store.database.transaction() as conn:
        return runs.prune(conn, store.shop_id, store.clock.now())


def test_a_run_is_a_row_from_its_start(store: Store, plain: Plain) -> None:
    run_id = store.start()
    assert plain.rows("SELECT status, direction, trigger, pid, seen, finished_at FROM sync_status") == [
        ("running", "pull", "test", os.getpid(), 0, None)
    ]
    store.clock.advance(60)
    with store.database.transaction() as conn:
        running = RunResult("products", "pull", counts=Counts(seen=7, created=7), api=ApiUse(requests=2, points=30))
        runs.progress(conn, run_id, running, store.clock.now())
    assert plain.rows("SELECT status, seen, created, requests, points FROM sync_status") == [("running", 7, 7, 2, 30)]
    beats = plain.rows("SELECT started_at = heartbeat_at FROM sync_status")
    assert not beats[0][0]


def test_a_run_that_ends_says_how(store: Store, plain: Plain) -> None:
    run_id = store.start()
    end(
        store,
        run_id,
        "partial",
        counts=Counts(9, 1, 2, 3, 1, 1, 1),
        api=ApiUse(5, 100, 1, 2, 1.5),
        error={"code": "x"},
        notes=["look"],
    )
    columns = "seen, created, updated, unchanged, deleted, conflicts, failed, requests, points, throttled, retries"
    assert plain.rows(f"SELECT {columns}, waited_s FROM sync_status") == [(9, 1, 2, 3, 1, 1, 1, 5, 100, 1, 2, 1.5)]
    assert status(plain, run_id) == "partial"
    assert plain.value("SELECT count(*) FROM sync_status WHERE finished_at IS NOT NULL AND error IS NOT NULL") == 1


def test_whoever_begins_marks_the_run_that_never_ended(store: Store, plain: Plain) -> None:
    """Of the same shop, entity and direction, and only those that still say that they run."""
    ended, lost, push = store.start(), store.start(), store.start("push")
    other = store.start("pull", "orders")
    end(store, ended)
    assert interrupt(store) == [lost]
    assert [status(plain, number) for number in (ended, lost, push, other)] == [
        "succeeded",
        "interrupted",
        "running",
        "running",
    ]
    assert plain.value("SELECT count(*) FROM sync_status WHERE id = ? AND finished_at IS NULL", lost) == 0
    assert interrupt(store) == []


def test_a_refusal_stands_until_the_record_is_accepted(store: Store) -> None:
    run_id = store.start("push")
    refuse(store, run_id, RecordError("too long", local_id=1), RecordError("no price", local_id=1))
    refuse(store, run_id, RecordError("blank", local_id=2), RecordError("no record of its own"))
    assert refused(store) == {"products": [1, 2]}
    with store.local(run_id=run_id).session() as session:
        session.accept(1)
    assert refused(store) == {"products": [2]}


def test_a_newer_refusal_replaces_the_older_reasons(store: Store, plain: Plain) -> None:
    first, second = store.start("push"), store.start("push")
    refuse(store, first, RecordError("old", local_id=1), RecordError("keep", local_id=2))
    refuse(store, second, RecordError("new", local_id=1, field_path="variants.0.price", code="INVALID"))
    assert plain.rows("SELECT message FROM sync_errors WHERE resolved_at IS NULL ORDER BY id") == [("keep",), ("new",)]
    assert (refused(store, first), refused(store, second)) == ({"products": [2]}, {"products": [1]})
    refuse(store, second)
    assert refused(store, second) == {"products": [1]}


def test_a_refused_edit_is_remembered_until_the_next_edit(store: Store, plain: Plain) -> None:
    plain.run("INSERT INTO products (shop_id, title) VALUES (?, 'Mine')", store.shop_id)
    local_id, run_id = plain.value("SELECT id FROM products"), store.start("push")
    with store.local(run_id=run_id).session() as session:
        session.refuse(run_id, local_id, 1, [RecordError("no", local_id=local_id)])
    found = store.read(local_id)
    assert (found.refused_rev, found.local_rev, found.dirty) == (1, 1, True)
    plain.run("UPDATE products SET title = 'Better'")
    assert store.read(local_id).local_rev == 2
    with store.local(run_id=run_id).session() as session:
        session.refuse(run_id, local_id, 1, [])  # a late answer to the older edit
    assert store.read(local_id).refused_rev == 1


def test_pruning_forgets_ended_runs_but_not_what_still_stands(store: Store, plain: Plain) -> None:
    gone, kept, solved = store.start(), store.start("push"), store.start("push")
    refuse(store, kept, RecordError("no", local_id=1))
    refuse(store, solved, RecordError("no", local_id=2))
    with store.local().session() as session:
        session.accept(2)
    for number in (gone, kept, solved):
        end(store, number)
    running = store.start()
    assert prune(store) == 0  # ended at this very moment, not before it
    store.clock.advance(1)
    young = store.start()
    end(store, young)
    assert prune(store) == 2
    assert [row[0] for row in plain.rows("SELECT id FROM sync_status ORDER BY id")] == [kept, running, young]
    assert plain.rows("SELECT run_id FROM sync_errors") == [(kept,)]


def test_pruning_leaves_other_shops_alone(store: Store, plain: Plain) -> None:
    run_id = store.start()
    end(store, run_id)
    store.clock.advance(1)
    with store.database.transaction() as conn:
        assert runs.prune(conn, store.shop_id + 1, store.clock.now()) == 0
    assert status(plain, run_id) == "succeeded"

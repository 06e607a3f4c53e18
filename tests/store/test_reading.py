"""What people ask of a database: the same JSON-like answers from both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from shopify_sync.errors import UsageError
from shopify_sync.records import ApiUse, Batch, Checkpoint, Counts, Disagreement, RecordError, RunResult
from shopify_sync.store import runs
from shopify_sync.store.breaker import DatabaseBreakerStore
from shopify_sync.store.reading import Reader, Row, open_reader
from tests.store.goods import Plain, Store, collection, product, variant

NOON = "2026-11-24T12:00:00Z"


@pytest.fixture
def reader(store: Store, database_url: str) -> Iterator[Reader]:
    with open_reader(database_url) as opened:
        yield opened


def end(store: Store, run_id: int, status: str = "succeeded", **result: Any) -> None:
    with store.database.transaction() as conn:
        runs.finish(conn, run_id, RunResult("products", "pull", status=status, **result), store.clock.now())


def save_checkpoint(store: Store, checkpoint: Checkpoint) -> None:
    with store.local().session() as session:
        session.checkpoint(checkpoint)


def titles(found: list[Row]) -> list[str]:
    return [row["title"] for row in found]


def test_the_status_of_a_new_shop(reader: Reader) -> None:
    found = reader.status()
    shop = found["shops"][0]
    assert shop["domain"] == "demo.myshopify.com"
    assert shop["entities"] == {}
    nothing = {"changed": 0, "deleted": 0, "refused": 0, "conflicts": 0, "decided": 0, "oldest_change_at": None}
    assert (shop["waiting"], shop["refused"]) == (nothing, [])
    assert (shop["records"], shop["breaker"]) == ({"products": 0}, {"state": "closed", "failures": 0})
    assert reader.status("other.myshopify.com")["shops"] == []


def test_the_status_tells_what_waits(store: Store, plain: Plain, reader: Reader) -> None:
    a, b, c, d = store.create(*(product(number) for number in range(1, 5)))
    plain.run("UPDATE products SET title = 'x' WHERE id IN (?, ?)", a, b)
    plain.run("DELETE FROM products WHERE id = ?", c)
    run_id = store.start("push")
    with store.local(run_id=run_id).session() as session:
        session.save(Batch(gone=[d], conflicts=[Disagreement(a, 1, "k", "data", "title", 1, 2, 3)]), store.clock.now())
        session.refuse(run_id, b, 1, [RecordError("no", local_id=b)])
    DatabaseBreakerStore(store.database, "demo.myshopify.com").trip(store.clock.now(), "down")
    shop = reader.status()["shops"][0]
    oldest = plain.value("SELECT min(edited_at) FROM products WHERE dirty")
    assert shop["waiting"].pop("oldest_change_at")[:16] == str(oldest).replace(" ", "T")[:16]
    assert shop["waiting"] == {"changed": 2, "deleted": 1, "refused": 1, "conflicts": 1, "decided": 0}
    assert [(error["message"], error["since"]) for error in shop["refused"]] == [("no", NOON)]
    assert shop["records"] == {"products": 2}  # neither the one deleted here nor the one gone from Shopify
    assert (shop["breaker"]["state"], shop["breaker"]["opened_at"]) == ("open", NOON)


def test_the_status_has_the_last_run_of_each_direction(store: Store, reader: Reader) -> None:
    end(store, store.start())
    last = store.start()
    end(store, last, "failed", error={"code": "unreachable"})
    push = store.start("push")
    found = reader.status()["shops"][0]["entities"]["products"]
    assert (found["pull"]["run_id"], found["pull"]["status"]) == (last, "failed")
    assert found["pull"]["error"] == {"code": "unreachable"}
    assert (found["push"]["run_id"], found["push"]["status"], found["push"]["finished_at"]) == (push, "running", None)


def test_the_lag_is_the_age_of_the_watermark(store: Store, reader: Reader) -> None:
    now = store.clock.now()
    save_checkpoint(store, Checkpoint(watermark=now - timedelta(seconds=90, microseconds=5)))
    found = reader.status(now=now)["shops"][0]["entities"]["products"]
    assert (found["lag_s"], found["unfinished"], found["watermark"]) == (91, False, "2026-11-24T11:58:29Z")
    save_checkpoint(store, Checkpoint(None, "cursor", "query", now))
    found = reader.status(now=now)["shops"][0]["entities"]["products"]
    assert (found["unfinished"], found["watermark"], "lag_s" in found) == (True, None, False)


def test_a_run_in_the_contracts_form(store: Store, reader: Reader) -> None:
    run_id = store.start()
    store.clock.advance(61.5)
    end(
        store,
        run_id,
        "partial",
        counts=Counts(9, 1, 2, 3, 1, 1, 1),
        api=ApiUse(5, 100, 1, 2, 1.5),
        notes=["one", "two"],
    )
    refusal = RecordError("too long", "TOO_LONG", "title", "validation", "shorten it", "mug", 7, 3)
    with store.database.transaction() as conn:
        runs.add_errors(conn, run_id, store.shop_id, "products", [refusal], store.clock.now())
    found = reader.run(run_id)
    assert found == {
        "run_id": run_id,
        "entity": "products",
        "direction": "pull",
        "status": "partial",
        "counts": Counts(9, 1, 2, 3, 1, 1, 1).as_json(),
        "api": ApiUse(5, 100, 1, 2).as_json(),
        "started_at": NOON,
        "finished_at": "2026-11-24T12:01:01Z",
        "errors": [refusal.as_json() | {"resolved_at": None}],
        "error": None,
        "notes": ["one", "two"],
        "trigger": "test",
        "waited_s": 1.5,
    }
    assert orjson.loads(orjson.dumps(found)) == found
    assert reader.run(run_id + 1) is None


def test_history_is_newest_first_and_filtered(store: Store, reader: Reader) -> None:
    first, second, third = store.start(), store.start("pull", "orders"), store.start()
    end(store, third)

    def ids(**filters: Any) -> list[int]:
        return [run["run_id"] for run in reader.history(**filters)]

    assert ids() == [third, second, first]
    assert ids(limit=2) == [third, second]
    assert ids(entity="products") == [third, first]
    assert ids(entity="products", status="running") == [first]
    assert ids(domain="demo.myshopify.com") == [third, second, first]
    assert ids(domain="other.myshopify.com") == []


@pytest.mark.parametrize("fraction", [0, 0.5])
def test_history_since_a_moment(store: Store, reader: Reader, fraction: float) -> None:
    """To the second and below, in any zone."""
    store.clock.advance(fraction)
    run_id = store.start()

    def found(moment: datetime) -> list[int]:
        return [run["run_id"] for run in reader.history(since=moment)]

    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert found(noon) == [run_id]
    assert found(noon - timedelta(hours=1)) == [run_id]
    assert found(noon + timedelta(seconds=1)) == []
    assert found(datetime.fromisoformat("2026-11-24T14:00:00+02:00")) == [run_id]
    assert found(datetime.fromisoformat("2026-11-24T14:00:01+02:00")) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("10.00"), "10.00"),
        ("123", "123"),
        ("true", "true"),
        ('{"a": 1}', '{"a": 1}'),
        (12, 12),
        (None, None),
        (False, False),
        ({"a": [1, "2"]}, {"a": [1, "2"]}),
    ],
)
def test_a_conflicts_values_are_as_they_were(store: Store, reader: Reader, value: Any, shown: Any) -> None:
    """A price is text, and text that looks like a number stays text."""
    (local_id,) = store.create(product(1))
    with store.local(run_id=store.start()).session() as session:
        found = Disagreement(local_id, 1, "product-1", "data", "variants.0.price", value, value, value)
        session.save(Batch(conflicts=[found]), store.clock.now())
    row = reader.conflicts()[0]
    assert [row["base"], row["local"], row["remote"]] == [shown] * 3
    assert (row["field_path"], row["status"], row["created_at"]) == ("variants.0.price", "open", NOON)
    assert reader.conflict(row["id"]) == row
    assert reader.conflict(row["id"] + 1) is None


def test_conflicts_by_status_and_entity(store: Store, reader: Reader) -> None:
    a, b = store.create(product(1), product(2))
    found = [Disagreement(number, 1, "k", "data", "title", 1, 2, 3) for number in (a, b)]
    with store.local(run_id=store.start()).session() as session:
        session.save(Batch(conflicts=found), store.clock.now())
        session.save(Batch(agreed=[a]), store.clock.now())
    assert [row["local_id"] for row in reader.conflicts()] == [b]
    assert [row["local_id"] for row in reader.conflicts("closed")] == [a]
    assert [row["local_id"] for row in reader.conflicts(None)] == [a, b]
    assert reader.conflicts(entity="orders") == []


def test_breakers_by_shop(store: Store, reader: Reader) -> None:
    for name in ("b", "a"):
        DatabaseBreakerStore(store.database, name).record_failure(store.clock.now(), 5, "down")
    assert [row["name"] for row in reader.breaker()] == ["a", "b"]
    assert [(row["failures"], row["reason"]) for row in reader.breaker("b")] == [(1, "down")]
    assert reader.breaker("c") == []


def test_the_list_of_products(store: Store, plain: Plain, reader: Reader) -> None:
    a, b, c = store.create(product(1, variants=3), product(2), product(3))
    plain.run("UPDATE products SET title = 'x' WHERE id = ?", a)
    store.save(Batch(gone=[c]))
    found = reader.products()
    assert [(row["id"], row["variants"], row["dirty"]) for row in found] == [(b, 1, False), (a, 3, True)]
    assert found[0]["updated_at"] == "2026-11-24T11:00:00Z"
    assert [row["id"] for row in reader.products(dirty=True)] == [a]
    assert [row["id"] for row in reader.products(limit=1)] == [b]


@pytest.mark.parametrize(
    ("search", "hits"),
    [
        ("mug", ["Blue MUG", "Mug 100%"]),
        ("ÄPFEL", ["Äpfel"]),
        ("äpfel", ["Äpfel"]),
        ("100%", ["Mug 100%"]),
        ("_", ["under_score"]),
        ("!", []),
        ("'", []),
        ("p-3", ["Äpfel"]),  # its handle
        ("", ["Mug 100%", "Blue MUG", "Äpfel", "under_score"]),
    ],
)
def test_search_finds_what_is_written(store: Store, reader: Reader, search: str, hits: list[str]) -> None:
    """In upper or lower case of any script; nothing in it is a wildcard."""
    named = enumerate(("Mug 100%", "Blue MUG", "Äpfel", "under_score"), start=1)
    store.create(*(product(number, title=title, handle=f"p-{number}") for number, title in named))
    assert sorted(titles(reader.products(search=search))) == sorted(hits)


def test_one_product_with_everything_below_it(store: Store, reader: Reader) -> None:
    node = product(7, variants=2, tags=["x"], collections=[collection(2, title="B"), collection(1, title="A")])
    node["variants"] = [variant(2, position=2, price="0.10"), variant(1, price="1234567890.123456")]
    (local_id,) = store.create(node)
    found = reader.product("product-7")
    assert found is not None
    assert (found["id"], found["tags"], found["dirty"], "payload" in found) == (local_id, ["x"], False, False)
    assert [item["price"] for item in found["variants"]] == ["1234567890.123456", "0.10"]
    assert [item["weight"] for item in found["variants"]] == ["0.25", "0.25"]
    assert found["variants"][0]["option_values"] == {"Size": "S1"}
    assert (found["variants"][0]["taxable"], found["options"][0]["values"]) == (True, ["S0"])
    assert titles(found["collections"]) == ["A", "B"]
    assert [(item["key"], item["value"]) for item in found["metafields"]] == [("care_7", "Wash cold")]
    assert [item["alt"] for item in found["media"]] == ["Front"]
    assert orjson.loads(orjson.dumps(found)) == found


def test_a_product_by_handle_or_id(store: Store, reader: Reader) -> None:
    """A handle comes first, and one that is here before one that is gone."""
    a, b = store.create(product(900), product(901, handle="900"))
    gone, again = store.create(product(902, handle="mug"), product(903, handle="mug"))
    store.save(Batch(gone=[gone]))
    expected: list[tuple[str, int | None]] = [("product-900", a), ("900", b), ("901", b), (str(a), a)]
    expected += [("mug", again), ("902", gone), ("nothing", None), ("9" * 40, None), ("１", None), ("", None)]
    for asked, local_id in expected:
        found = reader.product(asked)
        assert (found and found["id"]) == local_id, asked


def test_a_reader_writes_nothing(store: Store, plain: Plain, reader: Reader) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        reader._rows("DELETE FROM shops RETURNING id")
    assert plain.value("SELECT count(*) FROM shops") == 1


def test_an_unknown_kind_of_database_is_a_usage_error() -> None:
    with pytest.raises(UsageError), open_reader("mysql://root@localhost/shop"):
        pass

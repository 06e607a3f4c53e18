"""Pull by bulk operations: the same rows as by pages, whatever becomes of the operation or its file."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.engine import exporting
from shopify_sync.errors import UsageError
from shopify_sync.sandbox import SandboxServer
from shopify_sync.sandbox.desk import LIVE
from shopify_sync.sandbox.resources import reads
from shopify_sync.shopify.bulk import Bulk
from shopify_sync.shopify.exports import ShopifyExports
from tests.warm import Warm
from tests.world import World

IDS = "{ products { edges { node { id } } } }"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(products=300, seed=9, clock=ManualClock()) as running:
        yield running


@pytest.fixture
def world(server: SandboxServer, database_url: str) -> World:
    return World(server, database_url, clock=server.clock)


def _as_by_pages(world: World) -> bool:
    """Whether the database holds what pages store of the shop: rows, bases and their hashes."""
    world.server.faults.replace(())
    with tempfile.TemporaryDirectory() as folder:
        other = World(world.server, f"sqlite:///{folder}/pages.db", clock=world.clock)
        assert other.pull(method="paged").status == "succeeded"
        return world.dump() == other.dump() and _bases(world) == _bases(other)


def _bases(world: World) -> list[tuple[Any, ...]]:
    rows = world.rows("SELECT shopify_id, payload_hash, payload FROM products ORDER BY shopify_id")
    return [(number, digest, _text(payload)) for number, digest, payload in rows]


def _operations(world: World) -> list[str]:
    return [each.status for each in world.server.shop.desk.operations.values()]


def test_both_methods_store_the_same(world: World) -> None:
    """Rows, bases and their hashes: nothing tells afterwards by which method a record came."""
    result = world.pull(method="bulk")
    assert (result.status, result.counts.created, result.notes) == ("succeeded", 300, [])
    assert result.api.requests < 10
    assert _as_by_pages(world)
    again = world.pull(method="paged", full=True)
    assert (again.counts.unchanged, again.counts.updated) == (300, 0)


def _text(payload: Any) -> str:
    """Postgres keeps the keys of a document in another order."""
    found = orjson.loads(payload) if isinstance(payload, str) else payload
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()


def test_only_what_changed_is_asked_for(world: World) -> None:
    """An incremental one asks by time, merges what was edited here, and moves the watermark."""
    world.pull(method="bulk")
    world.sql("UPDATE products SET vendor = 'Here' WHERE id = 2")
    handles = [row[0] for row in world.rows("SELECT handle FROM products WHERE id IN (2, 3, 4) ORDER BY id")]
    before = world.value("SELECT watermark FROM checkpoints")
    for handle in handles:
        world.server.edit(product=handle, set={"title": "There"})
    result = world.pull(method="bulk")
    assert (result.counts.seen < 300, result.status) == (True, "succeeded")
    rows = world.rows("SELECT title, vendor = 'Here' FROM products WHERE id IN (2, 3, 4) ORDER BY id")
    assert [row[0] for row in rows] == ["There"] * 3
    assert bool(rows[0][1])
    assert world.value("SELECT watermark FROM checkpoints") >= before
    assert "updated_at" in list(world.server.shop.desk.operations.values())[-1].query


@pytest.mark.parametrize("fault", ["cut:0.3@download=2x", "url_expired=1x", "reset_after@download=1x", "bad_line=1x"])
def test_a_file_that_comes_badly_comes_again(world: World, fault: str) -> None:
    world.server.fault(fault)
    result = world.pull(method="bulk")
    assert (result.status, result.counts.created) == ("succeeded", 300)
    assert not [note for note in result.notes if "pages" in note]
    assert _as_by_pages(world)
    assert _operations(world) == ["COMPLETED"]


@pytest.mark.parametrize("fault", ["bulk_failed", "bulk_partial:0.7", "bulk_timeout:0.2", "bulk_canceled", "bad_line"])
def test_what_can_not_be_had_in_bulk_is_had_by_pages(world: World, fault: str) -> None:
    """And the run says so. Nothing of a partial file is taken for whole."""
    world.server.fault(f"{fault}=1")
    result = world.pull(method="bulk")
    assert (result.status, result.counts.created + result.counts.unchanged >= 300) == ("succeeded", True)
    assert any("went on by pages" in note for note in result.notes), result.notes
    assert _as_by_pages(world)
    assert world.value("SELECT cursor FROM checkpoints") is None
    assert not set(_operations(world)) & set(LIVE)


def test_a_lost_answer_starts_no_second_operation(world: World) -> None:
    world.server.fault("reset_after@BulkQuery=1x")
    assert world.pull(method="bulk").status == "succeeded"
    assert _operations(world) == ["COMPLETED"]
    assert _as_by_pages(world)


def test_slots_that_others_hold_are_left_to_them(world: World) -> None:
    world.server.shop.desk.bulk_s = 10_000
    with world.app() as app:
        others = Bulk(app.client, app.clock)
        for at in range(5):
            others.start_query(f"query Other_{at} {IDS}", grouped=False, token=f"Other_{at}")
    result = world.pull(method="bulk")
    assert result.status == "succeeded"
    assert any("allows at once" in note for note in result.notes), result.notes
    assert _as_by_pages(world)


def test_what_was_pushed_meanwhile_is_not_undone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file was made before our own write; the record that we read after it is newer."""
    world.pull(method="bulk")
    world.sql("UPDATE products SET title = 'Pushed' WHERE id = 5")
    read = ShopifyExports.read

    def late(self: ShopifyExports, *given: Any) -> Any:
        monkeypatch.setattr(ShopifyExports, "read", read)
        assert world.push().counts.updated == 1
        yield from read(self, *given)

    monkeypatch.setattr(ShopifyExports, "read", late)
    result = world.pull(method="bulk", full=True)
    assert result.status == "succeeded"
    assert world.value("SELECT title FROM products WHERE id = 5") == "Pushed"
    number = world.value("SELECT shopify_id FROM products WHERE id = 5")
    assert world.server.shop.table("Product")[number]["title"] == "Pushed"


def test_a_dry_run_starts_nothing(world: World) -> None:
    world.pull(method="bulk")
    count = len(_operations(world))
    world.pull(method="bulk", full=True, dry_run=True)
    assert len(_operations(world)) == count


def test_a_limit_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="knows no limit"):
        world.pull(method="bulk", limit=5)


@pytest.mark.parametrize("method", ["auto", "paged"])
def test_an_unfinished_one_is_taken_up_or_given_up(world: World, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ended between start and file: `auto` goes on with its operation, `paged` ends it."""
    world.server.shop.desk.bulk_s = 10_000

    def stopped(*_: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(ShopifyExports, "wait", stopped)
    with pytest.raises(SystemExit):
        world.pull(method="bulk")
    monkeypatch.undo()
    assert world.value("SELECT cursor FROM checkpoints").startswith("bulk:")
    for operation in world.server.shop.desk.operations.values():
        operation.duration_s = 0
    result = world.pull(method=method)
    assert (result.status, _as_by_pages(world)) == ("succeeded", True)
    assert len(_operations(world)) == 1
    assert not set(_operations(world)) & set(LIVE)


def test_ctrl_c_ends_the_operation(tmp_path: Path, warm: Warm) -> None:
    """No operation is left running for nobody, and the next run begins anew."""
    with SandboxServer(products=300, seed=9) as server:
        _interrupt(World(server, f"sqlite:///{tmp_path}/shop.db"), warm)


def _interrupt(world: World, warm: Warm) -> None:
    server = world.server
    server.shop.desk.bulk_s = 10_000
    environment = world.environment | {"NO_COLOR": "1", "XDG_CONFIG_HOME": "/nowhere"}
    running = warm.start(["-q", "products", "pull", "--method", "bulk"], Path("/"), environment)
    while not server.stats()["by_operation"].get("BulkState"):
        assert not running.wait(0.01), running.err
    running.send_signal(signal.SIGINT)
    assert running.finish() == 130
    assert _operations(world)[0] in ("CANCELING", "CANCELED")
    server.shop.desk.bulk_s = 0
    assert world.pull(method="bulk").counts.created == 300


def test_auto_asks_the_bucket(tmp_path: Path) -> None:
    """Where points flow slowly, an operation is sooner done; where they abound, pages are."""
    for restore, wanted in ((1, 1), (10_000, 0)):
        clock = ManualClock()
        bucket = 80 if restore == 1 else 9_000
        with SandboxServer(products=300, seed=9, bucket=bucket, restore=restore, clock=clock) as server:
            world = World(server, f"sqlite:///{tmp_path}/{restore}.db", clock=clock)
            assert world.pull().counts.created == 300
            assert len(_operations(world)) == wanted
            assert _as_by_pages(world)


def test_auto_gives_up_an_operation_that_is_slower_than_pages(tmp_path: Path) -> None:
    """It tells how far it is; what it would have taken is remembered, so the next one is not even started."""
    clock = ManualClock()
    with SandboxServer(products=300, seed=9, bucket=80, restore=1, bulk_s=900, clock=clock) as server:
        world = World(server, f"sqlite:///{tmp_path}/shop.db", clock=clock)
        result = world.pull()
        assert (result.status, result.counts.created) == ("succeeded", 300)
        assert any("would have taken about" in note for note in result.notes), result.notes
        assert not set(_operations(world)) & {"CREATED", "RUNNING"}
        assert world.pull(full=True).counts.unchanged == 300
        assert len(_operations(world)) == 1
        assert _as_by_pages(world)


def test_an_old_operation_is_followed_by_what_changed_since(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by random histories: a run that takes up an operation of before says `succeeded` only with the news."""
    monkeypatch.setattr(ShopifyExports, "wait", _stop)
    with pytest.raises(SystemExit):
        world.pull(method="bulk")
    monkeypatch.undo()
    world.server.shop.desk.join()
    handle = next(iter(world.server.shop.table("Product").values()))["handle"]
    world.server.edit(product=handle, set={"title": "News"})
    assert world.pull(method="bulk").status == "succeeded"
    assert world.value("SELECT title FROM products WHERE handle = ?", handle) == "News"


def _stop(*_: Any) -> Any:
    raise SystemExit


def test_a_second_that_tells_nothing(world: World) -> None:
    """Found by random histories: changed twice within a second, read in between, the file's state is the newer one."""
    world.pull()
    handle = world.value("SELECT handle FROM products WHERE id = 4")
    world.server.edit(product=handle, set={"title": "First"})
    world.pull()
    world.server.edit(product=handle, set={"title": "Second"})
    assert world.pull(method="bulk").counts.updated == 1
    assert world.value("SELECT title FROM products WHERE id = 4") == "Second"


def test_a_shop_too_big_to_be_counted_is_not_listed_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One operation has told everything; the pages of a listing would cost more points than all the rest."""
    monkeypatch.setattr(reads, "_EXACT", 100)
    result = world.pull(method="bulk")
    assert (result.status, result.counts.created) == ("succeeded", 300)
    assert "EnumerateProducts" not in _asked(world)
    assert _as_by_pages(world)
    # When it is time, it is listed, and what went meanwhile is found.
    world.server.edit(product=world.value("SELECT handle FROM products WHERE id = 7"), delete=True)
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(86_500)
    assert world.pull().counts.deleted == 1
    assert "EnumerateProducts" in _asked(world)


def test_what_went_since_an_earlier_try_is_found_in_a_shop_too_big_to_be_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "_EXACT", 100)
    assert world.pull(method="paged", limit=50).counts.created == 50
    world.server.edit(product=world.value("SELECT handle FROM products WHERE id = 7"), delete=True)
    result = world.pull(method="bulk")
    assert (result.counts.created, result.counts.unchanged, result.counts.deleted) == (250, 49, 1)
    assert world.value("SELECT deleted_at FROM products WHERE id = 7") is not None


def _asked(world: World) -> set[str]:
    """The names of all operations that the shop was asked to carry out."""
    return set(world.server.stats()["by_operation"])


@pytest.mark.parametrize(("part", "read"), [(7, 3), (100, 100), (1000, 25)])
def test_into_an_empty_database_however_it_is_cut(
    world: World, part: int, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many wait for a transaction changes nothing of what it stores, and undo finds each of them."""
    monkeypatch.setattr(exporting, "PART", part)
    monkeypatch.setattr(exporting, "READ", read)
    result = world.pull(method="bulk")
    assert (result.counts.seen, result.counts.created) == (300, 300)
    assert _as_by_pages(world)
    told = [_document(after) for (after,) in world.rows("SELECT after FROM run_changes ORDER BY id")]
    assert len(told) == -(-300 // (-(-part // read) * read))
    stored = world.rows("SELECT id, shopify_id, handle, payload_hash FROM products ORDER BY id")
    assert [tuple(row) for each in told for row in each["created"]] == stored


def test_what_waits_here_for_its_twin_is_linked(world: World) -> None:
    """A record that was made here before the first pull, and the same on Shopify."""
    number, record = next(iter(world.server.shop.table("Product").items()))
    world.pull(method="paged", limit=1)  # makes the shop's row
    world.sql("DELETE FROM products")
    world.sql("DELETE FROM tombstones")
    world.sql(
        "INSERT INTO products (shop_id, handle, title, vendor) VALUES (1, ?, ?, 'Here')",
        record["handle"],
        record["title"],
    )
    result = world.pull(method="bulk")
    assert (result.counts.seen, result.counts.created) == (300, 299)
    assert world.rows("SELECT shopify_id, vendor FROM products WHERE handle = ?", record["handle"]) == [
        (number, "Here")
    ]
    assert any("1 products of both sides matched" in note for note in result.notes), result.notes


def _document(stored: Any) -> Any:
    return orjson.loads(stored) if isinstance(stored, str) else stored

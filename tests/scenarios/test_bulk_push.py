"""Push by bulk operations: both sides end as single requests would leave them, whatever becomes of an operation."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shopify_sync.clock import Clock, ManualClock, SystemClock
from shopify_sync.sandbox import SandboxServer
from shopify_sync.sandbox.desk import LIVE
from tests.warm import Warm
from tests.world import World


@contextmanager
def _world(url: str, clock: Clock) -> Iterator[World]:
    with SandboxServer(products=90, seed=9, bucket=100_000, restore=10_000, clock=clock) as server:
        found = World(server, url, clock=clock)
        found.pull()
        yield found


@pytest.fixture
def both(database_url: str) -> Iterator[World]:
    """On each kind of database."""
    with _world(database_url, ManualClock()) as found:
        yield found


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    with _world(sqlite_url, ManualClock()) as found:
        yield found


@pytest.fixture
def live(sqlite_url: str) -> Iterator[World]:
    """For commands in processes of their own, whose clock is the machine's."""
    with _world(sqlite_url, SystemClock()) as found:
        yield found


def _edit(world: World) -> None:
    """Of each kind of mutation enough for an operation, and a few of one that is not worth it."""
    world.sql("UPDATE products SET title = title || ' *' WHERE id <= 40")
    world.sql("UPDATE product_variants SET price = '7.77' WHERE product_id BETWEEN 30 AND 70")
    world.sql("UPDATE products SET published_at = NULL WHERE id BETWEEN 80 AND 85")
    for number in range(30):
        world.new_product(f"Made here {number}", price=f"{number}.50", published_at="2026-01-01T00:00:00Z")


def _operations(world: World) -> list[tuple[str, int]]:
    return [(each.status, each.objects) for each in world.server.shop.desk.operations.values()]


def _agreed(world: World, folder: Path) -> bool:
    """Nothing waits, and a fresh pull of the shop is what the database holds."""
    world.server.faults.replace(())
    fresh = World(world.server, f"sqlite:///{folder}/fresh.db")
    fresh.pull(method="paged")
    assert world.value("SELECT count(*) FROM products WHERE dirty") == 0
    assert not [status for status, _ in _operations(world) if status in LIVE]
    assert world.value("SELECT value FROM shopify_config WHERE key = 'products.import'") in ({}, "{}")
    return fresh.dump() == world.dump()


def test_all_kinds_of_changes(both: World, tmp_path: Path) -> None:
    """Operations in order: what builds on an earlier one of the same record goes in a later file."""
    _edit(both)
    result = both.push(method="bulk", allow_changes=True)
    assert (result.status, result.counts.created, result.notes) == ("succeeded", 30, [])
    assert result.counts.updated == 76
    assert all(status == "COMPLETED" for status, _ in _operations(both))
    assert sum(lines for _, lines in _operations(both)) >= 40 + 41 + 30
    assert _agreed(both, tmp_path)
    assert both.push(method="bulk").counts.seen == 0


def test_a_refused_line_stops_its_record_only(both: World, tmp_path: Path) -> None:
    both.sql("UPDATE products SET title = title || ' *' WHERE id <= 40")
    both.sql("UPDATE products SET title = '' WHERE id = 7")
    result = both.push(method="bulk")
    assert (result.status, result.counts.updated, result.counts.failed) == ("partial", 39, 1)
    ((key, message),) = both.rows("SELECT record_key, message FROM sync_errors WHERE resolved_at IS NULL")
    assert key == both.value("SELECT handle FROM products WHERE id = 7")
    assert "blank" in message
    assert [row[0] for row in both.rows("SELECT id FROM products WHERE dirty")] == [7]
    both.sql("UPDATE products SET title = 'Mended' WHERE id = 7")
    assert both.push().status == "succeeded"
    assert _agreed(both, tmp_path)


@pytest.mark.parametrize(
    "fault",
    [
        "bulk_failed:0.5@bulk_mutation",
        "bulk_partial:0.5@bulk_mutation",
        "bulk_timeout:0@bulk_mutation",
        "bulk_canceled:0.3@bulk_mutation",
        "cut:0.5@download",
        "url_expired@download",
        "bad_line@download",
        "reset_after@BulkMutation",
        "503@upload",
        "reset_after@upload",
    ],
)
def test_faults(world: World, tmp_path: Path, fault: str) -> None:
    """Nothing is lost and nothing doubled."""
    _edit(world)
    world.server.fault(f"{fault}=1x")
    result = world.push(method="bulk", allow_changes=True)
    assert (result.status, result.counts.created, result.counts.failed) == ("succeeded", 30, 0)
    assert len(world.server.shop.table("Product")) == 120
    assert _agreed(world, tmp_path)


def test_faults_of_all_kinds_together(both: World, tmp_path: Path) -> None:
    _edit(both)
    for fault in ("bulk_partial:0.6@bulk_mutation=2x", "cut:0.4@download=2x", "url_expired=1x", "503=0.05"):
        both.server.fault(fault)
    both.push(method="bulk", allow_changes=True)
    both.server.faults.replace(())
    assert both.push(method="bulk", allow_changes=True).status == "succeeded"
    assert len(both.server.shop.table("Product")) == 120
    assert _agreed(both, tmp_path)


def test_a_run_that_is_killed_while_its_operation_runs(tmp_path: Path, warm: Warm, live: World) -> None:
    """The next one waits for it, tells its refusals, and sends no line a second time."""
    live.sql("UPDATE products SET title = title || ' *' WHERE id <= 40")
    live.sql("UPDATE products SET title = '' WHERE id = 7")
    live.server.shop.desk.bulk_s = 10_000
    environment = live.environment | {"NO_COLOR": "1", "XDG_CONFIG_HOME": "/nowhere", "XDG_STATE_HOME": str(tmp_path)}
    running = warm.start(["-q", "products", "push", "--method", "bulk"], Path("/"), environment)
    while not live.server.stats()["by_operation"].get("BulkState"):
        assert not running.wait(0.01), running.err
    running.send_signal(signal.SIGKILL)
    running.finish()
    for operation in live.server.shop.desk.operations.values():
        operation.duration_s = 0
    live.server.reset_stats()
    result = live.push(method="bulk")
    assert (result.status, result.counts.failed) == ("partial", 1)
    assert any("unfinished push" in note for note in result.notes)
    assert _operations(live) == [("COMPLETED", 40)]
    assert not live.server.stats()["by_operation"].get("SetProduct")
    assert [row[0] for row in live.rows("SELECT id FROM products WHERE dirty")] == [7]


def test_ctrl_c_ends_the_operation(tmp_path: Path, warm: Warm, live: World) -> None:
    _edit(live)
    live.server.shop.desk.bulk_s = 10_000
    environment = live.environment | {"NO_COLOR": "1", "XDG_CONFIG_HOME": "/nowhere", "XDG_STATE_HOME": str(tmp_path)}
    arguments = ["-q", "products", "push", "--method", "bulk", "--allow-mass-change"]
    running = warm.start(arguments, Path("/"), environment)
    while not live.server.stats()["by_operation"].get("BulkState"):
        assert not running.wait(0.01), running.err
    running.send_signal(signal.SIGINT)
    assert running.finish() == 130
    assert not [status for status, _ in _operations(live) if status in ("CREATED", "RUNNING")]
    live.server.shop.desk.bulk_s = 0
    assert live.push(method="bulk", allow_changes=True).status == "succeeded"
    assert len(live.server.shop.table("Product")) == 120
    assert _agreed(live, tmp_path)


def test_two_new_records_of_one_handle(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far from each other in the file: the second one is refused, the first one is not overwritten."""
    monkeypatch.setattr("shopify_sync.engine.push.WIDE", 20)
    for number in range(40):
        world.new_product(f"New {number}", handle=f"new-{number}")
    world.new_product("New again", handle="new-3")
    result = world.push(method="bulk")
    assert (result.counts.created, result.counts.failed) == (40, 1)
    titles = [each["title"] for each in world.server.shop.table("Product").values() if each["handle"] == "new-3"]
    assert titles == ["New 3"]


def test_auto_takes_the_sooner_one(world: World) -> None:
    world.sql("UPDATE products SET title = title || ' *' WHERE id <= 10")
    assert world.push().counts.updated == 10
    assert _operations(world) == []
    world.sql("UPDATE products SET title = title || ' *'")
    assert world.push(allow_changes=True).counts.updated == 90
    assert _operations(world) == [("COMPLETED", 90)]

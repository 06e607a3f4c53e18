"""Push by bulk operations: both sides end as single requests would leave them, whatever becomes of an operation."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopify_sync.sandbox import SandboxServer
from shopify_sync.sandbox.desk import LIVE
from tests.warm import Warm
from tests.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with SandboxServer(products=90, seed=9, bucket=100_000, restore=10_000) as server:
        found = World(server, database_url)
        found.pull()
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


def test_all_kinds_of_changes(world: World, tmp_path: Path) -> None:
    """Operations in order: what builds on an earlier one of the same record goes in a later file."""
    _edit(world)
    result = world.push(method="bulk", allow_changes=True)
    assert (result.status, result.counts.created, result.notes) == ("succeeded", 30, [])
    assert result.counts.updated == 76
    assert all(status == "COMPLETED" for status, _ in _operations(world))
    assert sum(lines for _, lines in _operations(world)) >= 40 + 41 + 30
    assert _agreed(world, tmp_path)
    assert world.push(method="bulk").counts.seen == 0


def test_a_refused_line_stops_its_record_only(world: World, tmp_path: Path) -> None:
    world.sql("UPDATE products SET title = title || ' *' WHERE id <= 40")
    world.sql("UPDATE products SET title = '' WHERE id = 7")
    result = world.push(method="bulk")
    assert (result.status, result.counts.updated, result.counts.failed) == ("partial", 39, 1)
    ((key, message),) = world.rows("SELECT record_key, message FROM sync_errors WHERE resolved_at IS NULL")
    assert key == world.value("SELECT handle FROM products WHERE id = 7")
    assert "blank" in message
    assert [row[0] for row in world.rows("SELECT id FROM products WHERE dirty")] == [7]
    world.sql("UPDATE products SET title = 'Mended' WHERE id = 7")
    assert world.push().status == "succeeded"
    assert _agreed(world, tmp_path)


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


def test_faults_of_all_kinds_together(world: World, tmp_path: Path) -> None:
    _edit(world)
    for fault in ("bulk_partial:0.6@bulk_mutation=2x", "cut:0.4@download=2x", "url_expired=1x", "503=0.05"):
        world.server.fault(fault)
    world.push(method="bulk", allow_changes=True)
    world.server.faults.replace(())
    assert world.push(method="bulk", allow_changes=True).status == "succeeded"
    assert len(world.server.shop.table("Product")) == 120
    assert _agreed(world, tmp_path)


def test_a_run_that_is_killed_while_its_operation_runs(tmp_path: Path, warm: Warm, world: World) -> None:
    """The next one waits for it, tells its refusals, and sends no line a second time."""
    if world.url.startswith("postgres"):
        pytest.skip("the same code; one database is enough for a process that is killed")
    world.sql("UPDATE products SET title = title || ' *' WHERE id <= 40")
    world.sql("UPDATE products SET title = '' WHERE id = 7")
    world.server.shop.desk.bulk_s = 10_000
    environment = world.environment | {"NO_COLOR": "1", "XDG_CONFIG_HOME": "/nowhere", "XDG_STATE_HOME": str(tmp_path)}
    running = warm.start(["-q", "products", "push", "--method", "bulk"], Path("/"), environment)
    while not world.server.stats()["by_operation"].get("BulkState"):
        assert not running.wait(0.01), running.err
    running.send_signal(signal.SIGKILL)
    running.finish()
    for operation in world.server.shop.desk.operations.values():
        operation.duration_s = 0
    world.server.reset_stats()
    result = world.push(method="bulk")
    assert (result.status, result.counts.failed) == ("partial", 1)
    assert any("unfinished push" in note for note in result.notes)
    assert _operations(world) == [("COMPLETED", 40)]
    assert not world.server.stats()["by_operation"].get("SetProduct")
    assert [row[0] for row in world.rows("SELECT id FROM products WHERE dirty")] == [7]


def test_ctrl_c_ends_the_operation(tmp_path: Path, warm: Warm, world: World) -> None:
    if world.url.startswith("postgres"):
        pytest.skip("the same code; one database is enough for a process that is interrupted")
    _edit(world)
    world.server.shop.desk.bulk_s = 10_000
    environment = world.environment | {"NO_COLOR": "1", "XDG_CONFIG_HOME": "/nowhere", "XDG_STATE_HOME": str(tmp_path)}
    arguments = ["-q", "products", "push", "--method", "bulk", "--allow-mass-change"]
    running = warm.start(arguments, Path("/"), environment)
    while not world.server.stats()["by_operation"].get("BulkState"):
        assert not running.wait(0.01), running.err
    running.send_signal(signal.SIGINT)
    assert running.finish() == 130
    assert not [status for status, _ in _operations(world) if status in ("CREATED", "RUNNING")]
    world.server.shop.desk.bulk_s = 0
    assert world.push(method="bulk", allow_changes=True).status == "succeeded"
    assert len(world.server.shop.table("Product")) == 120
    assert _agreed(world, tmp_path)


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

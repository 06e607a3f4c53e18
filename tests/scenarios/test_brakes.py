"""What looks like an accident is stopped before the first write, and the sentence says how to go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shopify_sync.records import RunResult
from shopify_sync.sandbox import SandboxServer
from tests.world import World


def stopped(world: World, code: str, run: Callable[[], list[RunResult]] | None = None) -> RunResult:
    """A sync that ends with exit 9, and changed neither side."""
    before, mutations = world.dump(), world.server.stats()["mutations"]
    runs = run() if run is not None else world.sync()
    (last,) = runs
    assert (last.exit_code, last.status) == (9, "failed")
    assert last.error is not None
    assert last.error["code"] == code
    assert "--" in last.error["next"]
    assert (world.dump(), world.server.stats()["mutations"]) == (before, mutations)
    return last


def test_an_emptied_table_does_not_empty_the_shop(world: World) -> None:
    """`DELETE FROM products`: nothing is archived. The records come back with one flag."""
    world.pull()
    before = world.dump()
    world.sql("DELETE FROM products")
    stopped(world, "empty-database")
    with world.app() as app:
        assert app.push("products").exit_code == 9
    assert all(run.exit_code == 0 for run in world.sync(undelete=True))
    assert world.dump() == before


def test_a_truncated_table_is_noticed(world: World) -> None:
    """However it was emptied: without triggers there are no tombstones, and the count tells all the same."""
    world.pull()
    before = world.dump()
    if world.url.startswith("sqlite"):
        world.sql("UPDATE products SET sync_rev = -1")
        world.sql("DELETE FROM products")
    else:
        world.sql("TRUNCATE products CASCADE")
    assert world.value("SELECT count(*) FROM tombstones") == 0
    stopped(world, "empty-database")
    assert all(run.exit_code == 0 for run in world.sync(undelete=True))
    assert world.dump() == before


def test_many_deletions_here_need_a_word(world: World) -> None:
    world.pull()
    world.sql("DELETE FROM products WHERE id <= 12")
    stopped(world, "mass-delete")
    runs = world.sync(allow_deletes=True)
    assert [run.exit_code for run in runs] == [0, 0]
    assert runs[-1].counts.deleted == 12


def test_an_emptied_shop_does_not_empty_the_database(world: World) -> None:
    world.pull()
    for handle in [product["handle"] for product in list(world.server.shop.table("Product").values())]:
        world.server.edit(product=handle, delete=True)
    stopped(world, "empty-shop")
    assert [run.exit_code for run in world.sync(allow_deletes=True)] == [0, 0]
    assert world.value("SELECT count(*) FROM products WHERE deleted_at IS NULL") == 0


def test_many_deletions_there_need_a_word(world: World) -> None:
    world.pull()
    for handle in [row[0] for row in world.rows("SELECT handle FROM products WHERE id <= 12")]:
        world.server.edit(product=handle, delete=True)
    stopped(world, "mass-delete")


def test_a_few_deletions_are_nothing_special(world: World) -> None:
    world.pull()
    handles = [row[0] for row in world.rows("SELECT handle FROM products WHERE id <= 3")]
    world.sql("DELETE FROM products WHERE id = 10")
    for handle in handles:
        world.server.edit(product=handle, delete=True)
    pull, push = world.sync()
    assert (pull.counts.deleted, push.counts.deleted) == (3, 1)


def test_a_change_of_everything_needs_a_word(world: World) -> None:
    world.pull()
    world.sql("UPDATE products SET vendor = 'All of them'")
    stopped(world, "everything-changed")
    assert [run.exit_code for run in world.sync(allow_changes=True)] == [0, 0]


def test_a_restored_backup_is_noticed(server: SandboxServer, sqlite_url: str, tmp_path: Path) -> None:
    """An old copy of the database: what it takes for agreed is not what was agreed since."""
    world = World(server, sqlite_url)
    world.environment["XDG_STATE_HOME"] = str(tmp_path / "state")
    world.pull()
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    shutil.copy(file, tmp_path / "backup.db")
    world.sql("UPDATE products SET title = 'Later' WHERE id = 1")
    world.sync()
    world.sync()
    shutil.copy(tmp_path / "backup.db", file)
    stopped(world, "database-restored")
    stopped(world, "database-restored")
    assert [run.exit_code for run in world.sync(accept_restore=True)] == [0, 0]
    assert world.value("SELECT title FROM products WHERE id = 1") == "Later"
    assert [run.exit_code for run in world.sync()] == [0, 0]


@pytest.mark.parametrize("command", ["pull", "push"])
def test_single_directions_brake_as_well(world: World, command: str) -> None:
    world.pull()
    world.sql("DELETE FROM products WHERE id <= 12")
    with world.app() as app:
        assert getattr(app, command)("products").exit_code == 9

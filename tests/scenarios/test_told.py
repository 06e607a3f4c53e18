"""What is told of a shop is so: when all was last well, what waits, and what a plan leaves to be filled in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import orjson
import pytest

from shopify_sync.app.planning import apply, retry_plan, saved, sync_plan
from shopify_sync.app.verifying import verify
from shopify_sync.store.reading import open_reader
from tests.world import World


def _products(world: World) -> dict[str, object]:
    with open_reader(world.url.replace("postgresql+psycopg", "postgresql")) as reader:
        found: dict[str, object] = reader.status(now=datetime.fromisoformat("2030-01-01T00:00:00Z"))["shops"][0][
            "entities"
        ]["products"]
    return found


def test_a_sync_is_good_as_a_whole(world: World) -> None:
    """Its pull went well, its push did not: that is no good sync, and the time of the last one stays."""
    world.sync()
    world.sql("UPDATE sync_status SET finished_at = '2026-01-01T00:00:00Z'")
    good = _products(world)["last_good_at"]
    world.sql("UPDATE products SET title = '' WHERE id = 1")
    assert [run.status for run in world.sync()] == ["succeeded", "partial"]
    assert _products(world)["last_good_at"] == good


def _plan_file(world: World, path: Path) -> Path:
    with world.app(dry_run=True) as app:
        path.write_bytes(orjson.dumps(sync_plan(app).as_json()))
    return path


def test_a_plan_that_was_refused_is_no_success(world: World, tmp_path: Path) -> None:
    """Nothing of it was done; a dry run says so beforehand, and writes nothing."""
    world.sync()
    world.sql("UPDATE products SET vendor = 'x' WHERE id = 3")
    path = _plan_file(world, tmp_path / "plan")
    world.sql("UPDATE products SET vendor = 'y' WHERE id = 3")
    number = world.value("SELECT shopify_id FROM products WHERE id = 3")
    before = world.revisions()
    with world.app(dry_run=True) as app:
        told = apply(app, saved(path, app.domain))
    assert (told.done, len(told.refused), told.exit_code) == (0, 1, 9)
    assert world.revisions() == before
    with world.app() as app:
        done = apply(app, saved(path, app.domain))
    assert (done.done, [run.status for run in done.runs], done.exit_code) == (0, ["partial"], 9)
    assert world.on_shopify(number)["vendor"] not in ("x", "y")


def test_what_a_dry_run_of_apply_would_do_is_not_done(world: World, tmp_path: Path) -> None:
    world.sync()
    world.sql("UPDATE products SET vendor = 'x' WHERE id = 3")
    world.sql("DELETE FROM products WHERE id = 4")
    path, digest = _plan_file(world, tmp_path / "plan"), world.server.digest()
    with world.app(dry_run=True) as app:
        told = apply(app, saved(path, app.domain))
    assert (told.done, told.refused, world.server.digest()) == (2, [], digest)


def test_what_retry_would_send_is_told(world: World) -> None:
    world.sync()
    world.sql("UPDATE products SET title = '' WHERE id = 1")
    world.sync()
    mutations = world.server.stats()["mutations"]
    with world.app(dry_run=True) as app:
        plan = retry_plan(app, None)
    assert [action.local_id for action in plan.changes] == [1]
    assert world.server.stats()["mutations"] == mutations


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE products SET handle = NULL WHERE id = 2",
        "UPDATE product_variants SET price = NULL WHERE product_id = 2",
        "DELETE FROM product_variants WHERE product_id = 2",
        "UPDATE products SET deleted_at = '2026-11-01T00:00:00Z' WHERE id = 2",
    ],
)
def test_a_plan_tells_what_is_filled_in_again(world: World, tmp_path: Path, edit: str) -> None:
    """What Shopify always has and a client emptied comes back: a change of the database, which `apply` makes."""
    world.sync()
    before = world.dump()
    world.sql(edit)
    path = _plan_file(world, tmp_path / "plan")
    with world.app() as app:
        plan = saved(path, app.domain)
        assert [(action.direction, action.local_id) for action in plan.actions] == [("pull", 2)]
        done = apply(app, plan)
    assert (done.done, done.refused, done.exit_code) == (1, [], 0)
    assert world.dump() == before


def test_text_that_is_no_utf8_is_the_error_of_its_record(world: World) -> None:
    """SQLite takes it from any program. The others go on, and the proof still names each difference."""
    if not world.url.startswith("sqlite"):
        pytest.skip("Postgres takes no such text")
    world.sync()
    world.sql("UPDATE products SET title = CAST(x'4D7567FC' AS TEXT) WHERE id = 2")
    world.sql("UPDATE products SET vendor = 'Good' WHERE id = 4")
    number = world.value("SELECT shopify_id FROM products WHERE id = 4")
    _, push = world.sync()
    assert (push.status, push.counts.updated, push.counts.failed) == ("partial", 1, 1)
    assert [(error.local_id, error.field_path) for error in push.errors] == [(2, "title")]
    assert world.on_shopify(number)["vendor"] == "Good"
    with world.app() as app:
        (found,) = verify(app, ["products"])
    proof = found.proof
    assert [item.local_id for item in proof.of("different")] == [2]

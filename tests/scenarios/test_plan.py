"""A plan is what a sync does; `apply` does exactly that, or refuses what has moved."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest

from shopify_sync.app import planning
from shopify_sync.app.planning import Applied, Plan
from shopify_sync.errors import UsageError
from shopify_sync.records import PlanLine
from tests.world import World


def plan(world: World, *, full: bool = False) -> Plan:
    with world.app(dry_run=True) as app:
        made = planning.sync_plan(app, full=full)
    assert made.exit_code == 0, [run.error for run in made.runs]
    return made


def apply(world: World, made: Plan, path: Path) -> Applied:
    """Through the file, as a user does it."""
    path.write_bytes(orjson.dumps(made.as_json()))
    with world.app() as app:
        return planning.apply(app, planning.saved(path, app.domain))


def told(made: Plan) -> set[tuple[str, str, str, str]]:
    """(direction, kind, record, field) of everything in a plan."""
    return {
        (action.direction, action.kind, action.key, line.path)
        for action in made.actions
        for line in (action.lines or [PlanLine("", None, None)])
    }


def edits(world: World) -> list[str]:
    world.pull()
    handles = [row[0] for row in world.rows("SELECT handle FROM products ORDER BY id")]
    world.sql("UPDATE products SET title = 'Ours' WHERE id = 1")
    world.sql("UPDATE product_variants SET price = '3.21' WHERE id = (SELECT min(id) FROM product_variants WHERE "
              "product_id = 2)")  # fmt: skip
    world.sql("DELETE FROM products WHERE id = 3")
    world.new_product("Made here")
    world.server.edit(product=handles[3], set={"title": "Theirs"})
    world.server.edit(create={"title": "Made there"})
    world.server.edit(product=handles[4], delete=True)
    world.sql("UPDATE products SET title = 'Ours too' WHERE id = 6")
    world.server.edit(product=handles[5], set={"title": "Theirs too"})
    return handles


def test_a_plan_tells_what_a_sync_does(world: World) -> None:
    """Record by record and field by field, both directions, conflicts, and what it costs."""
    handles = edits(world)
    made = plan(world)
    found = told(made)
    assert ("push", "update", handles[0], "title") in found
    assert ("push", "archive", handles[2], "") in found
    assert ("pull", "update", handles[3], "title") in found
    assert ("pull", "archive", handles[4], "") in found
    assert ("conflict", "conflict", handles[5], "title") in found
    assert {key for direction, kind, key, _ in found if kind == "create"} == {"made-here", "made-there"}
    assert made.totals() == {"database": 3, "shopify": 4, "conflicts": 1, "refused": 0}
    cost = made.cost()
    before = world.server.stats()
    runs = world.sync()
    after = world.server.stats()
    assert [run.exit_code for run in runs][-1] == 4
    assert after["mutations"] - before["mutations"] == 4
    spent = after["points"] - before["points"]
    assert 0.5 * spent <= cost["points"] <= 1.5 * spent
    assert plan(world).changes == []


def test_a_plan_writes_nothing_anywhere(world: World, tmp_path: Path) -> None:
    """Neither the database nor the shop; the same bytes before and after."""
    edits(world)
    path = Path(world.url.removeprefix("sqlite:///"))

    def state() -> tuple[object, str]:
        here: object = world.dump()
        if world.url.startswith("sqlite"):
            here = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in path.parent.glob("shop.db*")}
        return here, world.server.digest()

    before = state()
    plan(world)
    plan(world, full=True)
    assert state() == before


def test_a_plan_is_carried_out_exactly(world: World, tmp_path: Path) -> None:
    edits(world)
    applied = apply(world, plan(world), tmp_path / "plan.json")
    assert (applied.done, applied.refused) == (7, [])
    left = plan(world)
    assert left.changes == []
    assert world.value("SELECT title FROM products WHERE id = 4") == "Theirs"
    assert world.value("SELECT count(*) FROM products WHERE title = 'Made there'") == 1


def test_a_stale_plan_refuses_just_what_moved(world: World, tmp_path: Path) -> None:
    """Whichever side moved; everything else is done, and the exit code says that something was not."""
    handles = edits(world)
    made = plan(world)
    world.server.edit(product=handles[0], set={"title": "Moved there"})
    world.server.edit(product=handles[3], set={"title": "Moved again"})
    world.sql("UPDATE product_variants SET price = '4.56' WHERE product_id = 2")
    applied = apply(world, made, tmp_path / "plan.json")
    assert {action.key for action in applied.refused} == {handles[0], handles[1], handles[3]}
    assert (applied.exit_code, applied.done) == (9, 4)
    number = world.value("SELECT shopify_id FROM products WHERE id = 1")
    assert world.on_shopify(number)["title"] == "Moved there"
    assert world.value("SELECT title FROM products WHERE id = 4") not in ("Theirs", "Moved again")


def test_a_file_that_is_no_plan_is_told(world: World, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with pytest.raises(UsageError, match="can't be read"):
        planning.saved(path, "sandbox.myshopify.com")
    path.write_text("{}")
    with pytest.raises(UsageError, match="is no plan"):
        planning.saved(path, "sandbox.myshopify.com")
    edits(world)
    made = plan(world).as_json()
    path.write_bytes(orjson.dumps(made))
    with pytest.raises(UsageError, match=r"not for other\.myshopify\.com"):
        planning.saved(path, "other.myshopify.com")
    made["actions"][0]["changes"][0]["to"] = "edited by hand"
    path.write_bytes(orjson.dumps(made))
    with pytest.raises(UsageError, match="is no plan"):
        planning.saved(path, "sandbox.myshopify.com")


def test_a_plan_tells_what_cannot_be_sent(world: World) -> None:
    """A value that can't be read, and a copy under a handle that is taken: a sync would fail there, so a plan is not
    silent about it; it changes nothing, and `apply` leaves it alone."""
    world.pull()
    if world.url.startswith("sqlite"):
        world.sql("UPDATE products SET tags = 'a, b' WHERE id = 2")
    world.sql("INSERT INTO products (shop_id, title, handle) SELECT shop_id, 'Copy', handle FROM products WHERE id = 1")
    made = plan(world)
    refused = [action for action in made.actions if action.direction == "refuse"]
    assert [action.lines[0].path for action in refused][-1] == "handle"
    assert made.changes == []
    assert made.totals()["refused"] == len(refused) == (2 if world.url.startswith("sqlite") else 1)


def test_a_plan_tells_each_deletion_once(world: World) -> None:
    """Whatever finds it: the comparison of ids, and the look before a push."""
    world.pull()
    handles = [row[0] for row in world.rows("SELECT handle FROM products ORDER BY id")]
    world.sql("UPDATE products SET vendor = 'x' WHERE handle = ?", handles[0])
    world.sql("DELETE FROM products WHERE handle = ?", handles[1])
    for handle in handles[:3]:
        world.server.edit(product=handle, delete=True)
    made = plan(world, full=True)
    assert len({action.fingerprint for action in made.actions}) == len(made.actions)
    assert [action.kind for action in made.actions if action.key == handles[2]] == ["archive"]

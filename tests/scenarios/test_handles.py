"""Handles that move from one record to another, and two records that want the same one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopify_sync.app.deciding import Selection, resolve
from shopify_sync.app.planning import sync_plan
from shopify_sync.app.verifying import verify
from shopify_sync.clock import ManualClock
from shopify_sync.errors import UsageError
from shopify_sync.sandbox import SandboxServer
from tests.world import World

NAMES = ("alpha", "beta", "gamma", "delta")


@pytest.fixture
def four(sqlite_url: str) -> Iterator[World]:
    """A shop with four products, pulled into SQLite."""
    with SandboxServer(clock=(clock := ManualClock()), bucket=100_000) as server:
        for name in NAMES:
            server.edit(create={"title": name.title(), "handle": name, "price": "1.00"})
        world = World(server, sqlite_url, clock=clock)
        world.pull()
        clock.advance(60)
        yield world


def _rename(world: World, renames: dict[str, str]) -> None:
    """By titles, which stay what they are."""
    for title, handle in renames.items():
        world.sql("UPDATE products SET handle = ? WHERE title = ?", handle, title.title())


def _shop(world: World) -> dict[str, str]:
    return {p["title"].lower(): p["handle"] for p in world.server.shop.table("Product").values()}


def _here(world: World) -> dict[str, str]:
    return {title.lower(): handle for title, handle in world.rows("SELECT title, handle FROM products")}


RENAMES = [
    {"alpha": "beta", "beta": "alpha"},
    {"beta": "alpha", "alpha": "beta", "gamma": "delta", "delta": "gamma"},
    {"alpha": "beta", "beta": "gamma"},
    {"alpha": "beta", "beta": "zeta"},
    {"beta": "alpha", "alpha": "zeta"},
    {"alpha": "beta", "beta": "gamma", "gamma": "delta", "delta": "alpha"},
    {"delta": "gamma", "gamma": "beta", "beta": "alpha", "alpha": "delta"},
    {"delta": "beta", "alpha": "beta-2", "beta": "alpha", "gamma": "delta"},
]


@pytest.mark.parametrize("renames", RENAMES, ids=lambda r: " ".join(f"{a}-{b}" for a, b in r.items()))
def test_handles_move_in_one_run(four: World, renames: dict[str, str]) -> None:
    """Swaps, rings and chains, whatever the order of the rows: each record lets go before the next takes."""
    if renames.get("beta") == "gamma" and "gamma" not in renames:
        renames = renames | {"gamma": "omega"}
    _rename(four, renames)
    runs = four.sync()
    assert [run.status for run in runs] == ["succeeded", "succeeded"]
    assert _shop(four) == _here(four) == {name: renames.get(name, name) for name in NAMES}
    four.clock.advance(60)  # type: ignore[union-attr]
    before = four.revisions()
    assert all(run.status == "succeeded" for run in four.sync())
    assert four.revisions() == before


@pytest.mark.parametrize("method", ["single", "bulk"])
def test_a_copy_of_a_linked_record_is_refused_by_itself(four: World, method: str) -> None:
    """A second row under the handle of a record that is on Shopify: it can't go there, and everything else does."""
    four.sql("INSERT INTO products (shop_id, title, handle) SELECT shop_id, 'Copy', handle FROM products WHERE id = 1")
    four.sql("UPDATE products SET vendor = 'New' WHERE title = 'Delta'")
    result = four.push(method=method)
    assert (result.status, result.counts.updated, result.counts.failed) == ("partial", 1, 1)
    assert [(error.code, error.local_id) for error in result.errors] == [("DUPLICATE_KEY", 5)]
    assert "local id 1" in result.errors[0].message
    assert {p["vendor"] for p in four.server.shop.table("Product").values() if p["title"] == "Delta"} == {"New"}
    assert len(four.server.shop.table("Product")) == 4
    four.sql("UPDATE products SET handle = 'copy' WHERE title = 'Copy'")
    assert four.push(method=method).status == "succeeded"
    assert _shop(four)["copy"] == "copy"


def test_a_new_record_takes_the_handle_that_another_lets_go_of(four: World) -> None:
    """Renamed here, and a new row under the old handle, in one go: the rename first, then the creation."""
    _rename(four, {"alpha": "moved"})
    four.new_product("Heir", handle="alpha", status="ACTIVE")
    assert [run.status for run in four.sync()] == ["succeeded", "succeeded"]
    assert _shop(four) == {"alpha": "moved", "beta": "beta", "gamma": "gamma", "delta": "delta", "heir": "alpha"}
    assert four.value("SELECT count(*) FROM products WHERE dirty OR shopify_id IS NULL") == 0


def test_a_plan_tells_the_creation_under_a_handle_that_is_let_go_of(four: World) -> None:
    _rename(four, {"alpha": "moved"})
    four.new_product("Heir", handle="alpha")
    with four.app(dry_run=True) as app:
        plan = sync_plan(app)
    assert [(a.direction, a.kind, a.key) for a in plan.actions] == [
        ("push", "update", "moved"),
        ("push", "create", "alpha"),
    ]


def test_a_handle_that_stays_taken_is_the_error_of_that_record(four: World) -> None:
    """Nobody lets go of it: Shopify's refusal is told, and the others go through."""
    _rename(four, {"alpha": "beta"})
    four.sql("UPDATE products SET vendor = 'New' WHERE title = 'Delta'")
    result = four.push()
    assert (result.status, result.counts.updated, result.counts.failed) == ("partial", 1, 1)
    assert _shop(four)["alpha"] == "alpha"
    assert four.value("SELECT refused_rev = local_rev FROM products WHERE title = 'Alpha'")


def test_a_record_that_was_left_aside_comes_to_its_handle(four: World) -> None:
    """Killed while one of two had stepped aside: what is on Shopify then is no edit of anybody's."""
    _rename(four, {"alpha": "beta", "beta": "alpha"})
    number = four.value("SELECT shopify_id FROM products WHERE title = 'Alpha'")
    four.server.edit(product="alpha", set={"handle": f"alpha-{number}-stepped-aside"})
    four.clock.advance(60)  # type: ignore[union-attr]
    four.sync()
    assert four.value("SELECT count(*) FROM conflict_log") == 0
    assert _shop(four) == _here(four) == {"alpha": "beta", "beta": "alpha", "gamma": "gamma", "delta": "delta"}


@pytest.mark.parametrize("edited", [False, True], ids=["", "edited there"])
def test_a_row_deleted_and_made_again_is_the_same_record(four: World, edited: bool) -> None:
    """As programs do that load a table anew: nothing is archived on Shopify, and what differs is in dispute."""
    number = four.value("SELECT shopify_id FROM products WHERE title = 'Alpha'")
    four.sql("DELETE FROM products WHERE title = 'Alpha'")
    four.new_product("Alpha two", handle="alpha", status="ACTIVE")
    if edited:
        four.server.edit(product="alpha", addTags=["there"])
    four.sync()
    assert four.on_shopify(number)["status"] == "ACTIVE"
    assert four.value("SELECT shopify_id FROM products WHERE title = 'Alpha two'") == number
    assert four.rows("SELECT field_path FROM conflict_log WHERE status = 'open' ORDER BY 1") == [
        ("title",),
        ("variants[Default Title].price",),
    ]
    assert four.value("SELECT outcome FROM tombstones") == "restored"
    assert len(four.server.shop.table("Product")) == 4


@pytest.fixture
def doubles(sqlite_url: str) -> Iterator[World]:
    """A database that never met the shop, in which two rows have the handle of one product."""
    with SandboxServer(clock=(clock := ManualClock()), bucket=100_000) as server:
        server.edit(create={"title": "Alpha", "handle": "alpha", "price": "1.00"})
        world = World(server, sqlite_url, clock=clock)
        world.pull()
        number = world.value("SELECT shopify_id FROM products")
        world.sql("DELETE FROM products")
        world.sql("DELETE FROM tombstones")
        for title in ("One", "Two"):
            world.new_product(title, handle="alpha", status="ACTIVE")
        clock.advance(60)
        server.edit(product="alpha", addTags=["seen"])
        assert number
        yield world


def test_doubles_stay_a_conflict_until_one_is_left(doubles: World) -> None:
    """Nobody guesses which of two rows is meant, nobody can decide by taking a side, and no run is green before."""
    for _ in range(2):
        _, push = doubles.sync()
        assert push.status == "partial"
    assert doubles.rows("SELECT status, policy, local FROM conflict_log") == [
        ("open", "ambiguous", '["local id 2","local id 3"]')
    ]
    for chosen in (Selection(ids=(1,)), Selection(every=True)):
        with doubles.app() as app, pytest.raises(UsageError, match="can't be decided"):
            resolve(app.database, 1, app.clock, chosen, take="local", by="user:test")
    with doubles.app() as app:
        proof = verify(app, ["products"])[0].proof
    assert {(item.kind, item.why, item.conflict_id) for item in proof.unequal} == {
        ("missing", "ambiguous", 1),
        ("extra", "ambiguous", 1),
    }
    doubles.sql("DELETE FROM products WHERE title = 'One'")
    doubles.sync()
    assert doubles.rows("SELECT title, shopify_id IS NULL FROM products") == [("Two", 0)]
    assert doubles.value("SELECT status FROM conflict_log WHERE policy = 'ambiguous'") == "closed"
    assert len(doubles.server.shop.table("Product")) == 1


def test_one_of_two_doubles_gets_another_handle(doubles: World) -> None:
    doubles.sync()
    doubles.sql("UPDATE products SET handle = 'other' WHERE title = 'One'")
    doubles.sync()
    assert doubles.value("SELECT count(*) FROM products WHERE shopify_id IS NULL") == 0
    assert doubles.value("SELECT status FROM conflict_log WHERE policy = 'ambiguous'") == "closed"
    assert {p["handle"] for p in doubles.server.shop.table("Product").values()} == {"alpha", "other"}


def test_a_plan_tells_doubles_once(doubles: World) -> None:
    with doubles.app(dry_run=True) as app:
        plan = sync_plan(app)
    assert [(a.direction, a.key, a.lines[0].before) for a in plan.actions] == [
        ("conflict", "alpha", ["local id 2", "local id 3"])
    ]
    doubles.sync()
    doubles.clock.advance(60)  # type: ignore[union-attr]
    with doubles.app(dry_run=True) as app:
        assert [a.direction for a in sync_plan(app).actions] == ["conflict"]

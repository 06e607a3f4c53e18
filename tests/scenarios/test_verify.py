"""Verify names every record and field in which the sides differ, and why; writes nothing; and repairs just these."""

from __future__ import annotations

from typing import Any

import pytest

from shopify_sync.app.verifying import Verified, verify
from shopify_sync.records import Unequal
from tests.world import World

Told = list[tuple[str, str, str]]


def look(world: World, **options: Any) -> Verified:
    flags = {name: options.pop(name) for name in ("dry_run", "allow_deletes", "allow_changes") if name in options}
    with world.app(**flags) as app:
        (found,) = verify(app, ["products"], **options)
    return found


def told(found: Verified) -> Told:
    """(kind, reason, field) of everything that differs."""
    lines: Told = []
    for item in found.proof.unequal:
        lines += [(item.kind, line.why, line.path) for line in item.fields] or [(item.kind, item.why, "")]
    return sorted(lines)


def only(found: Verified) -> Unequal:
    (item,) = found.proof.unequal
    return item


def nth(world: World, place: int) -> tuple[int, int, str]:
    """Local id, Shopify id and handle of a product."""
    local_id, number, handle = world.rows("SELECT id, shopify_id, handle FROM products ORDER BY id")[place]
    return local_id, number, handle


def unseen(world: World, statement: str, *values: Any) -> None:
    """An edit that no trigger takes for one: it moves `sync_rev`, as only the sync does."""
    world.sql(statement, *values)


def test_an_equal_store_is_proved_without_reading_its_records(world: World) -> None:
    """One count and one light page; the line says it, the exit code is 0, the run is green."""
    world.pull()
    found = look(world)
    assert (found.exit_code, found.proof.status, found.proof.read, found.run.api.requests) == (0, "equal", 0, 2)
    assert found.run.status == "succeeded"
    assert found.run.notes[0].startswith("products: 30 on both sides; 0 missing, 0 extra, 0 different, as of 20")
    assert found.proof.digests[0] == found.proof.digests[1]
    deep = look(world, deep=True)
    assert (deep.exit_code, deep.proof.read) == (0, 30)


def test_what_both_sides_have_after_a_push_is_equal(world: World) -> None:
    """Values that Shopify normalises, new elements and emptied columns are no differences once they were sent."""
    world.pull()
    first, second, third = (nth(world, place)[0] for place in range(3))
    world.sql("UPDATE products SET description_html = '<p>Two</p>  ', handle = NULL WHERE id = ?", first)
    world.sql('UPDATE products SET tags = \'["b", "a", "A"]\', seo_title = \'\' WHERE id = ?', second)
    world.sql(
        "INSERT INTO metafields (owner_type, owner_id, namespace, key, type, value) "
        "VALUES ('product', ?, 'custom', 'origin', 'single_line_text_field', 'Porto')",
        third,
    )
    fresh = world.new_product("Brand new", price="7.5")
    world.sql("INSERT INTO product_media (product_id, url) VALUES (?, 'https://x.test/a.jpg')", fresh)
    world.sync()
    assert told(look(world)) == []
    assert look(world, deep=True).exit_code == 0


def test_nothing_is_written_but_the_runs_own_row(world: World) -> None:
    """The tables stay as they are, whatever is found; a dry run leaves no row either."""
    world.pull()
    local_id, _, handle = nth(world, 0)
    world.sql("UPDATE products SET title = 'Ours' WHERE id = ?", local_id)
    world.server.edit(product=nth(world, 1)[2], set={"title": "Theirs"})
    before = world.dump(), world.revisions(), world.server.shop.digest()
    found = look(world)
    assert (world.dump(), world.revisions(), world.server.shop.digest()) == before
    ((direction, status, seen, unchanged, failed),) = world.rows(
        "SELECT direction, status, seen, unchanged, failed FROM sync_status WHERE id = ?", found.run.run_id
    )
    assert (direction, status, seen, unchanged, failed) == ("verify", "partial", 30, 28, 2)
    runs = world.value("SELECT count(*) FROM sync_status")
    dry = look(world, dry_run=True, repair=True)
    assert (dry.exit_code, told(dry)) == (3, told(found))
    assert world.value("SELECT count(*) FROM sync_status") == runs
    assert world.on_shopify(nth(world, 0)[1])["title"] != "Ours"
    assert handle


def test_each_difference_is_told_with_its_reason(world: World) -> None:
    """Changed there, changed here, changed on both sides, deleted there, new on either side: each by name."""
    world.pull()
    there, here, both, gone, buried = (nth(world, place) for place in range(5))
    world.server.edit(product=there[2], set={"title": "Theirs"})
    world.sql("UPDATE products SET vendor = 'Ours' WHERE id = ?", here[0])
    world.server.edit(product=both[2], set={"title": "Theirs too"})
    world.sql("UPDATE products SET title = 'Ours too', vendor = 'Ours' WHERE id = ?", both[0])
    world.server.edit(product=gone[2], delete=True)
    world.server.edit(create={"title": "Made there"})
    fresh = world.new_product("Made here")
    world.sql("DELETE FROM products WHERE id = ?", buried[0])
    found = look(world)
    assert told(found) == [
        ("different", "changed_on_both", "title"),
        ("different", "changed_on_shopify", "title"),
        ("different", "waits_for_push", "vendor"),
        ("different", "waits_for_push", "vendor"),
        ("extra", "changed_on_shopify", ""),
        ("extra", "waits_for_push", ""),
        ("missing", "changed_on_shopify", ""),
        ("missing", "waits_for_push", ""),
    ]
    keys = {(item.kind, item.why): item.key for item in found.proof.unequal}
    assert keys["missing", "changed_on_shopify"] == "made-there"
    assert {item.local_id for item in found.proof.of("extra")} == {gone[0], fresh}
    line = next(line for item in found.proof.unequal if item.local_id == there[0] for line in item.fields)
    assert line.shopify == "Theirs"
    assert (found.exit_code, found.proof.here, found.proof.shopify) == (3, 30, 30)
    assert found.proof.waiting == {"changed": 2, "new": 1, "deleted": 1, "refused": 0, "conflicts": 0}


def test_repair_carries_over_just_what_differs(world: World) -> None:
    """After it, both sides are proved equal again, and it asked for no other record."""
    world.pull()
    there, here, gone, buried = (nth(world, place) for place in range(4))
    world.server.edit(product=there[2], set={"title": "Theirs"})
    world.sql("UPDATE products SET vendor = 'Ours' WHERE id = ?", here[0])
    world.server.edit(product=gone[2], delete=True)
    world.server.edit(create={"title": "Made there"})
    world.new_product("Made here")
    world.sql("DELETE FROM products WHERE id = ?", buried[0])
    found = look(world, repair=True)
    assert found.before is not None
    assert (len(found.before.unequal), told(found), found.exit_code) == (6, [], 0)
    assert [(run.direction, run.status) for run in found.repairs] == [("pull", "succeeded"), ("push", "succeeded")]
    assert [run.counts.seen for run in found.repairs] == [3, 3]
    assert world.on_shopify(here[1])["vendor"] == "Ours"
    assert world.on_shopify(buried[1])["status"] == "ARCHIVED"
    assert world.value("SELECT deleted_at FROM products WHERE id = ?", gone[0]) is not None
    again = look(world)
    assert (again.exit_code, again.proof.left) == (0, 1)
    assert again.run.notes[0].startswith("products: 30 on both sides;")
    assert (found.proof.here, found.proof.shopify, found.proof.left) == (
        again.proof.here,
        again.proof.shopify,
        again.proof.left,
    )
    assert [run.counts.updated + run.counts.created for run in world.sync()] == [0, 0]


def test_what_is_in_dispute_waits_for_a_decision(world: World) -> None:
    """It is told with the conflict's number, a repair leaves it alone, and alone it makes exit code 4."""
    world.pull()
    local_id, _, handle = nth(world, 0)
    world.sql("UPDATE products SET title = 'Ours' WHERE id = ?", local_id)
    world.server.edit(product=handle, set={"title": "Theirs"})
    world.sync()
    number = world.value("SELECT id FROM conflict_log")
    for found in (look(world), look(world, repair=True)):
        assert (found.exit_code, found.proof.status) == (4, "conflicts")
        (line,) = only(found).fields
        assert (line.why, line.conflict_id, line.here, line.shopify) == ("in_dispute", number, "Ours", "Theirs")
    assert found.repairs == []
    world.sql("UPDATE products SET vendor = 'x' WHERE id = ?", nth(world, 1)[0])
    assert look(world).exit_code == 3


def test_an_edit_against_a_deletion_is_in_dispute_too(world: World) -> None:
    """Edited here and deleted there, and the other way round."""
    world.pull()
    ours, theirs = nth(world, 0), nth(world, 1)
    world.sql("UPDATE products SET title = 'Ours' WHERE id = ?", ours[0])
    world.server.edit(product=ours[2], delete=True)
    world.sql("DELETE FROM products WHERE id = ?", theirs[0])
    world.server.edit(product=theirs[2], set={"title": "Theirs"})
    world.sync(full=True)
    found = look(world)
    assert told(found) == [("extra", "in_dispute", ""), ("missing", "in_dispute", "")]
    assert (found.exit_code, all(item.conflict_id for item in found.proof.unequal)) == (4, True)


def test_an_edit_that_no_trigger_saw_is_found_and_sent(world: World) -> None:
    """It costs no request to find; a repair takes it for the edit that it is."""
    world.pull()
    local_id, number, _ = nth(world, 4)
    unseen(world, "UPDATE products SET title = 'Unseen', sync_rev = sync_rev + 1 WHERE id = ?", local_id)
    variant = world.value("SELECT min(id) FROM product_variants WHERE product_id = ?", local_id)
    unseen(world, "UPDATE product_variants SET price = '1.25', sync_rev = sync_rev + 1 WHERE id = ?", variant)
    found = look(world)
    assert (found.run.api.requests, found.exit_code, found.proof.read) == (2, 3, 0)
    assert [(kind, why) for kind, why, _ in told(found)] == [("different", "altered_here")] * 2
    repaired = look(world, repair=True)
    assert (repaired.exit_code, told(repaired)) == (0, [])
    assert world.on_shopify(number)["title"] == "Unseen"
    assert look(world, deep=True).exit_code == 0


def test_an_unseen_edit_is_merged_with_shopifys(world: World) -> None:
    """Both changed one record, one of them unseen: neither is lost."""
    world.pull()
    local_id, number, handle = nth(world, 4)
    unseen(world, "UPDATE products SET title = 'Unseen', sync_rev = sync_rev + 1 WHERE id = ?", local_id)
    world.server.edit(product=handle, set={"vendor": "Theirs"})
    assert told(look(world)) == [
        ("different", "altered_here", "title"),
        ("different", "changed_on_shopify", "vendor"),
    ]
    assert look(world, repair=True).exit_code == 0
    assert world.on_shopify(number)["title"] == "Unseen"
    assert world.value("SELECT vendor FROM products WHERE id = ?", local_id) == "Theirs"


@pytest.mark.parametrize("table", ["product_variants", "product_media", "metafields"])
def test_what_vanished_from_the_tables_comes_back(world: World, table: str) -> None:
    """A row that went unseen may be damage: it is not deleted on Shopify as well."""
    world.pull()
    parent = "owner_id" if table == "metafields" else "product_id"
    local_id, count = world.rows(f"SELECT {parent}, count(*) FROM {table} GROUP BY {parent} ORDER BY 2 DESC LIMIT 1")[0]
    number = world.value("SELECT shopify_id FROM products WHERE id = ?", local_id)
    before, wanted = world.server.shop.digest(), world.dump()
    row = world.value(f"SELECT min(id) FROM {table} WHERE {parent} = ?", local_id)
    unseen(world, f"UPDATE {table} SET sync_rev = -1 WHERE id = ?", row)
    unseen(world, f"DELETE FROM {table} WHERE id = ?", row)
    found = look(world)
    assert (only(found).shopify_id, only(found).why) == (number, "altered_here")
    assert look(world, repair=True).exit_code == 0
    assert world.value(f"SELECT count(*) FROM {table} WHERE {parent} = ?", local_id) == count
    assert world.server.shop.digest() == before
    assert world.dump() == wanted


def test_a_required_value_that_was_emptied_unseen_comes_back(world: World) -> None:
    """A null stands for "as Shopify has it" only while an edit waits."""
    world.pull()
    local_id, _, handle = nth(world, 2)
    unseen(world, "UPDATE products SET handle = NULL, sync_rev = sync_rev + 1 WHERE id = ?", local_id)
    assert told(look(world)) == [("different", "altered_here", "handle")]
    assert look(world, repair=True).exit_code == 0
    assert world.value("SELECT handle FROM products WHERE id = ?", local_id) == handle


@pytest.mark.parametrize("payload", [None, "{}", "damaged"])
def test_a_damaged_base_is_told_and_read_anew(world: World, payload: str | None) -> None:
    """Equal sides are equal whatever the base says; where they differ, nobody can tell who changed: a dispute."""
    world.pull()
    equal, unequal = nth(world, 3)[0], nth(world, 5)[0]
    if payload == "damaged":
        payload = '{"id": 1}' if world.url.startswith("postgres") else "{damaged"
    for local_id in (equal, unequal):
        unseen(world, "UPDATE products SET payload = ?, sync_rev = sync_rev + 1 WHERE id = ?", payload, local_id)
    found = look(world)
    assert (found.exit_code, set(found.proof.damaged), found.proof.read) == (0, {equal, unequal}, 2)
    unseen(world, "UPDATE products SET title = 'Whose', sync_rev = sync_rev + 1 WHERE id = ?", unequal)
    assert told(look(world)) == [("different", "base_damaged", "title")]
    repaired = look(world, repair=True)
    assert (repaired.exit_code, repaired.proof.damaged) == (4, {})
    assert told(repaired) == [("different", "in_dispute", "title")]
    assert world.value("SELECT title FROM products WHERE id = ?", unequal) == "Whose"


def test_a_value_of_another_kind_is_found_and_mended(world: World) -> None:
    """SQLite takes any text in a column of numbers; what can't be read is what Shopify has."""
    if world.url.startswith("postgres"):
        pytest.skip("Postgres refuses such a value itself")
    world.pull()
    local_id, _, _ = nth(world, 6)
    variant, price = world.rows("SELECT id, price FROM product_variants WHERE product_id = ? ORDER BY id", local_id)[0]
    unseen(world, "UPDATE product_variants SET price = 'free', sync_rev = sync_rev + 1 WHERE id = ?", variant)
    assert [(kind, why) for kind, why, _ in told(look(world))] == [("different", "altered_here")]
    assert look(world, repair=True).exit_code == 0
    assert world.value("SELECT price FROM product_variants WHERE id = ?", variant) == price


def test_a_change_that_moves_no_time_needs_deep(world: World) -> None:
    """What the light proof can't see, the deep one does; and a repair then brings it here."""
    world.pull()
    local_id, number, _ = nth(world, 7)
    world.server.shop.table("Product")[number]["title"] = "Without a trace"
    assert look(world).exit_code == 0
    deep = look(world, deep=True)
    assert told(deep) == [("different", "changed_on_shopify", "title")]
    assert look(world, deep=True, repair=True).exit_code == 0
    assert world.value("SELECT title FROM products WHERE id = ?", local_id) == "Without a trace"


def test_a_second_change_within_the_same_second_is_not_overlooked(world: World) -> None:
    """A record read right after its last change is read again, though its time is the one that is stored."""
    world.pull()
    local_id, number, handle = nth(world, 0)
    world.server.edit(product=handle, set={"title": "First"})
    world.pull()
    world.server.shop.table("Product")[number]["title"] = "Second"  # `updatedAt` stays
    found = look(world)
    assert (found.proof.read, told(found)) == (1, [("different", "changed_on_shopify", "title")])
    assert local_id == only(found).local_id


def test_before_the_first_pull_everything_is_missing(world: World) -> None:
    """And afterwards an emptied table is stopped by a brake, not filled or taken over."""
    with world.app() as app:
        assert app.shop["id"]
    found = look(world)
    assert (found.proof.count("missing"), found.exit_code, found.proof.here) == (30, 3, 0)
    assert look(world, repair=True).exit_code == 0
    assert world.value("SELECT count(*) FROM products") == 30


def test_brakes_stop_a_repair_before_its_first_write(world: World) -> None:
    """A shop that lost half of its products is not followed unasked."""
    world.pull()
    for place in range(12):
        world.server.edit(product=nth(world, place)[2], delete=True)
    before = world.revisions()
    stopped = look(world, repair=True)
    assert (stopped.exit_code, [run.error["code"] for run in stopped.repairs if run.error]) == (9, ["mass-delete"])
    assert world.revisions() == before
    done = look(world, repair=True, allow_deletes=True)
    assert (done.exit_code, told(done)) == (0, [])
    assert world.value("SELECT count(*) FROM products WHERE deleted_at IS NOT NULL") == 12


def test_a_refusal_is_told_as_such(world: World) -> None:
    """What Shopify does not take stays different, with that reason; a repair does not send it again."""
    world.pull()
    local_id, _, _ = nth(world, 1)
    world.sql("UPDATE product_variants SET price = '-5' WHERE product_id = ?", local_id)
    assert world.push().counts.failed == 1
    found = look(world)
    assert {why for _, why, _ in told(found)} == {"refused"}
    assert look(world, repair=True).repairs == []


def test_verify_runs_beside_a_sync_but_not_beside_itself(world: World) -> None:
    """Its lease is its own."""
    world.pull()
    with world.app() as app, world.app() as other:
        held = app.runner._acquire("products", ["verify"])
        (found,) = verify(other, ["products"])
        assert (found.run.status, found.exit_code, found.proof.status) == ("skipped", 8, "unknown")
        for lease in held:
            lease.release()
        held = app.runner._acquire("products", ["pull", "push"])
        (found,) = verify(other, ["products"])
        assert found.exit_code == 0
        for lease in held:
            lease.release()

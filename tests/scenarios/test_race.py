"""A record that changes on Shopify while we write it: nothing is overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from shopify_sync.records import Operation, Reply, RunResult, Transport
from tests.world import World


class Between:
    """Does something on Shopify just before (or after) one operation reaches it, once."""

    def __init__(self, inner: Transport, name: str, act: Callable[[], object], *, after: bool = False) -> None:
        self.inner, self.name, self.act, self.after, self.done = inner, name, act, after, False

    def send(self, operation: Operation) -> Reply:
        due = operation.name == self.name and not self.done
        self.done = self.done or due
        if due and not self.after:
            self.act()
        reply = self.inner.send(operation)
        if due and self.after:
            self.act()
        return reply


def push(world: World, name: str, act: Callable[[], object], *, after: bool = False) -> RunResult:
    with world.app() as app:
        app.client.transport = between = Between(app.client.transport, name, act, after=after)
        result = app.push("products")
    assert between.done
    return result


def test_a_change_before_the_look_is_merged(world: World) -> None:
    """What was read by the last pull is old; the push sees that and merges before it writes."""
    world.pull()
    number, handle = world.rows("SELECT shopify_id, handle FROM products WHERE id = 1")[0]
    world.sql("UPDATE products SET title = 'Ours' WHERE id = 1")
    result = push(world, "StampProducts", lambda: world.server.edit(product=handle, set={"vendor": "Theirs"}))
    assert result.status == "succeeded"
    assert (world.on_shopify(number)["title"], world.on_shopify(number)["vendor"]) == ("Ours", "Theirs")
    assert world.rows("SELECT title, vendor, dirty FROM products WHERE id = 1") == [("Ours", "Theirs", 0)]


def test_another_field_changed_between_look_and_write_is_taken_over(world: World) -> None:
    """Only what changed here is sent, so what somebody else changes meanwhile stays, and comes here with the answer."""
    world.pull()
    number, handle = world.rows("SELECT shopify_id, handle FROM products WHERE id = 1")[0]
    world.sql("UPDATE products SET title = 'Ours' WHERE id = 1")
    result = push(world, "SetProduct", lambda: world.server.edit(product=handle, set={"vendor": "Theirs"}))
    assert result.status == "succeeded"
    assert (world.on_shopify(number)["title"], world.on_shopify(number)["vendor"]) == ("Ours", "Theirs")
    assert world.rows("SELECT title, vendor FROM products WHERE id = 1") == [("Ours", "Theirs")]
    assert [run.counts.updated for run in world.sync()] == [0, 0]


def test_the_same_field_changed_after_our_write_is_a_timestamp_conflict(world: World) -> None:
    """Theirs is the later edit and stays; that it met ours is written down, and can be undone."""
    world.pull()
    number, handle = world.rows("SELECT shopify_id, handle FROM products WHERE id = 1")[0]
    world.sql("UPDATE products SET title = 'Ours' WHERE id = 1")
    result = push(world, "SetProduct", lambda: world.server.edit(product=handle, set={"title": "Theirs"}), after=True)
    assert result.status == "succeeded"
    assert world.on_shopify(number)["title"] == "Theirs"
    assert world.value("SELECT title FROM products WHERE id = 1") == "Theirs"
    rows = world.rows("SELECT type, field_path, status, decision FROM conflict_log")
    assert rows == [("timestamp", "title", "closed", "shopify")]


def test_a_local_edit_during_the_push_is_not_lost(world: World) -> None:
    """The row changes while its older state is on the way: the answer becomes the base, the edit stays and is sent."""
    world.pull()
    number = world.value("SELECT shopify_id FROM products WHERE id = 1")
    world.sql("UPDATE products SET title = 'First' WHERE id = 1")

    def edit() -> None:
        world.sql("UPDATE products SET title = 'Second', vendor = 'Late' WHERE id = 1")

    push(world, "SetProduct", edit)
    assert world.rows("SELECT title, vendor FROM products WHERE id = 1") == [("Second", "Late")]
    assert world.on_shopify(number)["title"] == "First"
    assert world.push().status == "succeeded"
    assert (world.on_shopify(number)["title"], world.on_shopify(number)["vendor"]) == ("Second", "Late")
    assert world.rows("SELECT count(*) FROM conflict_log") == [(0,)]


def test_a_variant_price_changed_between_look_and_write(world: World) -> None:
    """Variants are sent one by one, so the other variant's new price stays."""
    world.pull()
    local_id = world.value("SELECT product_id FROM product_variants GROUP BY product_id HAVING count(*) > 1 LIMIT 1")
    handle = world.value("SELECT handle FROM products WHERE id = ?", local_id)
    first, second = [
        row[0]
        for row in world.rows(
            "SELECT id FROM product_variants WHERE product_id = ? ORDER BY position LIMIT 2", local_id
        )
    ]
    world.sql("UPDATE product_variants SET price = '1.11' WHERE id = ?", first)
    change = {"position": 2, "price": "2.22"}
    push(world, "UpdateVariants", lambda: world.server.edit(product=handle, variants=[change]))
    prices = [world.value("SELECT price FROM product_variants WHERE id = ?", number) for number in (first, second)]
    assert [Decimal(price) for price in prices] == [Decimal("1.11"), Decimal("2.22")]


@pytest.mark.parametrize("take", ["local", "shopify"])
def test_an_edit_delete_conflict_is_carried_out(world: World, take: str) -> None:
    """Edited here, deleted there: made anew under a new id, or deleted here as well."""
    from shopify_sync.app import deciding

    world.pull()
    number, handle = world.rows("SELECT shopify_id, handle FROM products WHERE id = 1")[0]
    world.sql("UPDATE products SET title = 'Edited' WHERE id = 1")
    world.server.edit(product=handle, delete=True)
    assert world.sync()[-1].exit_code == 4
    with world.app() as app:
        chosen = deciding.Selection(every=True)
        deciding.resolve(app.database, app.shop["id"], app.clock, chosen, take=take, by="user:test")
    assert world.sync()[-1].exit_code == 0
    (row,) = world.rows("SELECT shopify_id, deleted_at, dirty FROM products WHERE id = 1")
    if take == "local":
        assert row[0] != number
        assert world.on_shopify(row[0])["title"] == "Edited"
        assert world.on_shopify(row[0])["handle"] == handle
    else:
        assert row[1] is not None
    assert [run.counts.updated + run.counts.created for run in world.sync()] == [0, 0]

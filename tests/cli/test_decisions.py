"""Decisions about conflicts, carried out by real syncs."""

from __future__ import annotations

from typing import Any

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.cli.conftest import OURS, THEIRS, Terminal, sql, title

FIELDS = {"title": "title", "descriptionHtml": "description_html", "vendor": "vendor"}


def both(terminal: Terminal, shop: SandboxServer) -> list[tuple[Any, Any]]:
    """(here, on Shopify) of the first product's title, description, vendor and first price."""
    number, local_id = sql(terminal, "SELECT shopify_id, id FROM products ORDER BY id LIMIT 1")[0]
    here = sql(terminal, f"SELECT {', '.join(FIELDS.values())} FROM products WHERE id = ?", local_id)[0]
    there = shop.shop.table("Product")[number]
    sides = [(ours, there[name]) for ours, name in zip(here, FIELDS, strict=True)]
    price = sql(
        terminal, "SELECT shopify_id, price FROM product_variants WHERE product_id = ? AND position = 1", local_id
    )
    return [*sides, (price[0][1], str(shop.shop.table("ProductVariant")[price[0][0]]["price"]))]


@pytest.mark.parametrize(
    ("takes", "values"),
    [
        (("local",) * 4, ("Ours", OURS, "Here", "11.00")),
        (("shopify",) * 4, ("Theirs", THEIRS, "There", "22.00")),
        (("merged",) * 4, ("Both", "<p>Both</p>", "Both", "15.50")),
        (("local", "shopify", "local", "shopify"), ("Ours", THEIRS, "Here", "22.00")),
    ],
    ids=["local", "shopify", "merged", "mixed"],
)
def test_sync_carries_decisions_out_on_both_sides(
    disputed: Terminal, shop: SandboxServer, takes: tuple[str, ...], values: tuple[str, ...]
) -> None:
    """And the sync after it finds nothing to do: what was decided stays."""
    rows = [row for row in disputed("conflicts", "list", "--json").json["conflicts"] if row["local_id"] == 1]
    for row, take, value in zip(rows, takes, values, strict=True):
        given = ("--value", value) if take == "merged" else ()
        assert disputed("conflicts", "resolve", str(row["id"]), "--take", take, *given).code == 0
    disputed("conflicts", "resolve", "--all", "--take", "shopify")  # the other product
    assert disputed("sync", "-q").code == 0
    assert both(disputed, shop) == [(value, value) for value in values]
    assert sql(disputed, "SELECT dirty FROM products WHERE id = 1") == [(0,)]
    log = [disputed("conflicts", "show", str(row["id"]), "--json").json for row in rows]
    assert [(row["status"], row["decision"]) for row in log] == [("closed", take) for take in takes]
    before = shop.stats()["mutations"]
    assert disputed("sync", "-q").code == 0
    assert (both(disputed, shop), shop.stats()["mutations"]) == ([(value, value) for value in values], before)


def test_a_decision_whose_losing_side_has_moved_is_open_again(disputed: Terminal, shop: SandboxServer) -> None:
    """Whoever decided has not seen the new value, so it is not overwritten, on either side."""
    rows = disputed("conflicts", "list", "--json").json["conflicts"]
    ours, mug = title(disputed), next(row for row in rows if row["local"] == "Mug")
    disputed("conflicts", "resolve", str(ours["id"]), "--take", "local")
    disputed("conflicts", "resolve", str(mug["id"]), "--take", "shopify")
    shop.edit(product=ours["record_key"], set={"title": "Theirs, later"})
    sql(disputed, "UPDATE products SET title = 'Mug, later' WHERE id = ?", mug["local_id"])
    assert disputed("sync", "-q").code == 4
    for row, here, there in ((ours, "Ours", "Theirs, later"), (mug, "Mug, later", "Cup")):
        now = disputed("conflicts", "show", str(row["id"]), "--json").json
        assert (now["status"], now["decision"], now["local"], now["remote"]) == ("open", None, here, there)
        assert sql(disputed, "SELECT title FROM products WHERE id = ?", row["local_id"]) == [(here,)]
        assert shop.shop.table("Product")[row["shopify_id"]]["title"] == there
    disputed("conflicts", "resolve", str(ours["id"]), "--take", "local")
    disputed("sync", "-q")
    assert shop.shop.table("Product")[ours["shopify_id"]]["title"] == "Ours"


def test_a_decision_that_was_carried_out_is_undone_through_the_next_sync(
    disputed: Terminal, shop: SandboxServer
) -> None:
    """The value that lost is a local edit like any other: the next sync takes it to Shopify."""
    rows = disputed("conflicts", "list", "--json").json["conflicts"]
    mug = next(row for row in rows if row["local"] == "Mug")
    assert disputed("conflicts", "resolve", str(mug["id"]), "--take", "shopify").code == 0
    disputed("sync", "-q")
    assert sql(disputed, "SELECT title, dirty FROM products WHERE id = ?", mug["local_id"]) == [("Cup", 0)]
    done = disputed("conflicts", "undo", str(mug["id"]))
    assert (done.code, "title: Mug (local) is back" in done.out, "sync` carries it over" in done.out) == (
        0, True, True,
    ), done.err  # fmt: skip
    assert sql(disputed, "SELECT title, dirty FROM products WHERE id = ?", mug["local_id"]) == [("Mug", 1)]
    disputed("sync", "-q")
    assert shop.shop.table("Product")[mug["shopify_id"]]["title"] == "Mug"
    again = disputed("conflicts", "undo", str(mug["id"]))
    assert (again.code, "was changed after the decision" in again.err) == (2, True), again.err

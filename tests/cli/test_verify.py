"""`verify` on the command line: what it prints, its JSON, its exit codes."""

from __future__ import annotations

import sqlite3

from shopify_sync.sandbox import SandboxServer
from tests.cli.conftest import Terminal

KEYS = {
    "entity", "status", "as_of", "counts", "waiting", "proof", "missing", "extra", "different", "notes", "run",
    "repair",
}  # fmt: skip
LONG = "A title that goes on and on, well beyond what any line of eighty columns has room for, and then some more"


def sql(terminal: Terminal, statement: str) -> None:
    with sqlite3.connect(terminal.folder / "shop.db") as connection:
        connection.execute(statement)
    connection.close()


def test_equal_sides_are_one_sentence_and_exit_0(terminal: Terminal) -> None:
    terminal("sync")
    done = terminal("verify")
    assert (done.code, done.out.splitlines()[0][:70]) == (
        0,
        "products: 12 on both sides; 0 missing, 0 extra, 0 different, as of 202"[:70],
    )
    assert "next:" not in done.out
    assert terminal("verify", "-q").out == ""
    assert "products verify" in terminal("status").out
    assert terminal("history", "--json").json["runs"][0]["direction"] == "verify"


def test_what_differs_is_named_within_80_columns_with_what_to_do(terminal: Terminal, shop: SandboxServer) -> None:
    terminal("sync")
    handles = [row["handle"] for row in terminal("products", "list", "--json").json["products"]]
    sql(terminal, f"UPDATE products SET title = '{LONG}' WHERE handle = '{handles[0]}'")
    sql(terminal, f"UPDATE products SET vendor = 'unseen', sync_rev = sync_rev + 1 WHERE handle = '{handles[1]}'")
    shop.edit(create={"title": "Made [bold]there[/bold]"})
    shop.edit(product=handles[2], delete=True)
    done = terminal("verify")
    assert (done.code, done.err) == (3, "")
    for words in (
        "missing: on Shopify, not here (1)",
        "new on Shopify since the last pull",
        "deleted on Shopify since the last pull",
        "changed here; waits for push",
        "altered here, unseen by any trigger",
        "1 missing, 1 extra, 2 different",
        "verify --repair",
    ):
        assert words in done.out
    assert max(len(line) for line in done.out.splitlines() if not line.startswith(("next:", "products:"))) <= 80
    assert "\x1b" not in done.out
    told = terminal("verify", "--json", "--dry-run")
    (document,) = told.json["entities"]
    assert (told.code, told.json["status"], set(document)) == (3, "different", KEYS)
    assert document["counts"] == {
        "here": 12, "shopify": 12, "left_on_shopify": 0, "missing": 1, "extra": 1, "different": 2,
    }  # fmt: skip
    assert set(document["different"][0]) == {"record", "local_id", "shopify_id", "why", "conflict_id", "fields"}
    assert set(document["different"][0]["fields"][0]) == {"field", "here", "shopify", "why", "conflict_id"}
    repaired = terminal("verify", "--repair")
    assert (repaired.code, "repaired 4 of 4 records" in repaired.out) == (0, True), repaired.out
    assert terminal("verify").code == 0


def test_only_conflicts_are_exit_4(terminal: Terminal, shop: SandboxServer) -> None:
    terminal("sync")
    handle = terminal("products", "list", "--json").json["products"][0]["handle"]
    sql(terminal, f"UPDATE products SET title = 'Ours' WHERE handle = '{handle}'")
    shop.edit(product=handle, set={"title": "Theirs"})
    terminal("sync")
    done = terminal("verify")
    assert (done.code, "in dispute (conflict 1)" in done.out) == (4, True)
    assert "next: `shopify-sync conflicts list`" in done.out


def test_what_stops_it_keeps_its_exit_code(terminal: Terminal) -> None:
    assert terminal("verify", "gadgets").code == 2
    assert terminal("verify", SHOPIFY_ACCESS_TOKEN="shpat_wrong").code == 5
    away = terminal("verify", "--json", SHOPIFY_API_URL="http://127.0.0.1:1")
    assert (away.code, away.json["status"]) == (6, "unknown")

"""`conflicts …` through the installed program: disputes that real syncs found, and rows of every other kind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.cli.conftest import COMMAND, OURS, THEIRS, Finished, Terminal, sql, title

KEYS = {
    "id", "entity", "record_key", "local_id", "shopify_id", "type", "field_path", "base", "local", "remote", "status",
    "decision", "merged", "decided_by", "decided_at", "closed_reason", "policy", "run_id", "shop_id", "created_at",
}  # fmt: skip


def add(terminal: Terminal, path: str, base: Any, local: Any, remote: Any, **columns: Any) -> int:
    """A row of `conflict_log` as the sync writes one; its id."""
    values = {"shop_id": 1, "entity": "products", "local_id": 1, "record_key": "mug", "type": "data"}
    values |= {"field_path": path, "status": "open", "created_at": "2026-11-24T12:00:00Z"} | columns
    sides = {"base": base, "local": local, "remote": remote, "merged": columns.get("merged")}
    values |= {side: None if value is None else json.dumps(value) for side, value in sides.items()}
    marks = ", ".join("?" * len(values))
    sql(terminal, f"INSERT INTO conflict_log ({', '.join(values)}) VALUES ({marks})", *values.values())
    return int(sql(terminal, "SELECT max(id) FROM conflict_log")[0][0])


@pytest.fixture
def empty(terminal: Terminal) -> Terminal:
    """A database with a shop and no record."""
    terminal("db", "upgrade")
    terminal.environment["SHOPIFY_SHOP_DOMAIN"] = "demo.myshopify.com"
    sql(terminal, "INSERT INTO shops (id, domain) VALUES (1, 'demo.myshopify.com')")
    return terminal


def by_path(terminal: Terminal) -> dict[str, dict[str, Any]]:
    return {row["field_path"]: row for row in terminal("conflicts", "list", "--json").json["conflicts"]}


def on_a_terminal(terminal: Terminal, line: str, stdin: str = "", **environment: str) -> Finished:
    """The command on a terminal of 80 columns."""
    done = subprocess.run(
        ["script", "-qec", f"stty cols 80; {COMMAND} {line}", os.devnull],
        cwd=terminal.folder, env=terminal.environment | {"TERM": "xterm-256color"} | environment, input=stdin,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout.replace("\r\n", "\n"), done.stderr)


def test_no_conflict_is_0_and_an_open_one_4(empty: Terminal) -> None:
    assert (empty("conflicts", "list").code, empty("conflicts", "list").out) == (0, "no conflict waits\n")
    number = add(empty, "title", "Old", "Ours", "Theirs")
    listed = empty("conflicts", "list")
    assert (listed.code, "1 open, 0 decided" in listed.out, "next:" in listed.out) == (4, True, True)
    assert empty("conflicts", "resolve", str(number), "--take", "local").code == 0
    listed = empty("conflicts", "list")
    assert (listed.code, "0 open, 1 decided" in listed.out, "`shopify-sync sync`" in listed.out) == (0, True, True)
    assert empty("conflicts", "list", "--entity", "orders").out == "no conflict waits\n"


def test_json_has_the_same_keys_everywhere(disputed: Terminal) -> None:
    listed = disputed("conflicts", "list", "--json").json
    assert (set(listed), listed["open"], listed["decided"]) == ({"open", "decided", "conflicts"}, 5, 0)
    assert all(set(row) == KEYS for row in listed["conflicts"])
    row = title(disputed)
    assert disputed("conflicts", "show", str(row["id"]), "--json").json == row
    done = disputed("conflicts", "resolve", str(row["id"]), "--take", "shopify", "--json").json
    assert (done["queued"], set(done["decisions"][0]) == KEYS) == (1, True)
    (entry, *_) = disputed("conflicts", "log", "--json").json["log"]
    assert entry == done["decisions"][0]
    assert entry["decided_by"].startswith("user:")
    undone = disputed("conflicts", "undo", str(row["id"]), "--json").json
    assert (undone["effect"], undone["id"], undone["take"]) == ("reopened", row["id"], None)
    assert title(disputed) == row
    line = f"set -o pipefail; {COMMAND} conflicts list --json | {sys.executable} -m json.tool"
    checked = subprocess.run(
        ["bash", "-c", line], env=disputed.environment, cwd=disputed.folder, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (4, b"")


def test_a_decision_is_queued_and_can_be_taken_back(disputed: Terminal, shop: SandboxServer) -> None:
    """Resolving writes to neither side."""
    row, before = title(disputed), shop.stats()["mutations"]
    done = disputed("conflicts", "resolve", str(row["id"]), "--take", "local")
    assert done.out == "queued: 1 decision; `shopify-sync sync` carries it out\n"
    shown = disputed("conflicts", "show", str(row["id"]))
    assert "decided: local, by user:" in shown.out
    assert shop.stats()["mutations"] == before
    assert sql(disputed, "SELECT title FROM products WHERE id = ?", row["local_id"]) == [("Ours",)]
    assert "is open again" in disputed("conflicts", "undo", str(row["id"])).out


def test_many_at_once(disputed: Terminal) -> None:
    """All of one record, all of one field; the count is told."""
    key = title(disputed)["record_key"]
    done = disputed("conflicts", "resolve", "--record", key, "--take", "local")
    assert done.out == ("4 conflicts of 1 record: local\nqueued: 4 decisions; `shopify-sync sync` carries them out\n")
    done = disputed("conflicts", "resolve", "--all", "--field", "title", "--take", "merged", "--value", "Same")
    assert done.out == "queued: 1 decision; `shopify-sync sync` carries it out\n"
    assert disputed("conflicts", "resolve", "--all", "--take", "shopify").out == "queued: 0 decisions\n"
    assert disputed("conflicts", "resolve", "--entity", "products", "--take", "local", "-q").out == ""
    assert disputed("conflicts", "list").code == 0


def test_a_value_from_standard_input(disputed: Terminal) -> None:
    """The last line break is the shell's; all else is the value."""
    row = by_path(disputed)["description_html"]
    text = "<p>Línea uno</p>\n<p>“two”</p>"
    done = disputed("conflicts", "resolve", str(row["id"]), "--take", "merged", "--value", "-", stdin=text + "\n")
    assert done.code == 0, done.err
    assert disputed("conflicts", "show", str(row["id"]), "--json").json["merged"] == text
    price = next(row for path, row in by_path(disputed).items() if path.endswith(".price"))
    ids = ("conflicts", "resolve", str(price["id"]), "--take", "merged", "--value")
    assert disputed(*ids, "15.50", "--json").json["decisions"][0]["merged"] == "15.50"


def test_a_list_of_texts_is_given_as_json(empty: Terminal) -> None:
    number = add(empty, "tags", [], ["a"], ["c"])
    ids = ("conflicts", "resolve", str(number), "--take", "merged", "--value")
    refused = empty(*ids, "a, b")
    assert (refused.code, "JSON list of texts" in refused.err) == (2, True), refused.err
    assert empty(*ids, '["a", "c"]', "--json").json["decisions"][0]["merged"] == ["a", "c"]


def test_what_cannot_be_resolved_is_told_at_once(disputed: Terminal) -> None:
    price = next(row["id"] for path, row in by_path(disputed).items() if path.endswith(".price"))
    for arguments, says in (
        (("98", "99", str(price), "--take", "local"), "no conflict 98, 99"),
        ((str(price), "--take", "merged", "--value", "a, b"), "decimal number"),
        ((str(price), "--take", "merged"), "--value"),
        ((str(price), "--take", "theirs"), "local, shopify, merged"),
        ((str(price), "--field", "titel", "--take", "local"), "they are about: variants["),
        ((str(price), "--all", "--take", "local"), "exclude each other"),
        ((str(price),), "--take local|shopify|merged"),
        (("--take", "local"), "--all"),
        (("--interactive", "--take", "local"), "--interactive"),
        (("--all", "--entity", "gadgets", "--take", "local"), "products"),
        (("x", "--take", "local"), "'x'"),
    ):
        done = disputed("conflicts", "resolve", *arguments)
        assert (done.code, says in done.err, "next:" in done.err, done.out) == (2, True, True, ""), done.err
    told = disputed("conflicts", "resolve", "98", "99", "--take", "local", "--json").json["error"]
    assert (told["exit_code"], told["details"]) == (2, {"unknown": [98, 99], "closed": []})
    assert disputed("conflicts", "list", "--json").json["decided"] == 0
    for command in ("show", "undo"):
        for number in ("99", "99999999999999999999"):
            done = disputed("conflicts", command, number)
            assert (done.code, f"no conflict {number}" in done.err) == (2, True), done.err


def test_one_after_the_other_from_a_pipe(disputed: Terminal) -> None:
    """Letters and values one a line; an unknown answer is asked again; the end of the input ends it."""
    done = disputed("conflicts", "resolve", "--interactive", stdin="x\n\nl\ne\n<p>Mine</p>\nk\n")
    assert done.code == 0, done.err
    assert ("1/5" in done.out, "4/5" in done.out, "3 left open" in done.out) == (True, True, True)
    assert done.out.count("answer with one of these letters") == 2
    assert "queued: 2 decisions; `shopify-sync sync` carries them out" in done.out
    rows = sql(disputed, "SELECT status, decision, merged FROM conflict_log ORDER BY id")
    assert [row[:2] for row in rows] == [("decided", "local"), ("decided", "merged")] + [("open", None)] * 3
    assert json.loads(rows[1][2]) == "<p>Mine</p>"
    again = disputed("conflicts", "resolve", "--interactive", stdin="k\ne\ncheap\ne\n9.50\nq\n")
    assert ("1/3" in again.out, "decimal number" in again.out, "queued: 1 decision;" in again.out) == (
        True, True, True,
    )  # fmt: skip
    nothing = disputed("conflicts", "resolve", "--interactive", "--record", "absent")
    assert (nothing.code, nothing.out) == (0, "no conflict waits\n")


def test_a_value_is_made_in_the_editor(disputed: Terminal) -> None:
    """It begins with what is here; a file that was not changed decides nothing."""
    number = by_path(disputed)["description_html"]["id"]
    editor = disputed.folder / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/cotton/hemp/\' "$1"\necho >> "$1"\n')
    editor.chmod(0o755)
    line = f"conflicts resolve {number} --interactive"
    unchanged = on_a_terminal(disputed, line, "e\nq\n", EDITOR="true")
    assert "nothing was changed" in unchanged.out
    done = on_a_terminal(disputed, line, "e\n", EDITOR=str(editor))
    assert "queued: 1 decision" in done.out, done.out
    merged = disputed("conflicts", "show", str(number), "--json").json["merged"]
    assert merged == OURS.replace("cotton", "hemp")


def test_long_text_is_shown_word_by_word(empty: Terminal) -> None:
    """Readable without colour: what goes in [-…-], what comes in {+…+}; a long equal stretch is left out."""
    base = "<p>A fine <b>silk</b> tee.</p>\n<p>" + "It fits well. " * 60 + "</p><p>Wash cold.</p>"
    local, remote = base.replace("silk", "cotton"), base.replace("Wash cold", "Wash it hot")
    done = empty("conflicts", "show", str(add(empty, "description_html", base, local, remote)))
    text = " ".join(done.out.split())
    for words in ("base → here", "base → shopify", "[-silk-]{+cotton+}", "Wash [-cold-]{+it hot+}", "…"):
        assert words in text, done.out
    assert "characters;" in text  # side by side it is cut
    assert max(map(len, done.out.splitlines())) <= 80
    linked = empty("conflicts", "show", str(add(empty, "description_html", None, local, remote, local_id=2)))
    assert "here → shopify" in linked.out


def test_80_columns_with_and_without_colour(empty: Terminal) -> None:
    path = "variants[Extraordinarily Large / Cornflower Blue with Stripes / Linen].compare_at_price"
    number = add(empty, path, "10.00", "12.00", "9.00", record_key="a-handle-that-is-longer-than-most-of-them-are")
    text = add(empty, "description_html", "<p>Old</p>", OURS, THEIRS)
    for command in (f"show {number}", f"show {text}", "list", "log"):
        plain = on_a_terminal(empty, f"conflicts {command}", NO_COLOR="1")
        lines = re.sub(r"\x1b\[[0-9;]*m", "", plain.out).splitlines()
        assert max(map(len, lines)) <= 80, plain.out
        assert re.search(r"\x1b\[[0-9;]*3[0-9]", plain.out) is None, plain.out
        assert "12.00" in plain.out or "cotton" in plain.out or command == "log"
    coloured = on_a_terminal(empty, f"conflicts show {text}").out
    assert ("\x1b[31m[-Old-]" in coloured, "\x1b[32m{+A fine" in coloured) == (True, True), coloured


def test_lists_elements_and_records_are_readable(empty: Terminal) -> None:
    variant = {"price": "12.00", "sku": "S-1", "option_values": {"Size": "S", "Hue": "Red"}, "barcode": None}
    record = {"title": "Mug", "vendor": "Acme", "variants": [{"price": "1"}], "tags": ["a"]}
    for path, base, local, remote, kind, shown in (
        ("tags", [], ["a", "b"], ["c"], "data", ("(none)", "• a", "• b", "• c")),
        (
            "variants[S / Red]",
            variant,
            None,
            variant | {"price": "9"},
            "data",
            ("(deleted)", "price: 9", "Size: S,"),
        ),
        ("", record, record | {"title": "Cup"}, None, "version", ("title: Cup", "(deleted)", "deleted on Shopify")),
        ("media.order", None, None, None, "data", ("local|shopify`",)),
        ("variants", [{"price": "1"}], [], [{"price": "2"}], "data", ("• price: 2", "local|shopify`")),
        ("vendor", "A", None, "", "data", ("(null)", "(empty)", "local|shopify|merged")),
        ("requires_selling_plan", False, True, False, "data", ("true", "false")),
    ):
        done = empty("conflicts", "show", str(add(empty, path, base, local, remote, type=kind, local_id=len(path) + 9)))
        assert done.code == 0, done.err
        for words in shown:
            assert words in done.out, done.out
        for words in ("Acme", "barcode"):  # which nobody changed, and which nobody has
            assert words not in done.out
    listed = empty("conflicts", "list").out
    assert ("whole record" in listed, "a, b" in listed) == (True, True)


def test_values_cannot_command_the_terminal(empty: Terminal) -> None:
    number = add(empty, "title", "\x1b[2J", "a\x07b", "[bold]x", record_key="\x1b[31mred")
    for command in (("show", str(number)), ("list",), ("log",)):
        out = empty("conflicts", *command).out
        assert "\x1b" not in out
        assert "\x07" not in out
    assert "[bold]x" in empty("conflicts", "show", str(number)).out


def test_a_choice_that_deletes_says_so(empty: Terminal) -> None:
    add(empty, "", {"title": "Mug"}, None, {"title": "Cup"}, type="version")
    add(empty, "variants[S]", {"sku": "1"}, {"sku": "2"}, None)
    there = empty("conflicts", "resolve", "1", "--take", "local").out
    assert "was deleted on the side that wins, so it goes on Shopify as well" in there
    here = empty("conflicts", "resolve", "2", "--take", "shopify").out
    assert "mug variants[S] was deleted on the side that wins, so it goes here as well" in here
    assert "note:" not in empty("conflicts", "resolve", "1", "--take", "shopify").out


def test_the_log_tells_who_decided_what_and_why(empty: Terminal) -> None:
    done = {"status": "closed", "decided_at": "2026-11-24T13:00:00Z"}
    add(empty, "title", "A", "B", "C", **done, decision="shopify", decided_by="policy:newest", closed_reason="newer")
    add(empty, "title", "A", "B", "C", **done, decision="moot", decided_by="sync", closed_reason="both sides agree now")
    add(empty, "title", "A", "B", "C", record_key="cup")
    shown = empty("conflicts", "log")
    for words in ("policy:newest", "newer", "moot", "both sides agree now", "waits for a decision"):
        assert words in shown.out
    assert [row["id"] for row in empty("conflicts", "log", "--json").json["log"]] == [2, 1, 3]
    assert [row["id"] for row in empty("conflicts", "log", "--limit", "1", "--json").json["log"]] == [2]
    assert [row["id"] for row in empty("conflicts", "log", "--record", "cup", "--json").json["log"]] == [3]
    assert [row["id"] for row in empty("conflicts", "list", "--all", "--json").json["conflicts"]] == [1, 2, 3]
    assert "puts back the value that lost" in empty("conflicts", "show", "1").out
    assert "reason: both sides agree now" in empty("conflicts", "show", "2").out


def test_a_database_of_several_shops_asks_which(empty: Terminal) -> None:
    sql(empty, "INSERT INTO shops (id, domain) VALUES (2, 'other.myshopify.com')")
    add(empty, "title", "A", "B", "C", shop_id=2)
    assert empty("conflicts", "resolve", "1", "--take", "local").code == 2
    assert empty("conflicts", "list", "--shop", "demo.myshopify.com").code == 0
    done = empty("conflicts", "resolve", "1", "--take", "local", "--shop", "other.myshopify.com")
    assert done.code == 0, done.err


def test_help_says_what_becomes_of_a_decision(bare: Terminal) -> None:
    text = " ".join(bare("conflicts", "resolve", "--help").out.split())
    assert "the side that is to give way no longer has the value" in text
    assert "open again" in text

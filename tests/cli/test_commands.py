"""Each command through the installed program: what it prints, its JSON, its exit code."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.cli.conftest import COMMAND, Terminal

RUN = {"run_id", "entity", "direction", "status", "counts", "api", "started_at", "finished_at", "errors"}


def test_the_demo_shows_what_moved_and_leaves_nothing_running(bare: Terminal) -> None:
    done = bare.cold("demo")
    assert (done.code, done.err) == (0, "")
    for words in (
        "here, from Shopify", "on Shopify, from here", "in dispute", "Called this here",
        "0 missing, 0 extra, 0 different", "is what it was before the sync", "What it cost", "requests", "points",
    ):  # fmt: skip
        assert words in done.out
    assert "\x1b" not in done.out  # a pipe gets no colours
    paths = [word for line in done.out.splitlines() for word in line.split() if word.endswith("shop.db")]
    assert Path(paths[0]).exists()


def test_the_demo_reads_nobodys_configuration(bare: Terminal) -> None:
    (bare.folder / "config.yaml").write_text("shop: {domain: real.myshopify.com}\nretry: {retries: nonsense}\n")
    done = bare("demo", "--json", SHOPIFY_SHOP_DOMAIN="real.myshopify.com", SHOPIFY_API_URL="http://127.0.0.1:1")
    assert done.code == 0
    assert [run["direction"] for run in done.json["runs"]] == ["pull", "pull", "push", "pull", "push", "verify", "undo"]
    moved = {
        (str(change["to"]), action["direction"])
        for action in done.json["plan"]["actions"]
        for change in action["changes"]
    }
    assert {("Renamed by the merchant", "pull"), ("Demo Mug", "push"), ("19.95", "push"), ("8.00", "pull")} <= moved
    assert ("Demo Mug", "pull") not in moved
    assert [conflict["field"] for conflict in done.json["conflicts"]] == ["title"]
    assert ([proof["status"] for proof in done.json["verify"]], done.json["undone"]) == (["equal"], True)


def test_a_first_day(terminal: Terminal, shop: SandboxServer) -> None:
    """init, doctor, sync, list, show, an edit by SQL, push, status, history: each with an exit code of 0."""
    terminal.environment.pop("SHOPIFY_SYNC_DATABASE_URL")
    made = terminal("init")
    assert (made.code, "next:" in made.out) == (0, True)
    assert (terminal.folder / "config.yaml").stat().st_mode & 0o777 == 0o600
    assert terminal("init").code == 2
    checked = terminal("doctor")
    assert (checked.code, "\nfail" in checked.out) == (0, False), checked.out
    done = terminal("sync")
    assert (done.code, "12 new" in done.out) == (0, True), done.err
    listed = terminal("products", "list", "--limit", "3", "--json").json["products"]
    assert len(listed) == 3
    shown = terminal("products", "show", listed[0]["handle"], "--json").json
    assert shown["title"] == listed[0]["title"]
    assert shown["variants"]
    path = terminal.folder / "data" / "shopify-sync" / "shopify-sync.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE products SET title = 'By SQL' WHERE id = ?", (listed[0]["id"],))
    connection.close()
    assert "1 changed" in terminal("status").out
    assert "By SQL" in terminal("products", "list", "--changed").out
    pushed = terminal("products", "push", "--json").json
    assert set(pushed) >= RUN
    assert (pushed["status"], pushed["counts"]["updated"], pushed["errors"]) == ("succeeded", 1, [])
    assert shop.shop.table("Product")[shown["shopify_id"]]["title"] == "By SQL"
    runs = terminal("history", "--json").json["runs"]
    assert [run["direction"] for run in runs] == ["push", "push", "pull"]
    assert terminal("history", "show", str(runs[0]["run_id"])).code == 0
    assert terminal("history", "prune", "--older-than", "0d", "--json").json == {"pruned": 3}


@pytest.mark.parametrize(
    "arguments",
    [
        ("sync",), ("products", "sync"), ("products", "pull"), ("products", "push"), ("products", "list"), ("status",),
        ("history",), ("conflicts", "list"), ("breaker", "status"), ("breaker", "trip"), ("breaker", "reset"),
        ("doctor",), ("config", "show"), ("config", "path"), ("config", "validate"), ("db", "current"),
        ("db", "check"), ("db", "upgrade"), ("retry",),
    ],
)  # fmt: skip
def test_json_is_one_document_and_nothing_else(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    """Progress and logs go to standard error, however talkative."""
    terminal("db", "upgrade")
    done = terminal("-vv", *arguments, "--json")
    assert done.code == 0, done.err
    assert isinstance(json.loads(done.out), dict)


def test_quiet_says_nothing_when_all_is_well(terminal: Terminal) -> None:
    done = terminal("sync", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_dry_run_writes_nothing(terminal: Terminal, shop: SandboxServer) -> None:
    """Not even the database that it would make."""
    shown = terminal("products", "pull", "--dry-run", "--json")
    assert (shown.code, shown.json["totals"]) == (0, {"database": 12, "shopify": 0, "conflicts": 0, "refused": 0})
    assert not list(terminal.folder.glob("shop.db*"))
    assert terminal("sync").code == 0
    before = (terminal.folder / "shop.db").read_bytes(), shop.digest()
    for command in (("plan",), ("sync", "--dry-run"), ("products", "push", "--dry-run"), ("plan", "--full")):
        assert terminal(*command).code == 0
    assert ((terminal.folder / "shop.db").read_bytes(), shop.digest()) == before


def test_a_pipe_that_closes_early_is_no_error(terminal: Terminal) -> None:
    terminal("sync")
    line = f"{COMMAND} products show 1 | head -1; {COMMAND} products list --json | head -2"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=terminal.folder, env=terminal.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[-2:] == ["{", '  "products": [']


def test_a_closed_pipe_ends_with_the_code_of_sigpipe(terminal: Terminal) -> None:
    """Tables are written by rich, which would exit with 1, the code of a fault."""
    terminal("sync")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [COMMAND, "status"],
            cwd=terminal.folder, env=terminal.environment, stdout=closed, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["--version", "--help", "status", "status --json"])
def test_a_full_disk_under_the_output_is_told_as_such(terminal: Terminal, command: str) -> None:
    terminal("sync")
    done = subprocess.run(
        ["bash", "-c", f"{COMMAND} {command} > /dev/full"],
        cwd=terminal.folder, env=terminal.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "fault of shopify-sync" not in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_run_with_130_and_it_resumes(
    terminal: Terminal, shop: SandboxServer, sent: signal.Signals
) -> None:
    """The run is marked, the lease given back, and the next one goes on."""
    shop.fault("latency:60000@nodes=once")
    running = terminal.start("products", "pull", "--no-progress")
    while shop.stats()["requests"] < 2:
        assert not running.wait(0.01)
    running.send_signal(sent)
    assert (running.finish(30), "Traceback" in running.err) == (130, False), (running.out, running.err)
    assert terminal("history", "--json").json["runs"][0]["status"] == "interrupted"
    shop.faults.replace(())
    assert terminal("products", "pull", "--json").json["counts"]["created"] == 12


def test_two_runs_of_one_entity_at_a_time(terminal: Terminal, shop: SandboxServer) -> None:
    """The second says who holds the lease, and ends with 8; nobody waits."""
    terminal("status")
    shop.fault("latency:60000@nodes=once")
    first = terminal.start("products", "pull")
    while shop.stats()["requests"] < 2:
        assert not first.wait(0.01)
    second = terminal("products", "pull")
    assert (second.code, "already-running" in second.err, "Traceback" in second.err) == (8, True, False), second.err
    first.send_signal(signal.SIGKILL)
    first.finish()
    shop.faults.replace(())
    third = terminal("products", "pull", "--json")
    assert (third.code, third.json["counts"]["created"]) == (0, 12)
    statuses = [run["status"] for run in terminal("history", "--json").json["runs"]]
    assert statuses == ["succeeded", "interrupted"]


def test_conflicts_are_shown_and_make_the_exit_code_4(terminal: Terminal, shop: SandboxServer) -> None:
    terminal("sync")
    listed = terminal("products", "list", "--json").json["products"][0]
    with sqlite3.connect(terminal.folder / "shop.db") as connection:
        connection.execute("UPDATE products SET title = 'Here [bold]' WHERE id = ?", (listed["id"],))
    connection.close()
    shop.edit(product=listed["handle"], set={"title": "There"})
    done = terminal("sync")
    assert (done.code, "conflicts list" in done.out) == (4, True)
    found = terminal("conflicts", "list", "--json")
    assert (found.code, found.json["conflicts"][0]["record_key"]) == (4, listed["handle"])
    shown = terminal("conflicts", "show", str(found.json["conflicts"][0]["id"]))
    assert "Here [bold]" in shown.out  # what a field says is no markup
    assert "There" in shown.out


def test_narrow_terminals_and_no_color(terminal: Terminal) -> None:
    terminal("sync")
    for command in (("status",), ("history",), ("products", "list"), ("products", "show", "1")):
        line = " ".join((str(COMMAND), *command))
        done = subprocess.run(
            ["script", "-qec", f"stty cols 80; {line}", os.devnull],
            cwd=terminal.folder, env=terminal.environment | {"TERM": "xterm", "NO_COLOR": "1"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0
        assert "\x1b[3" not in done.stdout.replace("\x1b[3m", ""), command  # no colour


def test_import_asks_for_no_credentials_unless_it_pushes(bare: Terminal) -> None:
    """It is local work. Without a shop's name the only one of the database is meant."""
    (bare.folder / "p.csv").write_text("Handle,Title,Variant Price\nmug,Mug,3\n")
    told = bare("import", "p.csv")
    assert (told.code, "SHOPIFY_SHOP_DOMAIN" in told.err, "credentials" in told.err) == (2, True, False), told.err
    pushed = bare("import", "p.csv", "--push", "--shop", "demo.myshopify.com")
    assert (pushed.code, "credentials" in pushed.err, pushed.out) == (2, True, "")
    first = bare("import", "p.csv", "--json", "--shop", "demo.myshopify.com")
    assert (first.code, first.json["files"][0]["counts"]["created"]) == (0, 1), first.err
    again = bare("import", "p.csv", "--json")
    assert (again.code, again.json["files"][0]["counts"]["unchanged"]) == (0, 1), again.err
    assert bare("sync").code == 2

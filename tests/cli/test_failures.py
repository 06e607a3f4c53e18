"""What goes wrong outside: no shop, no access, no database. Each has its exit code, its advice, and harms nothing."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.cli.conftest import COMMAND, Finished, Terminal, sql

QUICK = "retry: {base_s: 0.01, cap_s: 0.02, deadline_s: 20}\nbreaker: {timeout_s: %s}\n"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def edited(terminal: Terminal) -> None:
    """A local change that waits for a push."""
    with sqlite3.connect(terminal.folder / "shop.db") as connection:
        connection.execute("UPDATE products SET title = 'Waits' WHERE id = 1")
    connection.close()


def test_a_wrong_token_ends_with_5_and_says_what_to_do(terminal: Terminal) -> None:
    terminal("sync")
    edited(terminal)
    for command in (("products", "pull"), ("products", "push"), ("sync",), ("sync", "--dry-run")):
        done = terminal(*command, SHOPIFY_ACCESS_TOKEN="shpat_wrong")
        assert (done.code, "token-rejected" in done.err, "next:" in done.err) == (5, True, True), done.err
        assert "SHOPIFY_ACCESS_TOKEN" in done.err


def test_doctor_ends_with_the_code_of_what_is_wrong(terminal: Terminal, closed_port: int) -> None:
    """The codes of the other commands, so that a script may ask it why a sync failed."""
    terminal("db", "upgrade")
    assert terminal("doctor").code == 0
    (terminal.folder / "config.yaml").write_text(QUICK % "0.5")
    away = f"http://127.0.0.1:{closed_port}"
    absent = f"postgresql://sync@127.0.0.1:{closed_port}/shop"
    with SandboxServer(products=1, seed=1, scopes=("read_inventory",)) as narrow:
        for code, environment in (
            (2, {"SHOPIFY_ACCESS_TOKEN": ""}),
            (5, {"SHOPIFY_ACCESS_TOKEN": "shpat_wrong"}),
            (5, {"SHOPIFY_API_URL": narrow.url, "SHOPIFY_ACCESS_TOKEN": narrow.token}),
            (6, {"SHOPIFY_API_URL": away}),
            (7, {"SHOPIFY_SYNC_DATABASE_URL": absent}),
        ):
            done = terminal("doctor", **environment)
            assert done.code == code, (environment, done.out, done.err)
            assert "next:" in done.out + done.err


def test_a_missing_scope_is_named(terminal: Terminal) -> None:
    with SandboxServer(products=1, seed=1, scopes=("read_inventory",)) as narrow:
        done = terminal("products", "pull", SHOPIFY_API_URL=narrow.url, SHOPIFY_ACCESS_TOKEN=narrow.token)
    assert (done.code, "read_products" in done.err) == (5, True), done.err


def test_an_outage_fails_once_then_the_breaker_answers_then_one_probe_closes_it(
    terminal: Terminal, closed_port: int
) -> None:
    """Three times cron: the first fails after its retries, the next ones end at once; later one probe heals it."""
    (terminal.folder / "config.yaml").write_text(QUICK % "0.5")
    away = f"http://127.0.0.1:{closed_port}"
    first = terminal("products", "pull", "--json", SHOPIFY_API_URL=away)
    assert (first.code, first.json["status"], first.json["api"]["requests"]) == (6, "failed", 4), first.out
    (terminal.folder / "config.yaml").write_text(QUICK % "3600")
    for _ in range(2):
        later = terminal("products", "pull", "--json", SHOPIFY_API_URL=away)
        assert (later.code, later.json["status"], later.json["api"]["requests"]) == (6, "deferred", 0)
        assert later.json["error"]["code"] == "circuit-open"
    state = terminal("breaker", "status", "--json").json
    assert state["breakers"][0]["state"] == "open"
    listed = terminal("status")
    assert (listed.code, "breaker open" in listed.out) == (0, True)  # what is here can still be read
    (terminal.folder / "config.yaml").write_text(QUICK % "0.01")
    with SandboxServer(products=3, seed=1) as shop:
        healed = terminal("products", "pull", "--json", SHOPIFY_API_URL=shop.url, SHOPIFY_ACCESS_TOKEN=shop.token)
    assert (healed.code, healed.json["counts"]["created"]) == (0, 3), healed.out
    assert terminal("breaker", "status", "--json").json["breakers"][0]["state"] == "closed"


def check_database_error(done: Finished, shop: SandboxServer, code: str = "") -> None:
    assert (done.code, done.err.startswith("error: database"), "next:" in done.err) == (7, True, True), done.err
    assert code in done.err
    assert "Traceback" not in done.err
    assert shop.stats()["mutations"] == 0


def test_a_locked_database(terminal: Terminal, shop: SandboxServer) -> None:
    terminal("sync")
    edited(terminal)
    holder = sqlite3.connect(terminal.folder / "shop.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    url = f"sqlite:///{terminal.folder}/shop.db?timeout=0.2"
    check_database_error(terminal("products", "push", SHOPIFY_SYNC_DATABASE_URL=url), shop, "database-locked")
    holder.execute("ROLLBACK")
    holder.close()
    assert terminal("products", "push").code == 0


def test_a_corrupt_database(terminal: Terminal, shop: SandboxServer) -> None:
    terminal("sync")
    edited(terminal)
    path = terminal.folder / "shop.db"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 40_000)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    check_database_error(terminal("products", "push"), shop)
    check_database_error(terminal("status"), shop)
    path.write_text("nothing like a database, but long enough to look like a file of somebody's notes\n" * 20)
    check_database_error(terminal("products", "push"), shop)


def test_a_database_in_a_folder_that_cannot_be(terminal: Terminal, shop: SandboxServer) -> None:
    (terminal.folder / "file").write_text("")
    for url in ("sqlite:////proc/shop.db", f"sqlite:///{terminal.folder}/file/shop.db", "sqlite:////"):
        check_database_error(terminal("products", "pull", SHOPIFY_SYNC_DATABASE_URL=url), shop)


def test_a_database_server_that_is_not_there(terminal: Terminal, shop: SandboxServer, closed_port: int) -> None:
    url = f"postgresql://sync:hush-hush@127.0.0.1:{closed_port}/shop"
    for command in (("products", "pull"), ("status",), ("doctor",)):
        done = terminal(*command, SHOPIFY_SYNC_DATABASE_URL=url)
        assert "hush-hush" not in done.out + done.err
        if command != ("doctor",):
            check_database_error(done, shop)


def test_a_full_disk(terminal: Terminal, shop: SandboxServer) -> None:
    """The limit on a file's size stands for the disk: SQLite can't write, the run says so, nothing is half done."""
    terminal("db", "upgrade")
    with SandboxServer(products=400, seed=3) as large:
        environment = terminal.environment | {"SHOPIFY_API_URL": large.url, "SHOPIFY_ACCESS_TOKEN": large.token}
        done = subprocess.run(
            ["bash", "-c", f"ulimit -f 500; {COMMAND} products pull"],
            cwd=terminal.folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        check_database_error(Finished(done.returncode, done.stdout, done.stderr), large)
        again = terminal("products", "pull", "--json", **environment)
        assert (again.code, again.json["status"]) == (0, "succeeded")
        listed = terminal("products", "list", "--limit", "1000", "--json").json["products"]
        assert len(listed) == 400


def test_status_says_what_stopped_the_last_run(terminal: Terminal, shop: SandboxServer) -> None:
    """A brake, with the way on; a table of words alone would leave one guessing."""
    terminal("sync")
    sql(terminal, "UPDATE products SET title = title || '!'")
    stopped = terminal("sync")
    assert stopped.code == 9
    shown = terminal("status")
    assert "stopped: products pull" in shown.out
    assert "every one of 12 records was changed here" in shown.out
    assert "next: `shopify-sync plan --allow-mass-change`" in shown.out
    assert terminal("plan", "--allow-mass-change").code == 0
    assert terminal("sync", "--allow-mass-change").code == 0
    assert "stopped" not in terminal("status").out

"""Help, version and completion: quick, without network or database, and true."""

from __future__ import annotations

import sqlite3

import pytest

from shopify_sync import __version__
from shopify_sync.cli import COMMANDS
from tests.cli.conftest import Terminal

GROUPS = {
    "products": ("pull", "push", "sync", "list", "show"),
    "history": ("show", "prune"),
    "conflicts": ("list", "show", "resolve", "log", "undo"),
    "breaker": ("status", "reset", "trip"),
    "config": ("show", "validate", "path"),
    "db": ("upgrade", "current", "check"),
    "sandbox": ("serve", "reset", "seed"),
}
SAFE = {"SHOPIFY_API_URL": "http://127.0.0.1:1", "SHOPIFY_SYNC_DATABASE_URL": "sqlite:////nowhere/at/all.db"}


def test_version(bare: Terminal) -> None:
    for flag in ("--version", "-V"):
        assert bare.cold(flag).out == f"shopify-sync {__version__}\n"


def test_help_names_every_command_of_the_contract(bare: Terminal) -> None:
    text = bare("--help", **SAFE).out
    for name in ("demo", "init", "doctor", "sync", "status", "retry", "import", *GROUPS):
        assert f"\n  {name} " in text, name
    assert bare().out == text  # no argument at all


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_without_network_or_database(bare: Terminal, name: str) -> None:
    done = bare(name, "--help", **SAFE)
    assert (done.code, done.err) == (0, "")
    for sub in GROUPS.get(name, ()):
        assert f"\n  {sub} " in done.out
    assert max(map(len, done.out.splitlines())) <= 100


def test_no_file_appears_for_help(bare: Terminal) -> None:
    bare("products", "pull", "--help", **SAFE)
    assert list(bare.folder.iterdir()) == []


def test_completion_offers_commands_and_is_installable(bare: Terminal) -> None:
    script = bare.cold("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert (script.code, "_SHOPIFY_SYNC_COMPLETE" in script.out) == (0, True)
    asked = bare.cold(_SHOPIFY_SYNC_COMPLETE="complete_bash", COMP_WORDS="shopify-sync pro", COMP_CWORD="1", **SAFE)
    assert asked.out.split() == ["products"]
    asked = bare.cold(
        _SHOPIFY_SYNC_COMPLETE="complete_bash", COMP_WORDS="shopify-sync products pu", COMP_CWORD="2", **SAFE
    )
    assert asked.out.split() == ["pull", "push"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("prodcts",), "products"),
        (("products", "pul"), "pull"),
        (("products", "pull", "--ful"), "--full"),
        (("products", "pull", "--limit", "0"), "--limit"),
        (("products", "pull", "--limit", "x"), "--limit"),
        (("products", "pull", "--since", "yesterday"), "2026-11-24"),
        (("products", "pull", "--method", "magic"), "auto"),
        (("sync", "gadgets"), "products"),
        (("history", "prune", "--older-than", "soon"), "30d"),
        (("import", "absent.csv"), "absent.csv"),
        (("--config", "absent.yaml", "status"), "absent.yaml"),
        (("--log-format", "xml", "status"), "text or json"),
        (("--database", "mysql://x/y", "status"), "sqlite:///"),
    ],
)
def test_wrong_input_is_a_block_that_says_what_to_do(terminal: Terminal, arguments: tuple[str, ...], says: str) -> None:
    done = terminal(*arguments)
    assert done.code == 2, done.err
    assert done.err.startswith("error: ")
    assert says in done.err
    assert "Traceback" not in done.err
    told = terminal(*arguments, "--json")
    assert (told.code, told.json["error"]["exit_code"], told.err) == (2, 2, "")


def test_a_mistake_leaves_no_run_behind(terminal: Terminal) -> None:
    """A wrong flag is refused before anything is written."""
    terminal("products", "pull", "--method", "magic")
    path = terminal.folder / "shop.db"
    if path.exists():
        assert sqlite3.connect(path).execute("SELECT count(*) FROM sync_status").fetchone() == (0,)

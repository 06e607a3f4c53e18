"""A token and a secret with a marker in them appear nowhere: output, logs, tracebacks, database file, processes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopify_sync.sandbox import SandboxServer
from shopify_sync.sandbox.server import DEFAULT_CLIENT_ID
from tests.cli.conftest import Finished, Terminal

MARK = "CANARY"
TOKEN = f"shpat_{MARK}0123456789abcdef"
SECRET = f"shpss_{MARK}fedcba9876543210"

COMMANDS = (
    ("doctor",), ("config", "show"), ("config", "validate"), ("sync",), ("products", "push"), ("products", "pull"),
    ("products", "pull", "--full"), ("status",), ("history",), ("history", "show", "1"), ("breaker", "status"),
    ("conflicts", "list"), ("retry",), ("db", "check"),
)  # fmt: skip


@pytest.fixture
def shop() -> Iterator[SandboxServer]:
    with SandboxServer(products=6, seed=3, token=TOKEN, client_secret=SECRET) as running:
        yield running


def check(done: Finished, *what: object) -> None:
    assert MARK not in done.out, what
    assert MARK not in done.err, what


def check_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert MARK.encode() not in path.read_bytes(), path


def test_a_token_appears_nowhere(terminal: Terminal, shop: SandboxServer) -> None:
    """Whatever goes well or wrong, as loud as can be, for people and for programs."""
    for command in COMMANDS:
        for extra in (("-vv",), ("-vv", "--json", "--log-format", "json")):
            check(terminal(*extra, *command), command)
    for fault in ("401=once", "403=once", "404=once", "truncated=once", "503=1", "redirect=once", "reset=1"):
        try:
            shop.fault(fault)
        except ValueError:  # the sandbox does not know this one
            continue
        (terminal.folder / "config.yaml").write_text("retry: {base_s: 0.001, cap_s: 0.002}\n")
        check(terminal("-vv", "products", "pull", "--full"), fault)
        shop.faults.replace(())
        terminal("breaker", "reset")
    check_files(terminal.folder)


def test_a_client_secret_appears_nowhere(terminal: Terminal, shop: SandboxServer) -> None:
    """Neither the secret, right or wrong, nor the token that it is exchanged for."""
    del terminal.environment["SHOPIFY_ACCESS_TOKEN"]
    terminal.environment |= {"SHOPIFY_CLIENT_ID": DEFAULT_CLIENT_ID, "SHOPIFY_CLIENT_SECRET": SECRET}
    assert terminal("sync").code == 0
    for client_secret in (SECRET, f"{SECRET}wrong"):
        for command in (("-vv", "doctor"), ("-vv", "products", "pull"), ("config", "show", "--json")):
            check(terminal(*command, SHOPIFY_CLIENT_SECRET=client_secret), command)
    issued = list(shop.tokens._given)
    assert issued
    check_files(terminal.folder)
    for path in terminal.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [token for token in issued if token.encode() in content], path


def test_a_fault_of_ours_tells_no_secret(terminal: Terminal) -> None:
    """A traceback with -vv shows code, not values; without it there is none."""
    (terminal.folder / "sitecustomize.py").write_text(
        "import shopify_sync.app.core as core\n"
        "def broken(self, *a, **k):\n"
        "    token = self.settings.shop.access_token\n"
        "    raise RuntimeError(f'unforeseen: {token} {self.settings!r}')\n"
        "core.App.ask_shop = broken\n"
    )
    environment = {"PYTHONPATH": str(terminal.folder)}
    loud = terminal.cold("-vv", "products", "pull", **environment)
    assert (loud.code, "Traceback" in loud.err, "unforeseen" in loud.err) == (1, True, True)
    check(loud)
    calm = terminal.cold("products", "pull", **environment)
    assert (calm.code, "Traceback" in calm.err, "error: unexpected" in calm.err) == (1, False, True)
    (terminal.folder / "sitecustomize.py").unlink()
    check_files(terminal.folder)


def test_a_database_password_appears_nowhere(terminal: Terminal, postgres_url: str) -> None:
    address = postgres_url.rpartition("@")[2]
    user = postgres_url.partition("://")[2].partition("@")[0].partition(":")[0]
    for url in (f"postgresql://{user}:{SECRET}@{address}", f"postgresql://{address}?user={user}&password={SECRET}"):
        for command in (("-vv", "sync"), ("-vv", "status"), ("-vv", "doctor"), ("config", "show"), ("db", "current")):
            check(terminal(*command, SHOPIFY_SYNC_DATABASE_URL=url), command)


def test_no_recorded_exchange_holds_a_token() -> None:
    root = Path(__file__).parent.parent.parent
    found = subprocess.run(
        ["grep", "-rIlE", "shp(at|ss|ca|pa|ua)_[0-9a-f]{16,}|Bearer [A-Za-z0-9]{20,}", "cassettes"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == ""

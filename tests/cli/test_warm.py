"""Commands that start warm (tests/warm.py) say and do what the installed program does."""

from __future__ import annotations

import re
import signal

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.cli.conftest import Terminal

_TOOK = re.compile(r" +[\d.]+ s\b")


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("--version",), ("products", "--help"), ("config", "show", "--json"), ("config", "path"), ("nonsense",),
        ("nonsense", "--json"), ("status",), ("--database", "mysql://x/y", "status"), ("products", "show", "1"),
    ],
)  # fmt: skip
def test_both_print_and_return_the_same(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    """Output, errors and exit code, byte by byte."""
    terminal.cold("db", "upgrade")
    assert terminal(*arguments) == terminal.cold(*arguments)


def test_both_log_the_same(terminal: Terminal) -> None:
    """Every request and the error of a refused token, as loud as can be."""
    terminal.cold("db", "upgrade")
    command = ("-vv", "products", "pull")
    warm, cold = (run(*command, SHOPIFY_ACCESS_TOKEN="shpat_wrong") for run in (terminal, terminal.cold))
    assert warm.code == cold.code == 5
    assert [_TOOK.sub("", text) for text in (warm.out, warm.err)] == [
        _TOOK.sub("", text) for text in (cold.out, cold.err)
    ]


def test_one_starts_like_a_program_that_nobody_ran_before(terminal: Terminal) -> None:
    """What one command sets up in its process is not there in the next one's."""
    seen = [terminal("-vv", "config", "show", "--log-format", "json"), terminal("config", "show")]
    assert [done.code for done in seen] == [0, 0]
    assert terminal("config", "show") == terminal.cold("config", "show")


def test_signals_reach_the_command(terminal: Terminal, shop: SandboxServer) -> None:
    """Its pid is its own: SIGKILL ends it and nothing else."""
    shop.fault("latency:60000@nodes=once")
    running = terminal.start("products", "pull")
    while shop.stats()["requests"] < 2:
        assert not running.wait(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.finish() == -signal.SIGKILL
    assert terminal("--version").code == 0

"""What a command has no use for it does not import: that is most of the time it takes to start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Terminal

RUN = """
import sys
sys.argv[1:] = {line!r}.split()
from shopify_sync.__main__ import main
try:
    main()
finally:
    sys.stderr.write("\\nmodules: " + " ".join(sys.modules))
"""


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("--version", {"typer", "logging", "dataclasses"}),
        ("--help", {"rich", "yaml", "shopify_sync.config", "shopify_sync.app"}),
        ("status", {"yaml", "sqlalchemy", "httpx", "graphql", "shopify_sync.entities"}),
        ("products list", {"yaml", "sqlalchemy", "httpx", "graphql"}),
        ("conflicts list", {"sqlalchemy", "httpx", "graphql"}),
        ("breaker reset", {"httpx", "graphql"}),
        ("retry", {"httpx", "graphql"}),
        ("sync", {"graphql", "alembic"}),
    ],
)
def test_what_is_not_needed_is_not_imported(terminal: Terminal, line: str, absent: set[str]) -> None:
    terminal("sync", "-q")
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(line=line)],
        cwd=terminal.folder, env=terminal.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert absent & set(done.stderr.rpartition("modules: ")[2].split()) == set()

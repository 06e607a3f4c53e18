"""The command as a user runs it: a process of its own, a folder of its own, a shop over HTTP."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shopify_sync.sandbox import SandboxServer
from tests.warm import Running, Warm

OURS = "<p>A fine <b>cotton</b> tee, made in Porto by people who know how to sew.</p>"
THEIRS = "<p>A fine <b>linen</b> tee, made in Porto by people who know how to sew.</p>"
COMMAND = Path(sys.executable).parent / "shopify-sync"


@dataclass
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Terminal:
    """Runs the command in `folder`; `environment` is all it inherits. `cold` is the installed program itself."""

    folder: Path
    warm: Warm
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Finished:
        running = self.warm.start([*arguments], self.folder, self.environment | environment, stdin)
        return Finished(running.finish(), running.out, running.err)

    def start(self, *arguments: str, **environment: str) -> Running:
        return self.warm.start([*arguments], self.folder, self.environment | environment)

    def cold(self, *arguments: str, stdin: str = "", **environment: str) -> Finished:
        done = subprocess.run(
            [str(COMMAND), *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def bare(tmp_path: Path, warm: Warm) -> Terminal:
    """A newcomer's terminal: nothing is set up."""
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "conf")}
    return Terminal(tmp_path, warm, {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TMPDIR": str(tmp_path), **home})


@pytest.fixture
def shop() -> Iterator[SandboxServer]:
    with SandboxServer(products=12, seed=3) as running:
        yield running


@pytest.fixture
def terminal(bare: Terminal, shop: SandboxServer) -> Terminal:
    """A terminal with a sandbox shop and a SQLite file set up in its environment."""
    bare.environment |= {
        "SHOPIFY_API_URL": shop.url,
        "SHOPIFY_ACCESS_TOKEN": shop.token,
        "SHOPIFY_SYNC_DATABASE_URL": f"sqlite:///{bare.folder / 'shop.db'}",
    }
    return bare


@pytest.fixture
def disputed(terminal: Terminal, shop: SandboxServer) -> Terminal:
    """Two products that both sides changed: title, description, vendor and a price of one, title of the other.

    And the tags of the first, which come together without anybody's word.
    """
    terminal("sync", "-q")
    first, second = sql(terminal, "SELECT id, handle FROM products ORDER BY id LIMIT 2")
    sql(
        terminal,
        "UPDATE products SET title = 'Ours', description_html = ?, vendor = 'Here', tags = '[\"a\",\"b\"]' "
        "WHERE id = ?",
        OURS,
        first[0],
    )
    sql(terminal, "UPDATE product_variants SET price = '11.00' WHERE product_id = ? AND position = 1", first[0])
    shop.edit(
        product=first[1],
        set={"title": "Theirs", "descriptionHtml": THEIRS, "vendor": "There", "tags": ["b", "c"]},
        variants=[{"position": 1, "price": "22.00"}],
    )
    sql(terminal, "UPDATE products SET title = 'Mug' WHERE id = ?", second[0])
    shop.edit(product=second[1], set={"title": "Cup"})
    assert terminal("sync", "-q").code == 4
    return terminal


def sql(terminal: Terminal, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What another program does to the tables."""
    connection = sqlite3.connect(terminal.folder / "shop.db")
    with connection:
        rows = connection.execute(statement, values).fetchall()
    connection.close()
    return rows


def title(terminal: Terminal) -> dict[str, Any]:
    """The dispute about the first product's title."""
    found = terminal("conflicts", "list", "--json").json["conflicts"]
    return next(row for row in found if (row["field_path"], row["local"]) == ("title", "Ours"))

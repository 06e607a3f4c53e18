"""Runs `shopify-sync` as a user does: the command line in a process of its own, against a sandbox shop."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Child, Ended
from benchmarks.shop import ShopProcess

# The program's own limit of 40 requests a second would be all that one sees where the shop answers in milliseconds.
_CONFIG = "limiter:\n  requests_per_s: 100000\n  burst: 100000\n"


class MethodMissing(Exception):
    """This version of the program does not have the `--method` asked for."""


@dataclass(frozen=True)
class Run:
    """A command that has ended well. `document` is its JSON; `shop` what the sandbox counted meanwhile."""

    ended: Ended
    document: dict[str, Any]
    shop: dict[str, Any]

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The runs of pull and push in it."""
        found: list[dict[str, Any]] = self.document.get("runs", [self.document])
        return found

    def counted(self, name: str) -> int:
        return sum(int(run["counts"][name]) for run in self.runs)


class Place:
    """A folder with a configuration and one database, as one user has it. `url` is the database's."""

    def __init__(self, folder: Path, url: str | None = None, *, paced: bool = False) -> None:
        folder.mkdir(parents=True)
        self.folder, self.path = folder, folder / "shop.db"
        self.url = url or f"sqlite:///{self.path}"
        (folder / "config.yaml").write_text("limiter: {}\n" if paced else _CONFIG)

    def copy(self, folder: Path, *, paced: bool = False) -> Place:
        """The same database in another place (SQLite)."""
        made = Place(folder, paced=paced)
        for path in self.folder.glob("shop.db*"):
            shutil.copy(path, folder / path.name)
        return made

    def environment(self, shop: ShopProcess) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPIFY_")}
        return kept | {
            "SHOPIFY_API_URL": shop.url,
            "SHOPIFY_ACCESS_TOKEN": shop.token,
            "SHOPIFY_SYNC_DATABASE_URL": self.url,
            "SHOPIFY_SYNC_CONFIG": str(self.folder / "config.yaml"),
            "XDG_CONFIG_HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder),
        }

    def start(self, shop: ShopProcess, *arguments: object) -> Child:
        return Child("shopify_sync.__main__", ["--json", "--no-progress", *arguments], self.environment(shop))

    def run(self, shop: ShopProcess, *arguments: object, codes: tuple[int, ...] = (0,)) -> Run:
        """One command; ends the benchmark where it ends with another code. Raises MethodMissing."""
        shop.reset_stats()
        return finished(self.start(shop, *arguments), shop, arguments, codes)


def finished(child: Child, shop: ShopProcess, arguments: tuple[object, ...], codes: tuple[int, ...] = (0,)) -> Run:
    """Wait for a command and read what it said. Raises MethodMissing."""
    ended = child.wait()
    document = json.loads(ended.out) if ended.out.startswith("{") else {}
    if ended.code == 2 and "--method" in arguments and "method" in document.get("error", {}).get("what", ""):
        raise MethodMissing(f"this version has no --method {arguments[arguments.index('--method') + 1]}")
    if ended.code not in codes:
        said = ended.err or ended.out
        raise SystemExit(f"shopify-sync {' '.join(map(str, arguments))} ended with {ended.code}:\n{said}")
    return Run(ended, document, shop.stats())

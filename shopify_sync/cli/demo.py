"""`demo`: everything once, on a simulated shop, without a store."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from shopify_sync.cli._options import make_app, options_of
from shopify_sync.cli._output import overall, print_json, print_table, say

if TYPE_CHECKING:
    from shopify_sync.app import App
    from shopify_sync.app.planning import Plan
    from shopify_sync.app.verifying import Verified
    from shopify_sync.records import RunResult
    from shopify_sync.sandbox import SandboxServer

app = make_app(no_args_is_help=False)

_PRODUCTS = 40
_CONFLICTS_WAIT = 4


@dataclass
class _Show:
    """What the demo did, for the tables and for `--json`."""

    quiet: bool
    runs: list[tuple[str, RunResult]] = field(default_factory=list)
    plan: Plan | None = None
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    proofs: list[Verified] = field(default_factory=list)
    restored: bool = False
    steps: int = 0

    def tell(self, text: str) -> None:
        self.steps += 1
        if not self.quiet:
            say(f"{self.steps}. {text}")

    def ran(self, what: str, *runs: RunResult) -> None:
        self.runs += [(what, run) for run in runs]

    @property
    def code(self) -> int:
        from shopify_sync.app import worst

        # The conflict is part of the show; anything else that went wrong is a fault, and told.
        ended = [run for _, run in self.runs if run.exit_code != _CONFLICTS_WAIT]
        unequal = any(proof.exit_code for proof in self.proofs)
        return worst(ended) or (1 if unequal or not self.restored else 0)


@app.command(
    help="See products travel both ways between a sandbox shop and SQLite: edit on both sides, plan, sync, resolve a "
    "conflict, verify, undo.\n\n"
    "Needs no store and no network, asks nothing, leaves nothing running.\n\n"
    "Exit codes: 0 done, otherwise those of `sync`.",
    epilog="Example: shopify-sync demo",
)
def demo(ctx: typer.Context, products: int = typer.Option(_PRODUCTS, min=8, help="Products of the shop.")) -> int:
    from shopify_sync.app import open_app
    from shopify_sync.config import Flags, load
    from shopify_sync.sandbox import SandboxServer

    options = options_of(ctx)
    show = _Show(options.json or options.quiet)
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="shopify-sync-demo-"))
    path = folder / "shop.db"
    with SandboxServer(products=products, seed=2026) as shop:
        environment = {"SHOPIFY_API_URL": shop.url, "SHOPIFY_ACCESS_TOKEN": shop.token}
        settings = load(Flags(database=f"sqlite:///{path}"), environment, files=False)
        show.tell(f"a sandbox shop with {products} products answers at {shop.url}")
        with open_app(settings, trigger="demo") as opened:
            show.ran("first pull", opened.pull("products"))
            show.tell(f"its products were pulled into {path}")
            edited = _edit_here(path) + _edit_there(shop, path)
            show.tell(f"{edited} edits were made: here by plain SQL, there as a merchant; two products on both sides")
        with open_app(settings, dry_run=True) as looking:
            _plan(show, looking)
        with open_app(settings, trigger="demo") as opened:
            _sync(show, opened, path, shop)
    took = time.monotonic() - started
    if options.json:
        print_json(_document(show, path, took))
        return show.code
    if not options.quiet:
        _print_costs(show)
        _print_next(path, took)
    return show.code


def _plan(show: _Show, looking: App) -> None:
    from shopify_sync.app.planning import sync_plan
    from shopify_sync.cli._plans import print_plan

    show.plan = sync_plan(looking)
    show.tell("`plan` tells what a sync will do, field by field, and writes nothing:\n")
    if not show.quiet:
        print_plan(show.plan.actions, limit=40)


def _sync(show: _Show, opened: App, path: Path, shop: SandboxServer) -> None:
    """Sync, decide the conflict, prove that both sides are equal, and put everything back."""
    from shopify_sync.app import deciding, undoing
    from shopify_sync.app.verifying import sentence, verify

    before = _both_sides(shop, path)
    runs = opened.sync(["products"])
    show.ran("sync", *runs)
    show.conflicts = _conflicts(path)
    show.tell("`sync` did that; one field waits, since both sides changed it and neither is overwritten:\n")
    if not show.quiet:
        rows = [(c["record"], c["field"], c["base"], c["here"], c["shopify"]) for c in show.conflicts]
        print_table(("product", "field", "was", "here", "on Shopify"), rows)
    chosen = deciding.Selection(every=True)
    deciding.resolve(opened.database, opened.shop["id"], opened.clock, chosen, take="shopify", by="user:demo")
    show.ran("sync again", *opened.sync(["products"]))
    show.tell("`conflicts resolve --take shopify` and another `sync` settled it")
    show.proofs = verify(opened, ["products"])
    show.ran("verify", *(proof.run for proof in show.proofs))
    show.tell(f"`verify` proves it: {'; '.join(sentence(proof.proof) for proof in show.proofs)}")
    number = runs[0].run_id
    if number is None:
        return
    undone = undoing.undo(opened, undoing.undoable(opened, number))
    show.ran("undo", *undone)
    show.restored = (
        _both_sides(shop, path)[1].items()
        >= {
            handle: told for handle, told in before[1].items() if handle not in {c["record"] for c in show.conflicts}
        }.items()
    )
    words = "is what it was before the sync" if show.restored else "is NOT what it was: a fault"
    show.tell(f"`undo {number}` put the first sync back: the shop {words}\n")


def _edit_here(path: Path) -> int:
    """What any program with a SQL connection may do. How many edits."""
    connection = sqlite3.connect(path)
    statements = (
        "UPDATE products SET title = title || ' (new season)' WHERE id = 1",
        "UPDATE product_variants SET price = '19.95' "
        "WHERE id = (SELECT min(id) FROM product_variants WHERE product_id = 2)",
        """UPDATE products SET tags = '["demo","summer"]' WHERE id = 3""",
        "UPDATE products SET vendor = 'Demo Vendor' WHERE id = 5",
        "UPDATE products SET title = 'Called this here' WHERE id = 6",
        "INSERT INTO products (shop_id, title, vendor, status) VALUES (1, 'Demo Mug', 'shopify-sync', 'ACTIVE')",
        "INSERT INTO product_variants (product_id, sku, price) "
        "SELECT id, 'DEMO-MUG', '12.50' FROM products WHERE title = 'Demo Mug'",
    )
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return len(statements) - 1


def _edit_there(shop: SandboxServer, path: Path) -> int:
    """What a merchant does in the admin. How many edits."""
    connection = sqlite3.connect(path)
    handles = [row[0] for row in connection.execute("SELECT handle FROM products WHERE id IN (4, 5, 6) ORDER BY id")]
    connection.close()
    shop.edit(product=handles[0], set={"title": "Renamed by the merchant"})
    shop.edit(product=handles[1], set={"price": "8.00"})
    shop.edit(product=handles[2], set={"title": "Called that there"})
    shop.edit(create={"title": "Added by the merchant", "price": "30.00"})
    return 4


_Side = dict[str, dict[str, Any]]


def _both_sides(shop: SandboxServer, path: Path) -> tuple[_Side, _Side]:
    """Title, vendor, tags and prices of each product by handle: here, and on Shopify."""
    connection = sqlite3.connect(path)
    here = {
        row[0]: {"title": row[1], "vendor": row[2], "tags": row[3], "prices": row[4]}
        for row in connection.execute(
            "SELECT p.handle, p.title, p.vendor, p.tags, (SELECT group_concat(v.price) FROM product_variants v "
            "WHERE v.product_id = p.id) FROM products p WHERE p.handle IS NOT NULL"
        )
    }
    connection.close()
    variants = shop.shop.table("ProductVariant")
    there = {
        product["handle"]: {
            "title": product["title"],
            "vendor": product["vendor"],
            "tags": ", ".join(product["tags"]),
            "prices": ", ".join(str(variants[number]["price"]) for number in product["variantIds"]),
        }
        for product in shop.shop.table("Product").values()
    }
    return here, there


def _conflicts(path: Path) -> list[dict[str, Any]]:
    from shopify_sync.store.reading import open_reader

    with open_reader(f"sqlite:///{path}") as reader:
        return [
            {
                "record": c["record_key"],
                "field": c["field_path"],
                "base": c["base"],
                "here": c["local"],
                "shopify": c["remote"],
            }
            for c in reader.conflicts()
        ]


def _document(show: _Show, path: Path, took: float) -> dict[str, Any]:
    runs = [run for _, run in show.runs]
    return {
        "status": "succeeded" if show.code == 0 else overall(runs),
        "database": str(path),
        "seconds": round(took, 2),
        "plan": show.plan.as_json() if show.plan else None,
        "runs": [run.as_json() for run in runs],
        "conflicts": show.conflicts,
        "verify": [proof.as_json() for proof in show.proofs],
        "undone": show.restored,
    }


def _print_costs(show: _Show) -> None:
    rows = [
        (what, f"{run.entity} {run.direction}", run.status, run.api.requests, run.api.points, _took(run))
        for what, run in show.runs
    ]
    columns = ("step", "run", "status", "requests", "points", "time")
    print_table(columns, rows, title="What it cost", right="requests points time")


def _took(run: RunResult) -> str | None:
    if not (run.started_at and run.finished_at):
        return None
    return f"{(run.finished_at - run.started_at).total_seconds():.1f} s"


def _print_next(path: Path, took: float) -> None:
    say(f"done in {took:.1f} s; the shop is gone again, the database is kept:\n  {path}")
    say("look at it:")
    say(f"  shopify-sync --database sqlite:///{path} status")
    say(f"  shopify-sync --database sqlite:///{path} history")
    say(f"  shopify-sync --database sqlite:///{path} conflicts log")
    say("go on:")
    say("  shopify-sync sandbox serve     a shop of your own to play with")
    say("  shopify-sync init              a configuration for a real store")

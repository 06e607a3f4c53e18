"""`demo`: everything once, on a simulated shop, without a store."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from shopify_sync.cli._options import make_app, options_of
from shopify_sync.cli._output import overall, print_json, print_table, say

if TYPE_CHECKING:
    from shopify_sync.records import RunResult
    from shopify_sync.sandbox import SandboxServer

app = make_app(no_args_is_help=False)

_PRODUCTS = 40
_CONFLICTS_WAIT = 4
_COLUMNS = ("product", "field", "from", "to", "direction")


@app.command(
    help="See products travel both ways between a sandbox shop and SQLite: seed, edit on both sides, sync, look.\n\n"
    "Needs no store and no network, asks nothing, leaves nothing running.\n\n"
    "Exit codes: 0 done, otherwise those of `sync`.",
    epilog="Example: shopify-sync demo",
)
def demo(ctx: typer.Context, products: int = typer.Option(_PRODUCTS, min=8, help="Products of the shop.")) -> int:
    from shopify_sync.app import open_app, worst
    from shopify_sync.config import Flags, load
    from shopify_sync.sandbox import SandboxServer

    options = options_of(ctx)
    quiet = options.json or options.quiet
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="shopify-sync-demo-"))
    path = folder / "shop.db"
    with SandboxServer(products=products, seed=2026) as shop:
        _tell(quiet, f"1. a sandbox shop with {products} products answers at {shop.url}")
        environment = {"SHOPIFY_API_URL": shop.url, "SHOPIFY_ACCESS_TOKEN": shop.token}
        settings = load(Flags(database=f"sqlite:///{path}"), environment, files=False)
        with open_app(settings, trigger="demo") as opened:
            first = opened.pull("products")
            _tell(quiet, f"2. pulled into {path}")
            local = _edit_here(path)
            remote = _edit_there(shop, path)
            before = _both_sides(shop, path)
            _tell(quiet, f"3. {local} edits here by plain SQL, {remote} on Shopify, one product on both sides")
            results = opened.sync(["products"])
            _tell(quiet, "4. synced: pulled Shopify's changes, pushed ours\n")
            after = _both_sides(shop, path)
            conflicts = _conflicts(path)
            again = opened.sync(["products"])
    moved = _moves(before, after)
    runs = (first, *results, *again)
    # The conflict is part of the show; anything else that went wrong is a fault, and told.
    code = worst([run for run in runs if run.exit_code != _CONFLICTS_WAIT])
    took = time.monotonic() - started
    if options.json:
        print_json(
            {
                "status": "succeeded" if code == 0 else overall(runs),
                "database": str(path),
                "seconds": round(took, 2),
                "runs": [run.as_json() for run in runs],
                "moved": [
                    dict(zip(("product", "field", "from", "to", "direction"), row, strict=True)) for row in moved
                ],
                "conflicts": conflicts,
            }
        )
        return code
    _show(moved, conflicts, (first, *results), again)
    say(f"done in {took:.1f} s; the shop is gone again, the database is kept:\n  {path}")
    say("look at it:")
    say(f"  shopify-sync --database sqlite:///{path} status")
    say(f"  shopify-sync --database sqlite:///{path} conflicts list")
    say(f"  shopify-sync --database sqlite:///{path} products list --limit 5")
    say("go on:")
    say("  shopify-sync sandbox serve     a shop of your own to play with")
    say("  shopify-sync init              a configuration for a real store")
    return code


def _tell(quiet: bool, text: str) -> None:
    if not quiet:
        say(text)


def _edit_here(path: Path) -> int:
    """What any program with a SQL connection may do. How many products it touches."""
    connection = sqlite3.connect(path)
    statements = (
        "UPDATE products SET title = title || ' (new season)' WHERE id = 1",
        "UPDATE product_variants SET price = '19.95' "
        "WHERE id = (SELECT min(id) FROM product_variants WHERE product_id = 2)",
        """UPDATE products SET tags = '["demo","summer"]' WHERE id = 3""",
        "INSERT INTO products (shop_id, title, vendor, status) VALUES (1, 'Demo Mug', 'shopify-sync', 'ACTIVE')",
        "INSERT INTO product_variants (product_id, sku, price) "
        "SELECT id, 'DEMO-MUG', '12.50' FROM products WHERE title = 'Demo Mug'",
        "UPDATE products SET title = 'Called this here' WHERE id = 6",
    )
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return 5


def _edit_there(shop: SandboxServer, path: Path) -> int:
    """What a merchant does in the admin. How many products it touches."""
    connection = sqlite3.connect(path)
    handles = [row[0] for row in connection.execute("SELECT handle FROM products WHERE id IN (4, 5, 6) ORDER BY id")]
    connection.close()
    shop.edit(product=handles[0], set={"title": "Renamed by the merchant"})
    shop.edit(product=handles[1], set={"price": "8.00"})
    shop.edit(create={"title": "Added by the merchant", "price": "30.00"})
    shop.edit(product=handles[2], set={"title": "Called that there"})
    return 4


_Side = dict[str, dict[str, Any]]


def _both_sides(shop: SandboxServer, path: Path) -> tuple[_Side, _Side]:
    """Title, tags and first price of each product by handle: here, and on Shopify."""
    connection = sqlite3.connect(path)
    here = {
        row[0]: {"title": row[1], "tags": row[2].strip("[]").replace('"', "").replace(",", ", "), "price": row[3]}
        for row in connection.execute(
            "SELECT p.handle, p.title, p.tags, (SELECT v.price FROM product_variants v WHERE v.product_id = p.id "
            "ORDER BY v.position LIMIT 1) FROM products p WHERE p.handle IS NOT NULL"
        )
    }
    connection.close()
    variants = shop.shop.table("ProductVariant")
    there = {
        product["handle"]: {
            "title": product["title"],
            "tags": ", ".join(product["tags"]),
            "price": variants[product["variantIds"][0]]["price"],
        }
        for product in shop.shop.table("Product").values()
    }
    return here, there


def _moves(before: tuple[_Side, _Side], after: tuple[_Side, _Side]) -> list[tuple[str, str, str, str, str]]:
    """(product, field, from, to, direction) of everything that one side took over from the other in the sync."""
    (here_before, there_before), (here, there) = before, after
    moved = []
    for handle in sorted(here.keys() & there.keys()):
        directions = [("push", there_before)]
        if handle in there_before:  # a product made here has no handle until Shopify gives it one
            directions.append(("pull", here_before))
        for direction, was in directions:
            old, new = was.get(handle, {}), here[handle]
            moved += [
                (handle, name, old.get(name, "(new)"), new[name], direction)
                for name in ("title", "price", "tags")
                if new[name] and new[name] != old.get(name) and new[name] == there[handle][name]
            ]
    return moved


def _conflicts(path: Path) -> list[dict[str, Any]]:
    from shopify_sync.store.reading import open_reader

    with open_reader(f"sqlite:///{path}") as reader:
        return [
            {"record": c["record_key"], "field": c["field_path"], "here": c["local"], "shopify": c["remote"]}
            for c in reader.conflicts()
        ]


def _show(
    moved: list[tuple[str, str, str, str, str]],
    conflicts: list[dict[str, Any]],
    runs: tuple[RunResult, ...],
    again: list[RunResult],
) -> None:
    from shopify_sync.cli._output import print_counts

    arrows = {"push": "→ Shopify", "pull": "→ database"}
    print_table(_COLUMNS, [(*row[:4], arrows[row[4]]) for row in moved], title="What moved where")
    if conflicts:
        rows = [(c["record"], c["field"], c["here"], c["shopify"]) for c in conflicts]
        print_table(
            ("product", "field", "here", "on Shopify"),
            rows,
            title="Changed on both sides: kept as it is, yours to decide",
        )
    print_counts(runs, title="What it cost")
    points = sum(run.api.points for run in again)
    requests = sum(run.api.requests for run in again)
    say(f"a second sync with nothing new: {requests} requests, {points} points, nothing written\n")

"""Pushes through the command line: every tenth product has a new title and a new price of its first variant.

A record is a product that was pushed. Limit: the pushed products' answers parsed and their rows upserted by hand
(processor); bytes and points (wall). The points are nearly all: a mutation costs 10.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from benchmarks.bench import Bench, best, expect
from benchmarks.shop import ShopProcess
from benchmarks.tool import Run

EVERY = 10
PUSH = ("products", "push", "--method")


def single(bench: Bench, size: int) -> None:
    """`products push --method single`: two mutations a product."""
    _pushed(bench, size, "single")


def bulk(bench: Bench, size: int) -> None:
    """`products push --method bulk`: the mutations' variables as files, carried out by Shopify."""
    _pushed(bench, size, "bulk")


def _pushed(bench: Bench, size: int, method: str) -> None:
    runs = [_once(bench, size, method) for _ in bench.times(size)]
    records = runs[0].counted("updated")
    raw = bench.raw(size)
    share = records / size
    row = bench.row(
        f"push {method}", size, best(runs), records=records, raw_cpu_s=(raw["pages"] + raw["upsert"]) * share
    )
    row.fixed_cpu_s = bench.fixed(*PUSH, method)


def _once(bench: Bench, size: int, method: str) -> Run:
    place = bench.copy(size)
    with closing(sqlite3.connect(place.path)) as conn, conn:
        chosen = f"SELECT id FROM products WHERE id % {EVERY} = 0"
        edited = conn.execute(f"UPDATE products SET title = title || ' (new)' WHERE id IN ({chosen})").rowcount
        conn.execute(
            "UPDATE product_variants SET price = printf('%.2f', price + 1) WHERE position = 1 "
            f"AND product_id IN ({chosen})"
        )
    with ShopProcess(size) as shop:  # one of its own, since it is changed
        run = place.run(shop, *PUSH, method)
    expect(run.counted("updated"), edited)
    return run

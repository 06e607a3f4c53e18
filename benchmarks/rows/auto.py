"""What `--method auto` chooses: pages against bulk operations by the number of products that changed on Shopify.

A shop of 25,000 products, all pulled; 200, 2,000 or 20,000 of them are touched; then each method pulls them into a copy
of the same database, at the pace of the Standard and of the Plus plan, from a full bucket. Limit: points at 100 a
second, on Plus at 1,000.

How long a bulk operation takes on Shopify is the open question. All that is recorded are operations of 1,458 objects
in about a second (captures/bulk-operations), so that is the pace here, `--bulk-pace` sets another; 0 lets them end
as soon as the sandbox has written their file. In these rows `products` is how many changed.
"""

from __future__ import annotations

from benchmarks.bench import Bench, expect
from benchmarks.results import Row
from benchmarks.rows.pulling import PULL
from benchmarks.shop import ShopProcess
from benchmarks.tool import MethodMissing

PRODUCTS = 25_000
CHANGED = (200, 2_000, 20_000)
PLANS = {"Standard": (2_000, 100.0), "Plus": (20_000, 1_000.0)}
METHODS = ("paged", "bulk", "auto")
OBJECTS = 8  # lines of a bulk file for each product: itself, three variants, media, metafields, collections


def choices(bench: Bench, _size: int) -> None:
    """Each method, each number of changes, each plan; a note says what `auto` chose."""
    bench.filled(PRODUCTS)
    bench.close()  # the shop it was filled from; another one, equal to it, is edited
    for plan, (bucket, restore) in PLANS.items():
        with ShopProcess(PRODUCTS, bucket=bucket, restore=restore) as shop:
            for changed in CHANGED:
                shop.edit_many({"touch": True}, count=changed)
                _compare(bench, shop, plan, restore, changed)


def _compare(bench: Bench, shop: ShopProcess, plan: str, restore: float, changed: int) -> None:
    shop.bulk_s(changed * OBJECTS / bench.bulk_pace if bench.bulk_pace else 0.0)
    rows: dict[str, Row] = {}
    chose = ""
    for method in METHODS:
        shop.level(float("1e9"))
        try:
            run = bench.copy(PRODUCTS, paced=True).run(shop, *PULL, method)
        except MethodMissing as missing:
            bench.report.left_out[f"auto: {method}"] = str(missing)
            continue
        expect(run.counted("seen"), changed)
        rows[method] = row = bench.row(f"{plan}, {method}", changed, run)
        row.points_s = (row.points or 0) / restore
        row.fixed_cpu_s = bench.fixed(*PULL, "paged")
        row.more["shop"] = PRODUCTS
        if method == "auto":
            chose = "bulk" if run.shop["mutations"] else "paged"  # a pull by pages has no mutation
            row.more["chose"] = chose
    told = ", ".join(f"{method} {row.wall_s:.1f} s" for method, row in rows.items() if method != "auto")
    bench.report.notes.append(f"auto, {plan}, {changed:,} changed: chose {chose}, {rows['auto'].wall_s:.1f} s ({told})")
